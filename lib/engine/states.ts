/**
 * What each type of state does when it is entered, repeated, answered or failed.
 *
 * Functions here return how far a flow came: it waits (`blocked`), reached its last state (`ended`), or failed with
 * nothing left to catch it. A Map is worked off by `absorbIteration`, one iteration's end after another.
 */
import type { FailState, MapState, State, TaskState } from './asl.ts';
import { isStateFailure, stateFailure, type Failure } from './failure.ts';
import { stateOf, type Flow } from './history.ts';
import { BLOCKED, choose, handle, leave, schedule, wakeTime, wholeNumber, type Move, type Result } from './moves.ts';
import { annotate, emit, sized, valueOf, type Transition } from './transition.ts';

/** Inline Maps run at most so many iterations at a time. */
const MAX_CONCURRENCY = 40;

/** Enters a state and goes on until the flow waits, ends or fails. */
export const enter = (transition: Transition, flow: Flow, at: { state: string; input: string }): Promise<Result> =>
  follow(transition, flow, { kind: 'next', ...at });

/** Goes on after a Wait is over, or repeats the failed attempt whose pause is over. */
export const repeat = async (transition: Transition, flow: Flow): Promise<Result> => {
  const state = stateOf(flow);
  const act = () =>
    state.Type === 'Wait' ? leave(transition, flow, { way: state }) : perform(transition, flow, state);
  return follow(transition, flow, await guarded(transition, flow, act));
};

/** The task of the present state succeeded with `result`. */
export const leaveWithResult = async (transition: Transition, flow: Flow, result: string): Promise<Result> => {
  const act = () =>
    leave(transition, flow, { way: stateOf(flow) as TaskState, output: result, extra: { result: JSON.parse(result) } });
  return follow(transition, flow, await guarded(transition, flow, act));
};

/** The attempt of the present state failed: repeat it, catch it, or give up. */
export const endAttempt = async (transition: Transition, flow: Flow, failure: Failure): Promise<Result> =>
  follow(transition, flow, await handle(transition, flow, { failure }));

const follow = async (transition: Transition, flow: Flow, first: Move): Promise<Result> => {
  let move = first;
  while (move.kind === 'next') {
    const state = flow.group.States[move.state] as State;
    const details = { name: move.state, input: move.input };
    emit(transition, flow, { type: `${state.Type}StateEntered`, details });
    move = await guarded(transition, flow, () => perform(transition, flow, state));
  }
  return move;
};

/** Turns a failure inside a state, such as an expression without a value, into what Retry and Catch make of it. */
const guarded = async (transition: Transition, flow: Flow, act: () => Promise<Move>): Promise<Move> => {
  try {
    return await act();
  } catch (thrown) {
    if (!isStateFailure(thrown)) throw thrown;
    const { failure } = thrown;
    if (failure.location !== undefined)
      emit(transition, flow, { type: 'EvaluationFailed', details: { state: flow.state, ...failure } });
    return handle(transition, flow, { failure });
  }
};

const perform = async (transition: Transition, flow: Flow, state: State): Promise<Move> => {
  switch (state.Type) {
    case 'Task':
      return schedule(transition, flow, state);
    case 'Map':
      return startMap(transition, flow, state);
    case 'Wait':
      annotate(transition, flow, { until: await wakeTime(transition, flow, state) });
      return BLOCKED;
    case 'Choice':
      return choose(transition, flow, { rules: state.Choices, otherwise: { ...state, Next: state.Default } });
    case 'Pass':
    case 'Succeed':
      return leave(transition, flow, { way: state });
    case 'Fail':
      return giveUp(transition, flow, state);
    default:
      throw new Error(`no state of type ${(state as State).Type}`);
  }
};

const giveUp = async (transition: Transition, flow: Flow, state: FailState): Promise<Move> => {
  const read = async (location: 'Error' | 'Cause') =>
    (await valueOf(transition, flow, { template: state[location] ?? '', location })) as string;
  return { kind: 'failed', failure: { error: await read('Error'), cause: await read('Cause') } };
};

const startMap = async (transition: Transition, flow: Flow, state: MapState): Promise<Move> => {
  const location = 'Items';
  const items =
    state.Items === undefined
      ? JSON.parse(flow.input)
      : await valueOf(transition, flow, { template: state.Items, location });
  if (!Array.isArray(items)) throw stateFailure('States.QueryEvaluationError', 'Items is no list', { location });
  const limit = await wholeNumber(transition, flow, { template: state.MaxConcurrency, location: 'MaxConcurrency' });
  const note = {
    items: items.map((item) => JSON.stringify(item)),
    concurrency: Math.min(limit || MAX_CONCURRENCY, MAX_CONCURRENCY),
  };
  emit(transition, flow, { type: 'MapStateStarted', details: { length: items.length }, note });
  return workOff(transition, flow, { state, after: flow.lastEventId });
};

/** Starts iterations while there is room for them. */
const workOff = async (
  transition: Transition,
  flow: Flow,
  { state, after }: { state: MapState; after: number },
): Promise<Move> => {
  let previousEventId = after;
  while (flow.activity.kind === 'map') {
    const { items, startedCount: index, live, concurrency, doneCount, outputs } = flow.activity;
    if (doneCount === items.length) {
      emit(transition, flow, { type: 'MapStateSucceeded' });
      const output = `[${outputs.join(',')}]`;
      return leave(transition, flow, { way: state, output, extra: { result: JSON.parse(output) } });
    }
    if (index === items.length || live.size >= concurrency) return BLOCKED;
    const item = { index, value: JSON.parse(items[index] ?? 'null') as unknown };
    const input =
      state.ItemSelector === undefined
        ? item.value
        : await valueOf(transition, flow, { template: state.ItemSelector, location: 'ItemSelector', extra: { item } });
    emit(transition, flow, { type: 'MapIterationStarted', details: { name: flow.state, index }, previousEventId });
    const inner = live.get(index) as Flow;
    const at = { state: state.ItemProcessor.StartAt, input: sized(input, 'the input of an iteration') };
    const result = await enter(transition, inner, at);
    previousEventId = inner.lastEventId;
    if (result.kind !== 'blocked') {
      const failed = endIteration(transition, flow, { index, result });
      if (failed) return handle(transition, flow, { failure: failed, isOfMap: true });
    }
  }
  return BLOCKED;
};

/** An iteration of the Map that `flow` is in has ended: go on with the Map. */
export const absorbIteration = async (
  transition: Transition,
  flow: Flow,
  { index, result }: { index: number; result: Exclude<Result, { kind: 'blocked' }> },
): Promise<Result> => {
  const after = flow.activity.kind === 'map' ? (flow.activity.live.get(index)?.lastEventId ?? 0) : 0;
  const failure = endIteration(transition, flow, { index, result });
  if (failure) return follow(transition, flow, await handle(transition, flow, { failure, isOfMap: true }));
  const act = () => workOff(transition, flow, { state: stateOf(flow) as MapState, after });
  return follow(transition, flow, await guarded(transition, flow, act));
};

/** Writes the end of an iteration; a failed one ends the others, and its failure is returned. */
const endIteration = (
  transition: Transition,
  flow: Flow,
  { index, result }: { index: number; result: Exclude<Result, { kind: 'blocked' }> },
): Failure | null => {
  if (flow.activity.kind !== 'map') throw new Error(`${flow.state} runs no iterations`);
  const { live } = flow.activity;
  const end = (type: string, which: number) =>
    emit(transition, flow, {
      type,
      details: { name: flow.state, index: which },
      previousEventId: live.get(which)?.lastEventId ?? 0,
    });
  if (result.kind === 'ended') {
    end('MapIterationSucceeded', index);
    return null;
  }
  end('MapIterationFailed', index);
  for (const other of live.keys()) end('MapIterationAborted', other);
  return result.failure;
};
