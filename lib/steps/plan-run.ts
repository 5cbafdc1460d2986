/**
 * Can this backup succeed? Asks everything that can be asked beforehand, changes nothing, and tells every refusal at once.
 *
 * Leaves the server as it was found in section `source` and in `host.json`: what lies outside database and folders. The
 * single questions are in `plan-checks.ts`.
 */
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { Settings } from '../domain/settings.ts';
import type { World } from '../ports/world.ts';
import { writeArchiveFile, writeSection } from '../repository/sections.ts';
import { readSettings } from '../repository/settings.ts';
import { archivePlace } from './archive-place.ts';
import { CHECKS, type Check, type Planning } from './plan-checks.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({ tolerance: Settings.shape.tolerance, notes: z.array(z.string()) });

/** @throws PlanRefused; or what has to pass first, when nothing but that stands against the plan */
export const step = defineStep(
  {
    name: 'plan-run',
    runsOn: 'host',
    input: z.strictObject({ consistency: z.enum(['quiesced', 'online']) }),
    output: Output,
  },
  async (world, { consistency }, { run, beat }) => {
    const planning: Planning = { world, instance: world.instance(run.instance), run, consistency };
    const { tolerance } = await readSettings(world, run.instance);
    await beat({ text: 'asking Octopus, SQL Server and the folders' });
    await requireNoRefusal(planning);
    const notes = await describeSource(planning);
    return { tolerance, notes };
  },
);

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

const describeSource = async ({ world, instance, run }: Planning): Promise<string[]> => {
  const api = await world.octopusApi(instance.name);
  const [root, isInMaintenance, nodes, { thumbprint }] = await Promise.all([
    api.root(),
    api.isInMaintenance(),
    api.nodes(),
    api.certificate(),
  ]);
  const place = archivePlace(run);
  await writeArchiveFile(world, place, { name: 'host.json', bytes: await hostJson(world, run.instance) });
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
const hostJson = async (world: Pick<World, 'instance' | 'octopusProgram'>, name: string): Promise<Buffer> => {
  const program = world.octopusProgram(name);
  const host = world.instance(name).hosts[0]!;
  const { settings } = await program.showConfiguration();
  const content = {
    host: host.name,
    program: { version: await program.version(), instanceName: host.program.instanceName },
    instances: await program.listInstances(),
    settings,
  };
  return Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
};
