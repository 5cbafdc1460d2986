/**
 * What quiet means: maintenance mode on, every node drained, no task at work.
 *
 * Queued and new tasks do not count, a drained node leaves them; tasks that wait for a person do not count either, they
 * would not end by themselves. Both are named to the reader. Reading and changing the server is left to the steps.
 */

export type SeenTask = {
  id: string;
  description: string;
  state: string;
  queuedAt: string;
  startedAt: string | null;
  hasPendingInterruptions: boolean;
};

export type SeenServer = {
  isInMaintenance: boolean;
  nodes: readonly { name: string; isDraining: boolean; isOffline: boolean }[];
  tasks: readonly SeenTask[];
};

const WORKING = new Set(['Executing', 'Cancelling']);
const NAMED_AT_MOST = 5;
/** People write descriptions; five of them have to fit into the state of a workflow. */
const DESCRIPTION_CHARACTERS = 120;

/** Tasks at work, which quiet waits for. */
export const workingTasks = (tasks: readonly SeenTask[]): SeenTask[] =>
  tasks.filter((task) => WORKING.has(task.state) && !task.hasPendingInterruptions);

/** Nodes that may still start a task. A node that is offline starts none, and may be gone for good. */
export const takingNodes = (nodes: SeenServer['nodes']): string[] =>
  nodes.filter((node) => !node.isDraining && !node.isOffline).map((node) => node.name);

/** What keeps the server from being quiet, each as a phrase; empty when it is quiet. */
export const whatDisturbs = (server: SeenServer, now: Date): string[] => {
  const taking = takingNodes(server.nodes);
  const working = workingTasks(server.tasks);
  return [
    ...(server.isInMaintenance ? [] : ['maintenance mode is off']),
    ...(taking.length === 0 ? [] : [`not drained: ${taking.join(', ')}`]),
    ...(working.length === 0 ? [] : [`at work: ${nameTasks(working, now)}`]),
  ];
};

/** Tasks that stood in the queue at the first look and no longer do at the second: they ran meanwhile, however briefly. */
export const startedBetween = (first: readonly SeenTask[], second: readonly SeenTask[]): SeenTask[] => {
  const waiting = new Set(second.filter((task) => !WORKING.has(task.state)).map((task) => task.id));
  return first.filter((task) => !WORKING.has(task.state) && !waiting.has(task.id));
};

/** What the reader should know of tasks that were left alone. */
export const notesOnTasks = (tasks: readonly SeenTask[], now: Date): string[] => {
  const paused = tasks.filter((task) => WORKING.has(task.state) && task.hasPendingInterruptions);
  const queued = tasks.filter((task) => !WORKING.has(task.state));
  return [
    ...(paused.length === 0 ? [] : [`${countOf(paused)} waiting for a person: ${nameTasks(paused, now)}`]),
    ...(queued.length === 0 ? [] : [`${countOf(queued)} left in the queue: ${nameTasks(queued, now)}`]),
  ];
};

/** `"Deploy Payments 4.1.0 to Production" (ServerTasks-12, 14 min), 3 more` */
export const nameTasks = (tasks: readonly SeenTask[], now: Date): string => {
  const named = tasks
    .slice(0, NAMED_AT_MOST)
    .map((task) => `"${cut(task.description)}" (${task.id}, ${age(task, now)})`);
  const more = tasks.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
};

const cut = (text: string): string =>
  text.length <= DESCRIPTION_CHARACTERS ? text : `${text.slice(0, DESCRIPTION_CHARACTERS - 1)}…`;

const countOf = (tasks: readonly SeenTask[]): string => (tasks.length === 1 ? '1 task' : `${tasks.length} tasks`);

const age = (task: SeenTask, now: Date): string => {
  const minutes = Math.max(0, Math.floor((now.getTime() - Date.parse(task.startedAt ?? task.queuedAt)) / 60_000));
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
};
