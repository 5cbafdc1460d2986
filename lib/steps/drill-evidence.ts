/**
 * Writes down what the drill found: in the records of the instance, and, where the archive came back, beside the archive
 * itself, whose proof it raises from the source to a restored copy. Once; a repetition finds what stands.
 */
import * as z from 'zod';
import { DrillFacts, NOTHING_DRILLED } from '../domain/drills/drill.ts';
import { recordOfDrill } from '../domain/drills/record.ts';
import { OctoError } from '../domain/errors.ts';
import { readPlan } from '../repository/approvals.ts';
import { readManifest } from '../repository/archives.ts';
import { keepDrill } from '../repository/outcomes/drill-records.ts';
import { readSteps } from '../repository/run-book.ts';
import { archiveOf } from './drilling/drill-of-run.ts';
import { defineStep } from './step.ts';

const FailedState = z.strictObject({ state: z.string(), error: z.string(), cause: z.string() }).nullable();
const Input = z.strictObject({
  failure: FailedState,
  clearFailure: FailedState,
  drilled: DrillFacts.default(NOTHING_DRILLED),
});

/** @throws ArchiveUnknown, Bug */
export const step = defineStep(
  { name: 'drill-evidence', runsOn: 'cloud', isWayOut: true, input: Input, output: z.strictObject({}) },
  async (world, { failure, clearFailure, drilled }, { run }) => {
    const at = archiveOf(run);
    const plan = await readPlan(world, run.id);
    if (plan?.workflow !== 'drill') throw new OctoError('Bug', `${run.id} has no plan of a drill`);
    const manifest = await readManifest(world, at);
    if (manifest === null) throw new OctoError('ArchiveUnknown', `${at.instance} has no archive "${at.archiveId}"`);
    const endedAt = world.clock.now().toISOString();
    const steps = await readSteps(world, run.id);
    await keepDrill(world, recordOfDrill({ run, plan, manifest, steps, endedAt, failure, clearFailure, drilled }));
    return {};
  },
);
