/**
 * Quiet: maintenance mode on, every node drained, no task at work, seen twice.
 *
 * The lease comes first: what is restored later is what was found before this run's first change, whatever attempt made
 * it. Octopus goes on starting queued tasks in maintenance mode, so every node is drained as well; and a node picks tasks
 * up every 20 s, so one look is not enough. The wait is bounded; the settings say what follows, or people, who are asked.
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
import type { Lease } from '../domain/runs/lease.ts';
import { waitUntil, type Asked } from '../domain/runs/question.ts';
import type { Settings } from '../domain/settings/settings.ts';
import type { OctopusApi } from '../ports/octopus.ts';
import type { World } from '../ports/world.ts';
import { claimFlags, closeLease, openLease, readLease } from '../repository/lease/lease.ts';
import { restoreFromLease } from '../repository/lease/restore-lease.ts';
import { readAsked } from '../repository/people/questions.ts';
import { readSettings } from '../repository/settings.ts';
import { askPeople, isQuietWanted } from './parts/quiet/ask-people.ts';
import { readServer, type ServerSeen } from './parts/read-server.ts';
import { defineStep, type StepContext } from './step.ts';
import { until } from './parts/until.ts';

const Output = z.strictObject({
  consistency: z.enum(['quiesced', 'online']),
  notes: z.array(z.string()),
  /** How long to wait for people's answer before this step looks again; null when the run goes on. */
  askSeconds: z.number().int().nullable(),
});
type Output = z.infer<typeof Output>;

/** @throws MaintenanceNotTaken, DrainNotTaken, TasksStillRunning */
export const step = defineStep(
  {
    name: 'quiesce',
    runsOn: 'host',
    leavesWaiting: (output) => Output.parse(output).askSeconds !== null,
    input: z.strictObject({}),
    output: Output,
  },
  async (world, _input, context): Promise<Output> => {
    const { instance } = context.run;
    const api = await world.octopusApi(instance);
    const { wait, quietMinutes } = await readSettings(world, instance);
    const lease = await openLease(world, context.run, { quietMinutes });
    const quieting = { world, api, context };
    await closeDoors(quieting);
    let found: Output | null = null;
    while (found === null) found = await comeToQuiet(quieting, { lease, wait });
    return found;
  },
);

/** Waits once, as long as the settings or the last answer say. Null when the records have changed meanwhile: they are read again. */
const comeToQuiet = async (
  quieting: Quieting,
  { lease, wait }: Pick<Settings, 'wait'> & { lease: Lease },
): Promise<Output | null> => {
  const { world } = quieting;
  const asked = await readAsked(world, lease.runId);
  // While people are asked one look is enough; an answer that ends the wait still names what is at work.
  const isOver = asked !== null && asked.answer?.kind !== 'wait' && asked.answer?.kind !== 'quiet';
  const deadline = isOver ? new Date(lease.openedAt) : waitUntil({ ...lease, minutes: wait.minutes, asked });
  const { server, isQuiet } = await awaitQuiet(quieting, deadline);
  const now = world.clock.now();
  if (isQuiet && !hasGivenUp(asked)) {
    if (!(await isQuietWanted(world, lease.runId, asked))) return null;
    return {
      consistency: 'quiesced',
      notes: [...notesOnTasks(server.tasks, now), ...noteOnAnswer(asked)],
      askSeconds: null,
    };
  }
  const tasks = nameTasks(workingTasks(server.tasks), now);
  const minutes = Math.round((now.getTime() - Date.parse(lease.openedAt)) / 60_000);
  const why = tasks === '' ? ' not quiet' : ` still at work: ${tasks}`;
  const late = `after ${minutes} min${isQuiet ? '' : why}`;
  const canGoOnline = quieting.context.run.workflow === 'backup';
  const end = endOf(canGoOnline || wait.onTimeout === 'ask' ? wait.onTimeout : 'abort', asked);
  if (end.way === 'abort') throw new OctoError('TasksStillRunning', `${late}${end.why}`);
  if (end.way === 'online') return goOnline(world, lease, `went on online${end.why}, ${late}`);
  const askSeconds = await askPeople(world, { lease, asked, tasks, canGoOnline });
  return askSeconds === null ? null : { consistency: 'quiesced', notes: [], askSeconds };
};

/** Who let the server be kept from its users for longer. */
const noteOnAnswer = (asked: Asked | null): string[] =>
  asked?.answer?.kind === 'wait' ? [`${asked.answer.by?.person} let it wait longer for tasks to end`] : [];

const hasGivenUp = (asked: Asked | null): boolean => asked?.answer?.kind === 'abort' || asked?.answer?.kind === 'none';

/** What follows now that tasks did not end in time: by the answer where there is one, else by the settings. */
const endOf = (onTimeout: Settings['wait']['onTimeout'], asked: Asked | null): { way: string; why: string } => {
  const { kind, by } = asked?.answer ?? { kind: null, by: null };
  if (kind === 'online') return { way: 'online', why: ` as ${by?.person} said` };
  if (kind === 'abort') return { way: 'abort', why: `; ${by?.person} gave up` };
  if (kind === 'none') return { way: 'abort', why: '; nobody answered in time' };
  return { way: onTimeout, why: '' };
};

const goOnline = async (world: World, lease: Lease, note: string): Promise<Output> => {
  await restoreFromLease(world, (await readLease(world, lease.runId)) ?? lease);
  await closeLease(world, lease.runId);
  return { consistency: 'online', notes: [note], askSeconds: null };
};

type Quieting = { world: World; api: OctopusApi; context: StepContext };

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
