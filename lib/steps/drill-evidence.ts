/**
 * Writes down what the drill found: in the records of the instance, and, where the archive came back, beside the archive
 * itself, whose proof it raises from the source to a restored copy. Once; a repetition finds what stands.
 *
 * What was found damaged is marked here and not where it was found: a host for drills may only read the archives.
 */
import * as z from 'zod';
import { DrillFacts, NOTHING_DRILLED } from '../domain/drills/drill.ts';
import { recordOfDrill } from '../domain/drills/record.ts';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import type { Failure } from '../domain/runs/outcome.ts';
import { readPlan } from '../repository/approvals.ts';
import { readManifest } from '../repository/archives.ts';
import { type DamageFound, markDamaged } from '../repository/damage.ts';
import { keepDrill } from '../repository/outcomes/drill-records.ts';
import { readSteps } from '../repository/run-book.ts';
import type { ArchivePlace } from '../repository/sections.ts';
import { archiveOf } from './drilling/drill-of-run.ts';
import { defineStep } from './step.ts';

const parsedOrNothing = (text: unknown): unknown => {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
};

const FailedState = z.strictObject({ state: z.string(), error: z.string(), cause: z.string() }).nullable();
const Input = z.strictObject({
  failure: FailedState,
  clearFailure: FailedState,
  drilled: DrillFacts.default(NOTHING_DRILLED),
});

/** Our error as a workflow hands it on; of one that was cut short nothing is known. */
const Told = z
  .preprocess(parsedOrNothing, z.object({ message: z.string(), facts: z.object({ key: z.string().optional() }) }))
  .catch({ message: 'a drill found it damaged', facts: {} });

/** @throws ArchiveUnknown, Bug */
export const step = defineStep(
  { name: 'drill-evidence', runsOn: 'cloud', isWayOut: true, input: Input, output: z.strictObject({}) },
  async (world, { failure, clearFailure, drilled }, { run }) => {
    const at = archiveOf(run);
    const plan = await readPlan(world, run.id);
    if (plan?.workflow !== 'drill') throw new OctoError('Bug', `${run.id} has no plan of a drill`);
    const manifest = await readManifest(world, at);
    if (manifest === null) throw new OctoError('ArchiveUnknown', `${at.instance} has no archive "${at.archiveId}"`);
    if (failure?.error === 'ArchiveDamaged') await markDamaged(world, at.instance, [damageIn(failure, at)]);
    const endedAt = world.clock.now().toISOString();
    const steps = await readSteps(world, run.id);
    await keepDrill(world, recordOfDrill({ run, plan, manifest, steps, endedAt, failure, clearFailure, drilled }));
    return {};
  },
);

/** The damaged object as the failed step named it; where it named none, what is damaged is the archive. */
const damageIn = ({ cause }: Failure, { instance, archiveId }: ArchivePlace): DamageFound => {
  const { message: what, facts } = Told.parse(cause);
  return { key: facts.key ?? archiveKeys.manifest(instance, archiveId), what, archives: [archiveId] };
};
