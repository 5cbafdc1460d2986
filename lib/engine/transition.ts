/**
 * One transition under way: what it wrote so far, and how its states evaluate their templates.
 *
 * Every event is folded into the execution as it is written, so the rules in `interpret.ts` always look at the present.
 */
import type { Template } from './asl.ts';
import { evaluate, isConstant, type Scope } from './expressions.ts';
import { stateFailure, type Moment } from './failure.ts';
import {
  applyEvent,
  applyNote,
  flowAt,
  stateOf,
  type Execution,
  type Flow,
  type JournalEvent,
  type Note,
} from './history.ts';

export type Transition = { execution: Execution; moment: Moment; events: JournalEvent[] };

/** Quotas of Step Functions. @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MAX_EVENTS = 25_000;
const MAX_BYTES = 262_144;

/** Writes an event of `flow`; it refers back to the flow's last event unless `previousEventId` says otherwise. */
export const emit = (
  { execution, moment, events }: Transition,
  flow: Flow,
  event: { type: string; details?: Record<string, unknown>; previousEventId?: number; note?: Note },
): void => {
  const { type, details = {}, previousEventId = flow.lastEventId, note } = event;
  const id = execution.lastEventId + 1;
  if (id >= MAX_EVENTS && !type.startsWith('Execution'))
    throw stateFailure('States.Runtime', `the run reached the maximum number of history events (${MAX_EVENTS})`);
  const at = { id, previousEventId, timestamp: moment.at.toISOString() };
  const written = { ...at, type, details, path: flow.path, ...(note && { note }) };
  applyEvent(execution, written);
  events.push(written);
};

/** Adds to the event written last, which must be the flow's, what the engine found out only after it. */
export const annotate = ({ events }: Transition, flow: Flow, note: Note): void => {
  const last = events.at(-1);
  if (!last) throw new Error('a note needs an event');
  last.note = { ...last.note, ...note };
  applyNote(flow, note);
};

/** The value of a field of the state that `flow` is in. `extra` adds to `$states` what exists there only. */
export const valueOf = async (
  transition: Transition,
  flow: Flow,
  { template, location, extra = {} }: { template: Template; location: string; extra?: Extra },
): Promise<unknown> => {
  if (isConstant(template)) return template;
  const { taskToken, item, ...states } = extra;
  const scope: Scope = {
    states: {
      input: JSON.parse(flow.input),
      context: contextOf(transition.execution, flow, {
        taskToken,
        item: item ?? itemOf(transition.execution, flow),
      }),
      ...states,
    },
    variables: Object.assign({}, ...lineage(transition.execution, flow).map(({ variables }) => variables)),
  };
  return evaluate(template, { scope, moment: transition.moment, location });
};

export type Extra = { result?: unknown; errorOutput?: unknown; taskToken?: string | undefined; item?: Item };
type Item = { index: number; value: unknown };

/** The flows around `flow`, outermost first, and itself: inner variables are seen before outer ones. */
const lineage = (execution: Execution, { path }: Flow): Flow[] =>
  [...path, 0].map((_index, depth) => flowAt(execution, path.slice(0, depth)));

/** The context object. @see https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html */
const contextOf = (
  execution: Execution,
  flow: Flow,
  { taskToken, item }: { taskToken: string | undefined; item: Item | undefined },
): Record<string, unknown> => {
  const { runId, workflow, input, startedAt } = execution;
  const arn = (kind: string) => `arn:aws:states:local:000000000000:${kind}:${workflow}`;
  return {
    Execution: {
      Id: `${arn('execution')}:${runId}`,
      Input: JSON.parse(input),
      Name: runId,
      RoleArn: 'arn:aws:iam::000000000000:role/local',
      StartTime: startedAt,
      RedriveCount: 0,
    },
    State: {
      Name: flow.state,
      EnteredTime: flow.enteredAt,
      ...(stateOf(flow).Type === 'Task' ? { RetryCount: flow.retryCount } : {}),
    },
    StateMachine: { Id: arn('stateMachine'), Name: workflow },
    ...(taskToken === undefined ? {} : { Task: { Token: taskToken } }),
    ...(item === undefined ? {} : { Map: { Item: { Index: item.index, Value: item.value } } }),
  };
};

const itemOf = (execution: Execution, { path }: Flow): Item | undefined => {
  const index = path.at(-1);
  if (index === undefined) return undefined;
  const { activity } = flowAt(execution, path.slice(0, -1));
  const text = activity.kind === 'map' ? activity.items[index] : undefined;
  return text === undefined ? undefined : { index, value: JSON.parse(text) };
};

/** JSON text within the size Step Functions allows. @throws StateFailure `States.DataLimitExceeded` */
export const sized = (value: unknown, what: string): string => {
  const json = JSON.stringify(value);
  if (Buffer.byteLength(json) <= MAX_BYTES) return json;
  throw stateFailure('States.DataLimitExceeded', `${what} is larger than ${MAX_BYTES} bytes`);
};
