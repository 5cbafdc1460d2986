/**
 * The way out of a restore that did not come to its end: the target as it was, given back to its people, and what was
 * prepared beside it removed. After the point of no return there is only one way: on, until the restored server is open.
 *
 * It heeds neither a cancelled run nor a lost lock. What cannot be removed keeps nobody from their server; it is named, and
 * the worker removes it within the hour.
 */
import * as z from 'zod';
import { OctoError } from '../domain/errors.ts';
import { quietSeconds } from '../domain/runs/lease.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { closeLease } from '../repository/lease/lease.ts';
import { readJournal, removeJournal } from '../repository/restore-journal.ts';
import { discardFolders } from './parts/folders-back.ts';
import { discardScratch } from './parts/scratch-database.ts';
import { giveServerBack } from './restoring/return-server.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({
  how: z.enum(['untouched', 'returned', 'kept']),
  /** Tables that have as many rows as before; null where they could not be counted before. */
  tables: z.number().nullable(),
  quietSeconds: z.number(),
  notes: z.array(z.string()),
});

/** @throws ReturnNotProven, ServerNotHealthy, LeaseNotRestored, and what putting back a part throws */
export const step = defineStep(
  { name: 'return-target', runsOn: 'host', isWayOut: true, input: z.strictObject({}), output: Output },
  async (world, _input, { run, beat, signal }) => {
    const { returned, notes } = await giveServerBack(world, run, { beat, signal });
    const lease = await closeLease(world, run.id);
    const left = returned.how === 'kept' ? [] : await tidyUp(world, run);
    if (returned.how === 'returned' && returned.differences.length > 0)
      throw new OctoError('ReturnNotProven', `the target was put back, but ${returned.differences.join(', ')}`, {
        facts: { run: run.id, differences: returned.differences },
      });
    return {
      how: returned.how,
      tables: returned.how === 'returned' ? returned.tables : null,
      quietSeconds: lease === null ? 0 : quietSeconds(lease, world.clock.now()),
      notes: returned.how === 'kept' ? [...notes, ...left] : left,
    };
  },
);

/** The journal goes last: while something is left, it says what. */
const tidyUp = async (world: World, run: RunRecord): Promise<string[]> => {
  const left = [...(await named(() => discardFolders(world, run))), ...(await named(() => discardScratch(world, run)))];
  const isProven = ((await readJournal(world, run.id))?.returned?.differences.length ?? 0) === 0;
  if (left.length === 0 && isProven) await removeJournal(world, run.id);
  return left;
};

const named = async (work: () => Promise<void>): Promise<string[]> => {
  try {
    await work();
    return [];
  } catch (thrown) {
    return [`could not be removed yet: ${OctoError.from(thrown).message}`];
  }
};
