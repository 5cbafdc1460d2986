/**
 * What would be lost, counted again now that the server is quiet: beyond the bound that was shown the approval is void.
 * Nothing was overwritten yet, and the server is given back.
 */
import * as z from 'zod';
import { OctoError } from '../domain/errors.ts';
import { lossesBeyond } from '../domain/runs/plan.ts';
import { readLease } from '../repository/lease/lease.ts';
import { countLosses } from './planning/plan-of-restore.ts';
import { requireArchive } from './restoring/restore-of-run.ts';
import { defineStep } from './step.ts';

/** @throws LossesBeyondPlan, TasksStillRunning when the wait for quiet was given up */
export const step = defineStep(
  { name: 'count-losses', runsOn: 'host', input: z.strictObject({}), output: z.strictObject({}) },
  async (world, _input, { run, beat }) => {
    const { plan, manifest } = await requireArchive(world, run);
    if ((await readLease(world, run.id))?.status !== 'open')
      throw new OctoError('TasksStillRunning', `${run.instance} did not become quiet in time`);
    if (plan.losses.length === 0) return {};
    await beat({ text: 'counting what is newer than the archive' });
    const beyond = lossesBeyond(plan.losses, await countLosses(world, { instance: run.instance, manifest }));
    if (beyond.length === 0) return {};
    throw new OctoError('LossesBeyondPlan', `more would be lost than was approved: ${beyond.join(', ')}`, {
      facts: { run: run.id, beyond },
    });
  },
);
