/**
 * Can this restore succeed, and what will it do? The plan is made, frozen in the run book and kept to from then on; asked
 * again after people have decided, the target must still fit it, and lose no more than was shown.
 *
 * The archive is held for this run from here, so that nobody deletes it while people think or the restore reads.
 */
import * as z from 'zod';
import { OctoError } from '../domain/errors.ts';
import { lossesBeyond, type Loss } from '../domain/runs/plan.ts';
import { Settings } from '../domain/settings/settings.ts';
import { keepToPlan } from '../repository/approvals.ts';
import { readSettings } from '../repository/settings.ts';
import { holdForReading } from '../repository/store-care/reader-holds.ts';
import { askedOnce, describeSource } from './planning/describe-source.ts';
import { planRestore, wishOf } from './planning/plan-of-restore.ts';
import { defineStep } from './step.ts';

/** `isLast`: the run goes on from here without waiting for people, so the target is described as it is now. */
const Input = z.strictObject({ isLast: z.boolean() });
const Output = z.strictObject({
  isRunning: z.boolean(),
  tolerance: Settings.shape.tolerance,
  notes: z.array(z.string()),
});

/** Two days for a restore, and as long again for people to decide. */
const HELD_HOURS = 96;

/** @throws PlanRefused, PlanChanged, LossesBeyondPlan, ArchiveUnknown; or what has to pass first */
export const step = defineStep(
  { name: 'plan-restore', runsOn: 'host', input: Input, output: Output },
  async (world, { isLast }, { run, beat }) => {
    const wish = wishOf(run);
    await beat({ text: 'asking Octopus, SQL Server and the folders' });
    await holdForReading(world, { instance: wish.from, archiveId: wish.archive }, { runId: run.id, hours: HELD_HOURS });
    const program = askedOnce(world.octopusProgram(run.instance));
    const found = await planRestore(world, { run, wish, program });
    const plan = await keepToPlan(world, found);
    if (plan.workflow !== 'restore') throw new OctoError('Bug', `${run.id} has another plan than a restore's`);
    refuseBeyond(plan.losses, found.losses);
    const { isRunning } = found.octopus;
    const instance = world.instance(run.instance);
    const notes = isLast && isRunning ? await describeSource({ world, instance, run, program }) : [];
    const { tolerance } = await readSettings(world, run.instance);
    return { isRunning, tolerance, notes };
  },
);

const refuseBeyond = (shown: Loss[], now: Loss[]): void => {
  const beyond = lossesBeyond(shown, Object.fromEntries(now.map(({ what, found }) => [what, found])));
  if (beyond.length > 0)
    throw new OctoError('LossesBeyondPlan', `more would be lost than was shown: ${beyond.join(', ')}`);
};
