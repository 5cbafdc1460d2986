/**
 * What runs our workflow definitions: Step Functions, or the embedded engine.
 *
 * Delivery of host tasks is at least once: a task may be taken twice, so whoever takes it records it by its token first.
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference
 */
export type WorkflowRuntime = {
  /** Starts `workflow` under the name `runId`. Asking again with the same input is the same run; another input is refused. @throws RunNameTaken */
  start(request: { workflow: string; runId: string; input: unknown }): Promise<void>;
  /** `null` when no run has that name. */
  describe(runId: string): Promise<ExecutionDescription | null>;
  /** What happened, oldest first, under the event names of GetExecutionHistory. */
  history(runId: string): AsyncIterable<ExecutionEvent>;
};

/** Tasks for one host, each waiting on its task token. Any error but TaskGone means: not heard, say it again. */
export type HostTasks = {
  /** The next task for `host`, waiting up to `waitSeconds`; `null` when none came. */
  take(host: string, options: { waitSeconds: number; signal?: AbortSignal }): Promise<TakenTask | null>;
  /** The task is recorded on the worker's disk: do not deliver it again. */
  acknowledge(task: TakenTask): Promise<void>;
  /** @throws TaskGone when the workflow no longer waits for this token (timed out, or answered) */
  beat(token: string): Promise<void>;
  /** @throws TaskGone */
  succeed(token: string, output: unknown): Promise<void>;
  /** @throws TaskGone */
  fail(token: string, failure: { error: string; cause: string }): Promise<void>;
};

export type TakenTask = { receipt: string; body: HostTaskBody };

/** The message a host step is sent: names and numbers, at most 8 KB. */
export type HostTaskBody = {
  token: string;
  runId: string;
  step: string;
  state: string;
  attempt: number;
  /** ISO 8601: after this moment the worker drops the task unstarted. */
  notAfter: string;
  input: unknown;
};

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export type ExecutionDescription = {
  runId: string;
  workflow: string;
  status: ExecutionStatus;
  startedAt: string;
  stoppedAt: string | null;
  output: unknown;
  error: string | null;
  cause: string | null;
};

export type ExecutionEvent = {
  id: number;
  previousEventId: number;
  timestamp: string;
  /** e.g. `TaskStateEntered`, `TaskScheduled`, `ExecutionSucceeded`. */
  type: string;
  /** The event's details, as GetExecutionHistory names them. */
  details: Record<string, unknown>;
};
