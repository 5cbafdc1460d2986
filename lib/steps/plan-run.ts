/**
 * Can this backup succeed? Asks everything that can be asked beforehand, changes nothing, and tells every refusal at once.
 *
 * Leaves the server as it was found in section `source` and in `host.json`: what lies outside database and folders. The
 * single questions are in `plan-checks.ts`.
 */
import * as z from 'zod';
import { Settings } from '../domain/settings/settings.ts';
import { keepToPlan } from '../repository/approvals.ts';
import { readSettings } from '../repository/settings.ts';
import { CHECKS, type Planning } from './planning/plan-checks.ts';
import { planOfBackup } from './planning/plan-of-backup.ts';
import { askedOnce, describeSource } from './planning/describe-source.ts';
import { requireNoRefusal } from './planning/refusals.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({ tolerance: Settings.shape.tolerance, notes: z.array(z.string()) });

/** `isLast`: the run goes on from here without waiting for people, so the server is described as it is now. */
const Input = z.strictObject({ consistency: z.enum(['quiesced', 'online']), isLast: z.boolean().default(true) });

/** @throws PlanRefused, PlanChanged; or what has to pass first, when nothing but that stands against the plan */
export const step = defineStep(
  {
    name: 'plan-run',
    runsOn: 'host',
    input: Input,
    output: Output,
  },
  async (world, { consistency, isLast }, { run, beat }) => {
    const instance = world.instance(run.instance);
    const program = askedOnce(world.octopusProgram(run.instance));
    const planning: Planning = { world, instance, run, consistency, program };
    const { tolerance } = await readSettings(world, run.instance);
    await beat({ text: 'asking Octopus, SQL Server and the folders' });
    await requireNoRefusal(`backup of ${instance.name}`, CHECKS, planning);
    await keepToPlan(world, await planOfBackup(planning));
    const notes = isLast ? await describeSource(planning) : [];
    return { tolerance, notes };
  },
);
