/**
 * The rules of the language: what follows when something happens to a run.
 *
 * `advance` turns one occurrence into events, up to the point where every flow waits for something again. It reads no
 * clock and does nothing else: which tasks are open and when the next deadline is follow from the execution alone
 * (`openTasks`, `nextDeadlineMs`), after a restart as before it.
 * @see https://states-language.net/spec.html
 */
import type { Definition } from './asl.ts';
import { isStateFailure, type Failure, type Moment } from './failure.ts';
import { flowAt, liveFlows, type Execution, type Flow, type JournalEvent, type OpenTask } from './history.ts';
import { absorbIteration, enter, endAttempt, leaveWithResult, repeat } from './states.ts';
import type { Result } from './moves.ts';
import { emit, sized, type Transition } from './transition.ts';

/** What can happen to a run. */
export type Occurrence =
  | { kind: 'started'; workflow: string; definition: Definition; input: unknown }
  | { kind: 'submitted'; taskId: number; output: unknown }
  | { kind: 'succeeded'; taskId: number; output: unknown }
  | { kind: 'failed'; taskId: number; error: string; cause: string }
  | { kind: 'timeReached' };

/** Folds the occurrence into the execution and returns the events to write down; none when it comes too late. */
export const advance = async (
  execution: Execution,
  occurrence: Occurrence,
  moment: Moment,
): Promise<JournalEvent[]> => {
  const transition: Transition = { execution, moment, events: [] };
  if (execution.status !== 'RUNNING') return [];
  try {
    await react(transition, occurrence);
  } catch (thrown) {
    // A limit that no state can catch, or a mistake in this program: the run must end, or it would hang for good.
    const { error, cause } = isStateFailure(thrown)
      ? thrown.failure
      : { error: 'States.Runtime', cause: (thrown as Error).message };
    emit(transition, execution.root, { type: 'ExecutionFailed', details: { error, cause } });
  }
  return transition.events;
};

const react = async (transition: Transition, occurrence: Occurrence): Promise<void> => {
  if (occurrence.kind === 'started') return start(transition, occurrence);
  if (occurrence.kind === 'timeReached') return passTime(transition);
  const flow = liveFlows(transition.execution.root).find((candidate) => taskOf(candidate)?.id === occurrence.taskId);
  const task = flow && taskOf(flow);
  if (!task) return undefined;
  const about = { resourceType: task.resourceType, resource: task.resource };
  if (occurrence.kind === 'submitted') {
    emit(transition, flow, {
      type: 'TaskSubmitted',
      details: { ...about, output: sized(occurrence.output, 'the answer') },
    });
    return undefined;
  }
  const result = resultOf(occurrence);
  if ('output' in result) {
    emit(transition, flow, { type: 'TaskSucceeded', details: { ...about, ...result } });
    return settle(transition, flow, await leaveWithResult(transition, flow, result.output));
  }
  emit(transition, flow, { type: 'TaskFailed', details: { ...about, ...result.failure } });
  return settle(transition, flow, await endAttempt(transition, flow, result.failure));
};

/** What a task answered; an answer too large for the state is a failure of the task. */
const resultOf = (
  occurrence: Extract<Occurrence, { kind: 'succeeded' | 'failed' }>,
): { output: string } | { failure: Failure } => {
  if (occurrence.kind === 'failed') return { failure: { error: occurrence.error, cause: occurrence.cause } };
  try {
    return { output: sized(occurrence.output, 'the result') };
  } catch (thrown) {
    if (isStateFailure(thrown)) return { failure: thrown.failure };
    throw thrown;
  }
};

const taskOf = ({ activity }: Flow): OpenTask | undefined => (activity.kind === 'task' ? activity.task : undefined);

const start = async (
  transition: Transition,
  { workflow, definition, input }: Extract<Occurrence, { kind: 'started' }>,
): Promise<void> => {
  const { root } = transition.execution;
  const text = sized(input, 'the input');
  emit(transition, root, { type: 'ExecutionStarted', details: { input: text }, note: { workflow, definition } });
  await settle(transition, root, await enter(transition, root, { state: definition.StartAt, input: text }));
};

/** Carries the end of a flow outwards: from an iteration to its Map, from the root to the execution. */
const settle = async (transition: Transition, flow: Flow, result: Result): Promise<void> => {
  let current = flow;
  let outcome = result;
  while (outcome.kind !== 'blocked' && current.path.length > 0) {
    const index = current.path.at(-1) ?? 0;
    const parent = flowAt(transition.execution, current.path.slice(0, -1));
    outcome = await absorbIteration(transition, parent, { index, result: outcome });
    current = parent;
  }
  if (outcome.kind === 'ended')
    emit(transition, current, { type: 'ExecutionSucceeded', details: { output: outcome.output } });
  if (outcome.kind === 'failed') {
    const { error, cause } = outcome.failure;
    emit(transition, current, {
      type: 'ExecutionFailed',
      details: { error, ...(cause === undefined ? {} : { cause }) },
    });
  }
};

type Deadline = { atMs: number; flow: Flow; kind: 'wake' | 'timeout' | 'heartbeat' | 'execution' };

const deadlines = (execution: Execution): Deadline[] => {
  const { root, definition, startedAt } = execution;
  const found: Deadline[] = [];
  if (definition.TimeoutSeconds !== undefined)
    found.push({ kind: 'execution', flow: root, atMs: Date.parse(startedAt) + definition.TimeoutSeconds * 1000 });
  for (const flow of liveFlows(root)) {
    if (flow.activity.kind === 'sleep') found.push({ kind: 'wake', flow, atMs: Date.parse(flow.activity.until) });
    const { timeoutSeconds = null, heartbeatSeconds = null, scheduledAtMs = 0, lastBeatAtMs = 0 } = taskOf(flow) ?? {};
    if (timeoutSeconds !== null) found.push({ kind: 'timeout', flow, atMs: scheduledAtMs + timeoutSeconds * 1000 });
    if (heartbeatSeconds !== null)
      found.push({ kind: 'heartbeat', flow, atMs: lastBeatAtMs + heartbeatSeconds * 1000 });
  }
  return found.sort((a, b) => a.atMs - b.atMs);
};

/** When time alone will next change the run, or `null`. */
export const nextDeadlineMs = (execution: Execution): number | null =>
  execution.status === 'RUNNING' ? (deadlines(execution)[0]?.atMs ?? null) : null;

const passTime = async (transition: Transition): Promise<void> => {
  const { execution, moment } = transition;
  for (;;) {
    const due = execution.status === 'RUNNING' ? deadlines(execution)[0] : undefined;
    if (!due || due.atMs > moment.at.getTime()) return;
    if (due.kind === 'execution') emit(transition, execution.root, { type: 'ExecutionTimedOut' });
    else await settle(transition, due.flow, await reach(transition, due));
  }
};

const reach = async (transition: Transition, { flow, kind }: Deadline): Promise<Result> => {
  if (kind === 'wake') return repeat(transition, flow);
  const { resourceType, resource, timeoutSeconds, heartbeatSeconds } = taskOf(flow) as OpenTask;
  // Step Functions was seen to record a missed heartbeat as States.Timeout; Retry and Catch know it by both names.
  const failure: Failure =
    kind === 'heartbeat'
      ? {
          error: 'States.Timeout',
          alsoKnownAs: 'States.HeartbeatTimeout',
          cause: `no heartbeat for ${heartbeatSeconds} s`,
        }
      : { error: 'States.Timeout', cause: `not finished after ${timeoutSeconds} s` };
  const { error, cause } = failure;
  emit(transition, flow, { type: 'TaskTimedOut', details: { resourceType, resource, error, cause } });
  return endAttempt(transition, flow, failure);
};
