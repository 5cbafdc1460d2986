/**
 * Writes the folders of the archive beside those of the target, while people work: every file compared with its SHA-256,
 * what is right on the target already not read from the store again. The work is in `lib/archive/restore`.
 */
import * as z from 'zod';
import { openRoots, stageFolders } from '../archive/restore/stage.ts';
import type { FoldersJournal } from '../domain/restores/folders.ts';
import { beginFolders, changeFolders, notePlaces } from './parts/folder-places.ts';
import { requireRestorePlan } from './restoring/restore-of-run.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({
  fileCount: z.number(),
  sizeBytes: z.number(),
  /** What had to be fetched; the rest was right on the target already. */
  writtenBytes: z.number(),
  notes: z.array(z.string()),
});

/** @throws ArchiveDamaged, PathRefused, LinkRefused, FolderInTheWay, FolderDiskFull, FolderNotWritable */
export const step = defineStep(
  { name: 'stage-folders', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, { run, signal, beat }) => {
    const plan = await requireRestorePlan(world, run);
    const begun = await beginFolders(world, run.id, plan);
    if (begun.summary !== null) return outputOf(begun);
    await beat({ text: 'comparing the folders with the archive' });
    const places = openRoots(begun.places);
    await notePlaces(world, run.id, places);
    const onProgress = ({ bytes, ofBytes }: { bytes: number; ofBytes: number }): void => {
      const percent = Math.min(100, Math.floor((100 * bytes) / Math.max(1, ofBytes)));
      void beat({ percent, text: 'writing the folders beside those of the server' }).catch(() => undefined);
    };
    const summary = await stageFolders(world, { at: plan.archive, places }, { signal, onProgress });
    await beat();
    return outputOf(
      await changeFolders(world, run.id, () => ({
        places: places.map((place) => ({ ...place, phase: 'staged' })),
        summary,
      })),
    );
  },
);

const outputOf = ({ summary, places }: FoldersJournal): z.input<typeof Output> => {
  const { fileCount, sizeBytes, fetchedBytes } = summary!;
  const inside = places.filter(({ way }) => way === 'inside').map(({ target }) => target);
  const note = `exchanged entry by entry, because it cannot be renamed: ${inside.join(', ')}`;
  return { fileCount, sizeBytes, writtenBytes: fetchedBytes, notes: inside.length === 0 ? [] : [note] };
};
