/**
 * Puts the staged folders in the place of the target's, which are kept aside until the probes have passed. The server is
 * stopped. Before the first rename it looks once more for files that changed through a link since they were staged.
 */
import * as z from 'zod';
import { appearedSince, type Appeared } from '../archive/swap/appeared.ts';
import { stageFolders } from '../archive/restore/stage.ts';
import { swapFolders } from '../archive/swap/swap-folders.ts';
import type { FolderJournal } from '../domain/restores/folders.ts';
import { notePlaces, requireStaged } from './parts/folder-places.ts';
import { requireRestorePlan } from './restoring/restore-of-run.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({ notes: z.array(z.string()) });

/** @throws FolderInTheWay, FolderLost, FolderNotMovable, and what staging throws */
export const step = defineStep(
  { name: 'swap-folders', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, { run, signal, beat }) => {
    const { archive } = await requireRestorePlan(world, run);
    const { places } = await requireStaged(world, run.id);
    const waiting = places.filter(({ phase }) => phase === 'staged');
    if (waiting.length > 0) {
      await beat({ text: 'looking for files that changed since' });
      await stageFolders(world, { at: archive, places: waiting, isLastLook: true }, { signal });
    }
    await beat({ text: 'renaming the folders' });
    const note = (moved: FolderJournal[]): Promise<void> => notePlaces(world, run.id, moved);
    const swapped = await swapFolders(places, { note, beat });
    return { notes: notesOn(await appearedSince(swapped)) };
  },
);

const NAMED_IN_NOTE = 5;

const notesOn = ({ count, named }: Appeared): string[] => {
  if (count === 0) return [];
  const more = count > NAMED_IN_NOTE ? ` and ${count - NAMED_IN_NOTE} more` : '';
  const shown = `${named.slice(0, NAMED_IN_NOTE).join(', ')}${more}`;
  return [
    `${count === 1 ? '1 file that came while the folders were written is' : `${count} files that came while the folders were written are`} not taken over: ${shown}`,
  ];
};
