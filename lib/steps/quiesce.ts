/**
 * Quiet: maintenance mode on, every node drained, no task at work, seen twice.
 *
 * The lease comes first: what is restored later is what was found before this run's first change, whatever attempt made
 * it. Octopus goes on starting queued tasks in maintenance mode, so every node is drained as well; and a node picks tasks
 * up every 20 s, so one look is not enough. The wait is bounded; the settings say what follows.
 * @see https://octopus.com/docs/administration/managing-infrastructure/maintenance-mode
 */
import * as z from 'zod';
import { OctoError } from '../domain/errors.ts';
import {
  nameTasks,
  notesOnTasks,
  startedBetween,
  takingNodes,
  whatDisturbs,
  workingTasks,
} from '../domain/runs/quiet.ts';
import type { OctopusApi } from '../ports/octopus.ts';
import type { World } from '../ports/world.ts';
import { claimFlags, closeLease, openLease, readLease } from '../repository/lease/lease.ts';
import { restoreFromLease } from '../repository/lease/restore-lease.ts';
import { readSettings } from '../repository/settings.ts';
import { readServer, type ServerSeen } from './parts/read-server.ts';
import { defineStep, type StepContext } from './step.ts';
import { until } from './parts/until.ts';

const Output = z.strictObject({ consistency: z.enum(['quiesced', 'online']), notes: z.array(z.string()) });

/** @throws MaintenanceNotTaken, DrainNotTaken, TasksStillRunning */
export const step = defineStep(
  { name: 'quiesce', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, context): Promise<z.input<typeof Output>> => {
    const { instance } = context.run;
    const api = await world.octopusApi(instance);
    const { wait, quietMinutes } = await readSettings(world, instance);
    const lease = await openLease(world, context.run, { quietMinutes });
    await closeDoors({ world, api, context });
    const deadline = new Date(Date.parse(lease.openedAt) + wait.minutes * 60_000);
    const { server, isQuiet } = await awaitQuiet({ world, api, context }, deadline);
    const now = world.clock.now();
    if (isQuiet) return { consistency: 'quiesced', notes: notesOnTasks(server.tasks, now) };

    const late = `after ${wait.minutes} min still at work: ${nameTasks(workingTasks(server.tasks), now)}`;
    if (wait.onTimeout === 'abort') throw new OctoError('TasksStillRunning', late);
    await restoreFromLease(world, (await readLease(world, context.run.id)) ?? lease);
    await closeLease(world, context.run.id);
    return { consistency: 'online', notes: [`went on online, ${late}`] };
  },
);

type Quieting = { world: Pick<World, 'clock' | 'state' | 'hostDirectory'>; api: OctopusApi; context: StepContext };

const READ_BACK = { tries: 5, everySeconds: 2 };

const closeDoors = async (quieting: Quieting): Promise<void> => {
  await enterMaintenance(quieting);
  await drainNodes(quieting);
};

const enterMaintenance = async ({ world, api, context }: Quieting): Promise<void> => {
  if (await api.isInMaintenance()) return;
  const { run, signal } = context;
  await context.beat({ text: 'entering maintenance mode' });
  await claimFlags(world, run.id, (own) => ({ ...own, isInMaintenance: true }));
  // Claiming takes two durable writes: whoever switched it on meanwhile is the one to switch it off.
  if (await api.isInMaintenance()) {
    await claimFlags(world, run.id, (own) => ({ ...own, isInMaintenance: false }));
    return;
  }
  await api.setMaintenance(true);
  if (!(await until(world.clock, { ...READ_BACK, signal }, () => api.isInMaintenance())))
    throw new OctoError('MaintenanceNotTaken', `${run.instance} does not enter maintenance mode`);
};

const drainNodes = async ({ world, api, context }: Quieting): Promise<void> => {
  const { run, signal } = context;
  await context.beat({ text: 'draining the nodes' });
  const claimed = idsOf((await api.nodes()).filter((node) => !node.isDraining));
  if (claimed.length > 0)
    await claimFlags(world, run.id, (own) => ({ ...own, nodeIds: [...except(own.nodeIds, claimed), ...claimed] }));
  const nodes = await api.nodes();
  const taken = idsOf(nodes.filter((node) => node.isDraining && claimed.includes(node.id)));
  if (taken.length > 0) await claimFlags(world, run.id, (own) => ({ ...own, nodeIds: except(own.nodeIds, taken) }));
  for (const node of nodes) if (!node.isDraining && claimed.includes(node.id)) await api.setDraining(node, true);
  let taking: string[] = [];
  const isDrained = await until(world.clock, { ...READ_BACK, signal }, async () => {
    taking = takingNodes(await api.nodes());
    return taking.length === 0;
  });
  if (!isDrained)
    throw new OctoError('DrainNotTaken', `still taking tasks: ${taking.join(', ')}`, { facts: { taking } });
};

const idsOf = (nodes: readonly { id: string }[]): string[] => nodes.map(({ id }) => id);
const except = (ids: readonly string[], others: readonly string[]): string[] =>
  ids.filter((id) => !others.includes(id));

const POLL_SECONDS = 5;
/** Each node looks for work every 20 s: a second look after that has seen every node look. */
const CONFIRM_SECONDS = 20;

/** The last look, and whether it and the one before it were quiet with nothing started between them. */
const awaitQuiet = async (quieting: Quieting, deadline: Date): Promise<{ server: ServerSeen; isQuiet: boolean }> => {
  const { world, api, context } = quieting;
  let before: ServerSeen | null = null;
  for (;;) {
    const server = await readServer(api);
    const now = world.clock.now();
    const disturbing = whatDisturbs(server, now);
    if (disturbing.length === 0 && before !== null && startedBetween(before.tasks, server.tasks).length === 0)
      return { server, isQuiet: true };
    if (disturbing.length > 0 && now >= deadline) return { server, isQuiet: false };
    before = disturbing.length === 0 ? server : null;
    await context.beat({ text: disturbing.length === 0 ? 'quiet; looking once more' : disturbing.join('; ') });
    await world.clock.sleep((before === null ? POLL_SECONDS : CONFIRM_SECONDS) * 1000, context.signal);
  }
};
