/**
 * Can this backup succeed? Asks everything that can be asked beforehand, changes nothing, and tells every refusal at once.
 *
 * Leaves the server as it was found in section `source` and in `host.json`: what lies outside database and folders. The
 * single questions are in `plan-checks.ts`.
 */
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import type { Instance } from '../domain/instance.ts';
import { Settings } from '../domain/settings/settings.ts';
import type { OctopusProgram } from '../ports/octopus.ts';
import { writeArchiveFile, writeSection } from '../repository/sections.ts';
import { readSettings } from '../repository/settings.ts';
import { archivePlace } from './parts/archive-place.ts';
import { CHECKS, type Check, type Planning } from './parts/plan-checks.ts';
import { keepToPlan } from './parts/plan-of-backup.ts';
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
    await requireNoRefusal(planning);
    await keepToPlan(planning);
    const notes = isLast ? await describeSource(planning) : [];
    return { tolerance, notes };
  },
);

const askedOnce = (program: OctopusProgram): Planning['program'] => ({
  version: once(() => program.version()),
  showConfiguration: once(() => program.showConfiguration()),
  showMasterKey: once(() => program.showMasterKey()),
  listInstances: once(() => program.listInstances()),
});

const once = <T>(ask: () => Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined;
  return () => (answer ??= ask());
};

const requireNoRefusal = async (planning: Planning): Promise<void> => {
  const answers = await Promise.all(CHECKS.map((check) => ask(check, planning)));
  const refusals = answers.flatMap((answer) => answer.refusals);
  const failures = answers.flatMap((answer) => answer.failure ?? []);
  const passing = failures.find(({ canRetry }) => canRetry);
  if (passing !== undefined && refusals.length === 0 && failures.every(({ canRetry }) => canRetry)) throw passing;
  const all = [...refusals, ...failures.map(({ code, message }) => `${message} (${code})`)];
  if (all.length === 0) return;
  throw new OctoError('PlanRefused', `backup of ${planning.instance.name} cannot begin: ${all.join('; ')}`, {
    facts: { refusalCount: all.length },
  });
};

const ask = async (check: Check, planning: Planning): Promise<{ refusals: string[]; failure?: OctoError }> => {
  try {
    return { refusals: await check(planning) };
  } catch (thrown) {
    if (isOctoError(thrown) && thrown.code !== 'Bug') return { refusals: [], failure: thrown };
    throw thrown;
  }
};

const describeSource = async ({ world, instance, run, program }: Planning): Promise<string[]> => {
  const api = await world.octopusApi(instance.name);
  const [root, isInMaintenance, nodes, { thumbprint }] = await Promise.all([
    api.root(),
    api.isInMaintenance(),
    api.nodes(),
    api.certificate(),
  ]);
  const place = archivePlace(run);
  await writeArchiveFile(world, place, { name: 'host.json', bytes: await hostJson(instance, program) });
  const source = await writeSection(world, place, {
    name: 'source',
    section: {
      octopusVersion: root.version,
      installationId: root.installationId,
      isInMaintenance,
      nodes: nodes.map(({ name, version, isDraining }) => ({ name, version, isDraining })),
      certificateThumbprint: thumbprint,
    },
  });
  return source.isInMaintenance ? ['maintenance mode was on already and stays on'] : [];
};

/** The node's own configuration, without its connection string and other secrets. */
const hostJson = async ({ hosts }: Instance, program: Planning['program']): Promise<Buffer> => {
  const host = hosts[0]!;
  const { settings } = await program.showConfiguration();
  const content = {
    host: host.name,
    program: { version: await program.version(), instanceName: host.program.instanceName },
    instances: await program.listInstances(),
    settings,
  };
  return Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
};
