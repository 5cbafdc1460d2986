/**
 * The restored server stands: what it replaced is removed, unless it is all that is left of the target as it was. Then it
 * stays where it is, and the report names it.
 */
import * as z from 'zod';
import type { World } from '../ports/world.ts';
import { removeJournal } from '../repository/restore-journal.ts';
import { clearFolders, keptFolders } from './parts/folders-back.ts';
import { discardScratch } from './parts/scratch-database.ts';
import { asideDatabase, dropAside } from './parts/swap-back.ts';
import { requireRestorePlan } from './restoring/restore-of-run.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({ kept: z.array(z.string()), notes: z.array(z.string()) });

export const step = defineStep(
  { name: 'clear-aside', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, { run, beat }) => {
    const { safety } = await requireRestorePlan(world, run);
    await discardScratch(world, run);
    // The journal stays as well: it says what lies where.
    if (safety === 'kept') return { kept: await whatIsKept(world, run), notes: [] };
    await beat({ text: 'removing the old database and folders' });
    await dropAside(world, run);
    await clearFolders(world, run);
    await removeJournal(world, run.id);
    return { kept: [], notes: [] };
  },
);

const whatIsKept = async (world: World, run: { id: string; instance: string }): Promise<string[]> => {
  const database = await asideDatabase(world, run);
  return [
    ...(database === null ? [] : [`database ${database}`]),
    ...(await keptFolders(world, run)).map((path) => `folder ${path}`),
  ];
};
