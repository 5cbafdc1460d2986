/**
 * Workflows on AWS Step Functions: a state machine per workflow, an execution per run, named by the run's id.
 *
 * A run does not say which workflow it is of, so looking one up asks every state machine at once. Step Functions keeps what
 * an execution did for ninety days; the run book keeps what became of it for good.
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference
 */
import {
  DescribeExecutionCommand,
  paginateGetExecutionHistory,
  SFNClient,
  StartExecutionCommand,
  type DescribeExecutionCommandOutput,
  type HistoryEvent,
} from '@aws-sdk/client-sfn';
import { isOctoError, OctoError } from '../domain/errors.ts';
import type {
  ExecutionDescription,
  ExecutionEvent,
  ExecutionStatus,
  WorkflowRuntime,
} from '../ports/workflow-runtime.ts';
import { asking, clientOptions, errorName, type AwsPlace } from './aws/aws-request.ts';

const HISTORY_PAGE = 1000;

export type StepFunctionsOptions = AwsPlace & {
  /** The ARN of each state machine without the workflow's name at its end. */
  stateMachines: string;
  workflows: readonly string[];
};

type Runtime = StepFunctionsOptions & { client: SFNClient };

/** The runtime of the state machines that are deployed. */
export const stepFunctionsRuntime = (options: StepFunctionsOptions): WorkflowRuntime => {
  const runtime = { ...options, client: new SFNClient(clientOptions(options)) };
  return {
    start: (request) => start(runtime, request),
    describe: async (runId) => {
      const found = await find(runtime, runId);
      return found && descriptionOf(found);
    },
    history: async function* (runId) {
      const found = await find(runtime, runId);
      if (found !== null) yield* eventsOf(runtime, { runId, executionArn: arnOf(runtime, found.workflow, runId) });
    },
  };
};

const arnOf = ({ stateMachines }: Runtime, workflow: string, runId: string): string =>
  `${stateMachines.replace(':stateMachine:', ':execution:')}${workflow}:${runId}`;

const start: (runtime: Runtime, request: Parameters<WorkflowRuntime['start']>[0]) => Promise<void> = async (
  runtime,
  { workflow, runId, input: given = {} },
) => {
  const input = JSON.stringify(given);
  const stateMachineArn = runtime.stateMachines + workflow;
  const command = new StartExecutionCommand({ stateMachineArn, name: runId, input });
  try {
    await asking(`start of ${runId}`, runtime.client.send(command), { StateMachineDoesNotExist: 'WorkflowUnknown' });
  } catch (thrown) {
    if (errorName(thrown) !== 'ExecutionAlreadyExists') throw thrown;
    // Said of executions that have ended as well, whatever their input was.
    const standing = await read(runtime, workflow, runId);
    if (standing?.input === input) return;
    throw new OctoError('RunNameTaken', `run ${runId} was started with another input`, {
      cause: thrown,
      facts: { runId },
    });
  }
};

type Found = DescribeExecutionCommandOutput & { runId: string; workflow: string };

const find = async (runtime: Runtime, runId: string): Promise<Found | null> => {
  const found = await Promise.all(runtime.workflows.map((workflow) => read(runtime, workflow, runId)));
  return found.find((execution) => execution !== null) ?? null;
};

/** Null also where the state machine itself is not there: a release may bring workflows that are not deployed yet. */
const read = async (runtime: Runtime, workflow: string, runId: string): Promise<Found | null> => {
  const command = new DescribeExecutionCommand({ executionArn: arnOf(runtime, workflow, runId) });
  try {
    return { ...(await asking(`look at ${runId}`, runtime.client.send(command))), runId, workflow };
  } catch (thrown) {
    if (isOctoError(thrown) && errorName(thrown) === 'ExecutionDoesNotExist') return null;
    throw thrown;
  }
};

const descriptionOf = (found: Found): ExecutionDescription => ({
  runId: found.runId,
  workflow: found.workflow,
  // A redrive is only ever made by hand: it goes on.
  status: found.status === 'PENDING_REDRIVE' ? 'RUNNING' : (found.status as ExecutionStatus),
  startedAt: (found.startDate ?? new Date(0)).toISOString(),
  stoppedAt: found.stopDate?.toISOString() ?? null,
  output: found.output === undefined ? null : (JSON.parse(found.output) as unknown),
  error: found.error ?? null,
  cause: found.cause ?? null,
});

const eventsOf = async function* (
  { client }: Runtime,
  { runId, executionArn }: { runId: string; executionArn: string },
): AsyncGenerator<ExecutionEvent> {
  const pages = paginateGetExecutionHistory({ client, pageSize: HISTORY_PAGE }, { executionArn });
  for (;;) {
    const { value: page, done } = await asking(`history of ${runId}`, pages.next());
    if (done === true || page === undefined) return;
    for (const event of page.events ?? []) yield eventOf(event);
  }
};

const eventOf = ({
  id = 0,
  previousEventId = 0,
  timestamp = new Date(0),
  type = 'TaskStarted',
  ...rest
}: HistoryEvent) => {
  const details = Object.values(rest).find((value) => typeof value === 'object') ?? {};
  return { id, previousEventId, timestamp: timestamp.toISOString(), type, details: { ...details } };
};
