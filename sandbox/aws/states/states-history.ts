/**
 * Executions as GetExecutionHistory and DescribeExecution show them: seconds since 1970, and details under a name for each type.
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
import type { Engine } from '../../../lib/engine/runtime.ts';
import { executionArn, machineArn } from './states-rules.ts';
import type { Machine } from './states-machines.ts';

type Workflows = Engine['workflows'];
type Description = NonNullable<Awaited<ReturnType<Workflows['describe']>>>;
type Event = ReturnType<Workflows['history']> extends AsyncIterable<infer E> ? E : never;

export const seconds = (iso: string): number => Date.parse(iso) / 1000;

/** The execution as DescribeExecution and EventBridge show it. */
export const shownExecution = async (machine: Machine, description: Description): Promise<Record<string, unknown>> => {
  const { runId, status, startedAt, stoppedAt, output, error, cause } = description;
  const [started] = await Array.fromAsync(machine.engine.workflows.history(runId));
  return {
    executionArn: executionArn(machine.name, runId),
    stateMachineArn: machineArn(machine.name),
    name: runId,
    status,
    startDate: seconds(startedAt),
    input: started?.details['input'],
    inputDetails: { included: true },
    ...(stoppedAt !== null && { stopDate: seconds(stoppedAt) }),
    ...(status === 'SUCCEEDED' && { output: JSON.stringify(output), outputDetails: { included: true } }),
    ...(error !== null && { error }),
    ...(cause !== null && { cause }),
  };
};

/** `stateEnteredEventDetails` of a `WaitStateEntered`: the states share theirs, everything else has its own. */
const detailsName = (type: string): string => {
  const [, way] = /StateE(ntered|xited)$/.exec(type) ?? [];
  const name = way === undefined ? type : `StateE${way}`;
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}EventDetails`;
};

export const shownEvent = (machine: Machine, event: Event): Record<string, unknown> => {
  const { id, previousEventId, timestamp, type, details } = event;
  const hasDetails = Object.keys(details).length > 0;
  return {
    id,
    previousEventId,
    timestamp: seconds(timestamp),
    type,
    ...(hasDetails && { [detailsName(type)]: machine.shown(details) }),
  };
};
