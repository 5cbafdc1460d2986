/**
 * The single moves of a state: leave it, choose a way, start a task, wait, or make of a failure what Retry and Catch say.
 *
 * None of them enters the next state; that is `states.ts`.
 */
import type { Catcher, ChoiceRule, TaskState, Template, WaitState } from './asl.ts';
import { findCatcher, isStateFailure, planRetry, stateFailure, type Failure } from './failure.ts';
import { stateOf, type Flow } from './history.ts';
import { annotate, emit, sized, valueOf, type Extra, type Transition } from './transition.ts';

/** How far a flow came: it waits, reached its last state, or failed with nothing left to catch it. */
export type Result = { kind: 'blocked' } | { kind: 'ended'; output: string } | { kind: 'failed'; failure: Failure };

/** One step of a flow: a result, or on to another state. */
export type Move = Result | { kind: 'next'; state: string; input: string };

/** Nothing more happens to the flow by itself. */
export const BLOCKED = { kind: 'blocked' } as const;

/** Where a state is left to, and what is made of its output on that way. */
export type Way = { Output?: Template; Assign?: Record<string, Template>; Next?: string | undefined };

/** Leaves the present state: output and assignments see the variables as they were before. */
export const leave = async (
  transition: Transition,
  flow: Flow,
  { way, output = flow.input, extra = {}, prefix = '' }: { way: Way; output?: string; extra?: Extra; prefix?: string },
): Promise<Move> => {
  const read = async (field: 'Output' | 'Assign') =>
    valueOf(transition, flow, { template: way[field], location: prefix + field, extra });
  const result = way.Output === undefined ? output : sized(await read('Output'), `the output of ${flow.state}`);
  const assigned = way.Assign === undefined ? null : ((await read('Assign')) as Record<string, unknown>);
  const variables = Object.entries(assigned ?? {}).map(([name, value]) => [name, JSON.stringify(value)] as const);
  emit(transition, flow, {
    type: `${stateOf(flow).Type}StateExited`,
    details: {
      name: flow.state,
      output: result,
      ...(assigned === null ? {} : { assignedVariables: Object.fromEntries(variables) }),
    },
  });
  return way.Next === undefined ? { kind: 'ended', output: result } : { kind: 'next', state: way.Next, input: result };
};

/** What Retry and Catch of the present state make of a failure; `isOfMap` when an iteration brought it. */
export const handle = async (
  transition: Transition,
  flow: Flow,
  { failure, isOfMap = false }: { failure: Failure; isOfMap?: boolean },
): Promise<Move> => {
  const state = stateOf(flow);
  const { Retry, Catch } = 'Retry' in state || 'Catch' in state ? state : {};
  const retry = planRetry(Retry, failure, { used: flow.retriesUsed, moment: transition.moment });
  if (retry) {
    annotate(transition, flow, retry);
    return BLOCKED;
  }
  if (isOfMap) emit(transition, flow, { type: 'MapStateFailed' });
  const catcher = findCatcher(Catch, failure);
  return catcher && Catch
    ? caught(transition, flow, { catcher, failure, index: Catch.indexOf(catcher) })
    : { kind: 'failed', failure };
};

const caught = async (
  transition: Transition,
  flow: Flow,
  { catcher, failure, index }: { catcher: Catcher; failure: Failure; index: number },
): Promise<Move> => {
  const { error, cause } = failure;
  const errorOutput = { Error: error, ...(cause === undefined ? {} : { Cause: cause }) };
  try {
    const output = JSON.stringify(errorOutput);
    return await leave(transition, flow, { way: catcher, output, extra: { errorOutput }, prefix: `Catch[${index}].` });
  } catch (thrown) {
    if (!isStateFailure(thrown)) throw thrown;
    emit(transition, flow, { type: 'EvaluationFailed', details: { state: flow.state, ...thrown.failure } });
    return { kind: 'failed', failure: thrown.failure };
  }
};

/** Takes the first rule that holds. */
export const choose = async (
  transition: Transition,
  flow: Flow,
  { rules, otherwise }: { rules: ChoiceRule[]; otherwise: Way },
): Promise<Move> => {
  for (const [index, rule] of rules.entries()) {
    const location = `Choices[${index}].Condition`;
    const holds = await valueOf(transition, flow, { template: rule.Condition, location });
    if (typeof holds !== 'boolean')
      throw stateFailure('States.QueryEvaluationError', `${location} is neither true nor false`, { location });
    if (holds) return leave(transition, flow, { way: rule, prefix: `Choices[${index}].` });
  }
  if (otherwise.Next === undefined) throw stateFailure('States.NoChoiceMatched', `no rule of ${flow.state} holds`);
  return leave(transition, flow, { way: otherwise });
};

/** When a Wait that begins now is over. */
export const wakeTime = async (transition: Transition, flow: Flow, state: WaitState): Promise<string> => {
  const location = state.Seconds === undefined ? 'Timestamp' : 'Seconds';
  const value = await valueOf(transition, flow, { template: state[location], location });
  const atMs = typeof value === 'number' ? transition.moment.at.getTime() + value * 1000 : Date.parse(String(value));
  if (Number.isNaN(atMs))
    throw stateFailure('States.QueryEvaluationError', `${location} is no time: ${String(value)}`, { location });
  return new Date(atMs).toISOString();
};

/** A field that must be a whole number, or `undefined` when it is left out. */
export const wholeNumber = async (
  transition: Transition,
  flow: Flow,
  { template, location }: { template: Template; location: string },
): Promise<number | undefined> => {
  if (template === undefined) return undefined;
  const value = await valueOf(transition, flow, { template, location });
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw stateFailure('States.QueryEvaluationError', `${location} is no whole number`, { location });
};

/** Schedules the task of the present state; who does it is told once the transition is on disk. */
export const schedule = async (transition: Transition, flow: Flow, state: TaskState): Promise<Move> => {
  const [resourceType = '', resource = ''] = state.Resource.split(':').slice(-2);
  const { execution, moment } = transition;
  const token = resource.endsWith('.waitForTaskToken') ? `${execution.runId}.${moment.uuid()}` : undefined;
  const sent = await valueOf(transition, flow, {
    template: state.Arguments,
    location: 'Arguments',
    extra: { taskToken: token },
  });
  const read = async (location: 'TimeoutSeconds' | 'HeartbeatSeconds') =>
    wholeNumber(transition, flow, { template: state[location], location });
  const details = {
    resourceType,
    resource,
    region: 'local',
    parameters: sized(sent, `the arguments of ${flow.state}`),
    timeoutInSeconds: await read('TimeoutSeconds'),
    heartbeatInSeconds: await read('HeartbeatSeconds'),
  };
  const about = { resourceType, resource };
  emit(transition, flow, { type: 'TaskScheduled', details, ...(token !== undefined && { note: { token } }) });
  emit(transition, flow, { type: 'TaskStarted', details: about });
  if (resourceType === 'sqs') {
    // The queue is in this process and filled from the journal: the message is sent once this transition is written.
    const output = JSON.stringify({ MessageId: moment.uuid() });
    emit(transition, flow, { type: 'TaskSubmitted', details: { ...about, output } });
  }
  return BLOCKED;
};
