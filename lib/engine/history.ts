/**
 * A run as its events tell it: `applyEvent` folds one event after another into an `Execution`.
 *
 * The same fold is used while a run goes on and when it is read back, so both always agree. Events carry the names and
 * detail fields of GetExecutionHistory (inputs and outputs as JSON text); what the engine must remember beside them, and
 * Step Functions keeps to itself, is in `note`.
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
import type { ExecutionEvent, ExecutionStatus } from '../ports/workflow-runtime.ts';
import type { Definition, State, StateGroup } from './asl.ts';

/** An event as the journal keeps it. `path` holds the indices of the Map iterations it happened in, outermost first. */
export type JournalEvent = ExecutionEvent & { path: number[]; note?: Note };

export type Note = {
  /** What runs: an execution keeps the definition it started with. */
  workflow?: string;
  definition?: Definition;
  /** When a Wait is over, and when a failed attempt is repeated, by which retrier. */
  until?: string;
  retrier?: number;
  token?: string;
  /** Of a Map: its items as JSON texts, and how many are worked on at a time. */
  items?: string[];
  concurrency?: number;
};

export type Execution = {
  runId: string;
  workflow: string;
  definition: Definition;
  status: ExecutionStatus;
  /** JSON text, as are `output` and the inputs and outputs of flows. */
  input: string;
  output: string | null;
  error: string | null;
  cause: string | null;
  startedAt: string;
  stoppedAt: string | null;
  lastEventId: number;
  root: Flow;
};

/** One thread of states: the run itself, or one iteration of a Map. */
export type Flow = {
  path: number[];
  group: StateGroup;
  /** The state it is in; empty before the first. */
  state: string;
  input: string;
  output: string;
  enteredAt: string;
  variables: Record<string, unknown>;
  lastEventId: number;
  /** How often the present state was repeated, in all and by each of its retriers. */
  retryCount: number;
  retriesUsed: number[];
  activity: Activity;
};

export type Activity =
  | { kind: 'none' }
  | { kind: 'task'; task: OpenTask }
  | { kind: 'sleep'; until: string }
  | {
      kind: 'map';
      items: string[];
      concurrency: number;
      startedCount: number;
      live: Map<number, Flow>;
      /** Per item its output, once it succeeded. */
      outputs: string[];
      doneCount: number;
    };

export type OpenTask = {
  /** Of its TaskScheduled event. */
  id: number;
  resourceType: string;
  resource: string;
  /** JSON text of the evaluated Arguments. */
  parameters: string;
  /** Begins with the run's id, which leads back to the run. */
  token: string | null;
  isSubmitted: boolean;
  scheduledAtMs: number;
  timeoutSeconds: number | null;
  heartbeatSeconds: number | null;
  /** Heartbeats write no event, so after a restart the clock starts anew at that moment. */
  lastBeatAtMs: number;
};

/** A run of which nothing is known yet: the start of a fold. */
export const newExecution = (runId: string): Execution => ({
  runId,
  workflow: '',
  definition: { QueryLanguage: 'JSONata', StartAt: '', States: {} },
  status: 'RUNNING',
  input: 'null',
  output: null,
  error: null,
  cause: null,
  startedAt: '',
  stoppedAt: null,
  lastEventId: 0,
  root: newFlow([], { StartAt: '', States: {} }),
});

const newFlow = (path: number[], group: StateGroup): Flow => ({
  path,
  group,
  state: '',
  input: 'null',
  output: 'null',
  enteredAt: '',
  variables: {},
  lastEventId: 0,
  retryCount: 0,
  retriesUsed: [],
  activity: { kind: 'none' },
});

/** The flow at `path`, which must be live. */
export const flowAt = (execution: Execution, path: number[]): Flow =>
  path.reduce((flow, index) => {
    const inner = flow.activity.kind === 'map' ? flow.activity.live.get(index) : undefined;
    if (!inner) throw new Error(`no live iteration at ${path.join('/')} of ${execution.runId}`);
    return inner;
  }, execution.root);

/** Every live flow, outer before inner. */
export const liveFlows = (flow: Flow): Flow[] =>
  flow.activity.kind === 'map' ? [flow, ...[...flow.activity.live.values()].flatMap(liveFlows)] : [flow];

/** Tasks that were scheduled and have no result yet. */
export const openTasks = (execution: Execution): OpenTask[] =>
  execution.status === 'RUNNING'
    ? liveFlows(execution.root).flatMap(({ activity }) => (activity.kind === 'task' ? [activity.task] : []))
    : [];

/** The definition of the state a flow is in. */
export const stateOf = (flow: Flow): State => flow.group.States[flow.state] as State;

/** Folds one event into the execution. */
export const applyEvent = (execution: Execution, event: JournalEvent): void => {
  const flow = flowAt(execution, event.path);
  execution.lastEventId = event.id;
  if (event.type.startsWith('Execution')) applyToExecution(execution, event);
  else if (event.type.startsWith('Map') && !event.type.startsWith('MapStateE')) applyToMap(flow, event);
  else applyToFlow(flow, event);
  if (event.note) applyNote(flow, event.note);
};

/** Folds a note; it may have been added to its event later in the same transition. */
export const applyNote = (flow: Flow, note: Note): void => {
  if (note.token !== undefined && flow.activity.kind === 'task') flow.activity.task.token = note.token;
  if (note.until !== undefined) flow.activity = { kind: 'sleep', until: note.until };
  if (note.retrier !== undefined) {
    flow.retryCount += 1;
    flow.retriesUsed[note.retrier] = (flow.retriesUsed[note.retrier] ?? 0) + 1;
  }
  if (note.items !== undefined)
    flow.activity = {
      kind: 'map',
      items: note.items,
      concurrency: note.concurrency ?? note.items.length,
      startedCount: 0,
      live: new Map(),
      outputs: [],
      doneCount: 0,
    };
};

const text = (value: unknown): string => (typeof value === 'string' ? value : 'null');
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);

const STATUS: Record<string, ExecutionStatus> = {
  ExecutionSucceeded: 'SUCCEEDED',
  ExecutionFailed: 'FAILED',
  ExecutionTimedOut: 'TIMED_OUT',
};

const applyToExecution = (execution: Execution, { type, timestamp, details, note }: JournalEvent): void => {
  if (type === 'ExecutionStarted') {
    Object.assign(execution, { ...note, input: text(details['input']), startedAt: timestamp });
    execution.root.group = execution.definition;
    return;
  }
  execution.status = STATUS[type] ?? execution.status;
  execution.stoppedAt = timestamp;
  for (const field of ['output', 'error', 'cause'] as const) {
    const value = details[field];
    execution[field] = typeof value === 'string' ? value : null;
  }
};

const applyToMap = (flow: Flow, { type, id, previousEventId, details }: JournalEvent): void => {
  const map = flow.activity;
  const index = numberOrNull(details['index']) ?? 0;
  // Which of these events the next one refers back to follows what Step Functions was seen to record.
  if (type === 'MapIterationFailed') flow.lastEventId = previousEventId;
  else if (type === 'MapStateStarted' || type === 'MapStateFailed' || type === 'MapIterationSucceeded')
    flow.lastEventId = id;
  if (map.kind !== 'map') return;
  if (type === 'MapIterationStarted') {
    const state = stateOf(flow);
    if (state.Type !== 'Map') throw new Error(`${flow.state} is no Map`);
    map.live.set(index, { ...newFlow([...flow.path, index], state.ItemProcessor), lastEventId: id });
    map.startedCount += 1;
  } else if (type === 'MapIterationSucceeded') {
    map.outputs[index] = map.live.get(index)?.output ?? 'null';
    map.doneCount += 1;
    map.live.delete(index);
  } else if (type === 'MapIterationFailed' || type === 'MapIterationAborted') map.live.delete(index);
  else flow.activity = { kind: 'none' };
};

const applyToFlow = (flow: Flow, { type, id, timestamp, details }: JournalEvent): void => {
  flow.lastEventId = id;
  if (type.endsWith('StateEntered')) {
    Object.assign(flow, { state: details['name'], input: text(details['input']), enteredAt: timestamp });
    Object.assign(flow, { retryCount: 0, retriesUsed: [], activity: { kind: 'none' } });
  } else if (type.endsWith('StateExited')) {
    flow.output = text(details['output']);
    flow.activity = { kind: 'none' };
    for (const [name, value] of Object.entries(details['assignedVariables'] ?? {}) as [string, string][])
      flow.variables[name] = JSON.parse(value);
  } else if (type === 'TaskScheduled') {
    flow.activity = { kind: 'task', task: openTask(id, Date.parse(timestamp), details) };
  } else if (type === 'TaskSubmitted') {
    if (flow.activity.kind === 'task') flow.activity.task.isSubmitted = true;
  } else if (type !== 'TaskStarted') {
    // TaskSucceeded, TaskFailed, TaskTimedOut, EvaluationFailed: the attempt is over.
    flow.activity = { kind: 'none' };
  }
};

const openTask = (id: number, scheduledAtMs: number, details: Record<string, unknown>): OpenTask => ({
  id,
  resourceType: text(details['resourceType']),
  resource: text(details['resource']),
  parameters: text(details['parameters']),
  token: null,
  isSubmitted: false,
  scheduledAtMs,
  timeoutSeconds: numberOrNull(details['timeoutInSeconds']),
  heartbeatSeconds: numberOrNull(details['heartbeatInSeconds']),
  lastBeatAtMs: scheduledAtMs,
});
