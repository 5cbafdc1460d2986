/**
 * The run comes to wait for people: its task token is kept where the door finds it, and the request is open from now on.
 *
 * A decision that is there already, made while an earlier wait ended, wakes the run at once: whoever decided had no token
 * to wake it with. Runs again after each reminder; the time to decide is counted from the first.
 */
import * as z from 'zod';
import { openedNow } from '../domain/runs/approval.ts';
import { OctoError } from '../domain/errors.ts';
import { planHash } from '../domain/runs/plan.ts';
import { keepToken, open, readApproval } from '../repository/approvals.ts';
import { wakeNow } from './parts/quiet/wake.ts';
import { defineStep } from './step.ts';

export const step = defineStep(
  {
    name: 'await-approval',
    runsOn: 'cloud',
    leavesWaiting: () => true,
    input: z.strictObject({ token: z.string() }),
    output: z.strictObject({}),
  },
  async (world, { token }, { run }) => {
    const approval = await readApproval(world, run);
    if (approval === null || approval.plan === null) throw new OctoError('Bug', `${run.id} has nothing to be approved`);
    const opening = openedNow(approval.requirement, { planHash: planHash(approval.plan), now: world.clock.now() });
    // The token first: an open request that nobody could wake would wait for its reminder.
    await keepToken(world, run.id, token);
    await open(world, run.id, opening);
    const { decision } = (await readApproval(world, run)) ?? approval;
    if (decision !== null) await wakeNow(world, token);
    return {};
  },
);
