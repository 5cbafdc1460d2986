/**
 * The server starts on what was restored: nodes drained first, folders named as the target has them, then the service.
 *
 * It comes up closed to people. A node that the restored database has never seen registers itself, open, so it is drained
 * as soon as it answers.
 */
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { FOLDER_ROLES } from '../ports/octopus.ts';
import type { RestorePlan } from '../domain/runs/plan.ts';
import type { World } from '../ports/world.ts';
import { until } from './parts/until.ts';
import { requireRestorePlan } from './restoring/restore-of-run.ts';
import { startServer } from './restoring/server-service.ts';
import { defineStep, type StepContext } from './step.ts';

/** @throws ServerNotHealthy, OctopusProgramFailed, OctopusUnauthorized when the restored server refuses the bot's own key */
export const step = defineStep(
  {
    name: 'start-server',
    runsOn: 'host',
    input: z.strictObject({}),
    output: z.strictObject({ notes: z.array(z.string()) }),
  },
  async (world, _input, context) => {
    const { run, beat, signal } = context;
    const plan = await requireRestorePlan(world, run);
    const isFoldersOnly = plan.parts === 'folders';
    if (!isFoldersOnly) await prepare(world, plan, context);
    await beat({ text: 'starting the server' });
    const version = await startServer(world, run.instance, { signal, beat });
    if (version !== plan.octopus.version)
      throw new OctoError('ProbeFailed', `${run.instance} came up as ${version}, not as ${plan.octopus.version}`);
    await (await world.octopusApi(run.instance)).me();
    if (!isFoldersOnly || plan.octopus.isRunning) await keepClosed(world, context);
    return { notes: notesOn(plan) };
  },
);

const notesOn = ({ pointed }: RestorePlan): string[] =>
  pointed.length === 0
    ? []
    : [`the restored server was told where its folders are here: ${pointed.map(({ name }) => name).join(', ')}`];

const prepare = async (world: World, { pointed }: RestorePlan, { run, beat }: StepContext): Promise<void> => {
  const program = world.octopusProgram(run.instance);
  await beat({ text: 'draining the node before it starts' });
  await program.setDraining(true).catch((thrown: unknown) => {
    // A node of which the restored database has no row; it is drained once it has registered itself.
    if (!isOctoError(thrown, 'OctopusProgramFailed')) throw thrown;
  });
  const folders = FOLDER_ROLES.flatMap((role) =>
    pointed.filter(({ name }) => name === role).map(({ path }) => ({ role, path })),
  );
  if (folders.length > 0) await program.setFolders(folders);
};

const READ_BACK = { tries: 10, everySeconds: 2 };

const keepClosed = async (world: World, { run, signal }: StepContext): Promise<void> => {
  const api = await world.octopusApi(run.instance);
  if (!(await api.isInMaintenance())) await api.setMaintenance(true);
  const open = async () => (await api.nodes()).filter(({ isDraining, isOffline }) => !isDraining && !isOffline);
  for (const node of await open()) await api.setDraining(node, true);
  const isClosed = async () => (await api.isInMaintenance()) && (await open()).length === 0;
  if (await until(world.clock, { ...READ_BACK, signal }, isClosed)) return;
  throw new OctoError('MaintenanceNotTaken', `${run.instance} does not stay in maintenance mode after its start`);
};
