/**
 * The embedded engine: runs workflow definitions in this process, durably, as Step Functions does in AWS.
 *
 * `FunctionName: "${Name}"` calls `functions.Name` here; `QueueUrl` is the name of a host, whose tasks `hostTasks.take`
 * hands out. Functions are called at least once: a call that was under way when the process died is made again. A run
 * keeps the definition it was started with.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
 */
import { rm } from 'node:fs/promises';
import { OctoError } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { HostTaskBody, HostTasks, WorkflowRuntime } from '../ports/workflow-runtime.ts';
import { bindDefinitions, type Definition } from './asl.ts';
import { isStateFailure } from './failure.ts';
import { engineDirectory, type EngineDirectory } from './directory.ts';
import { openTasks, type Execution, type OpenTask } from './history.ts';
import { hostQueues } from './host-queues.ts';
import type { Occurrence } from './interpret.ts';
import { beginRun, fold, oneAfterAnother, reopenRun, type Run, type RunWorld } from './run.ts';

/** What a cloud step is here. A thrown OctoError fails the task: its code is the error name, its JSON the cause; a `stateFailure` fails it as it says. */
export type CloudFunction = (payload: unknown, context: { taskToken?: string }) => Promise<unknown>;

export type EngineOptions = {
  /** Where journals lie; one process at a time may run them. */
  directory: string;
  clock: Clock;
  /** Parsed definitions by workflow name. */
  definitions: Record<string, unknown>;
  /** By the placeholder that names them, without `${}`. */
  functions: Record<string, CloudFunction>;
  /** What CloudFormation would put in place of other placeholders. */
  placeholders?: Record<string, string>;
  /** Told of what the engine goes on trying by itself, such as a full disk. */
  onTrouble?: (error: OctoError) => void;
  /** Takes host tasks elsewhere, at least once each; without it they wait in this process. A rejection fails the task. */
  sendMessage?: (queueUrl: string, body: unknown) => Promise<void>;
  /** Told of every run that has ended, after it can be described as such. */
  onEnd?: (runId: string) => void;
};

export type Engine = {
  workflows: WorkflowRuntime;
  hostTasks: HostTasks;
  /** Continues every run that had not ended; first thing after a start. @throws EngineInUse, and JournalDamaged after the others go on */
  resume(): Promise<void>;
  /** Stops between two transitions. What is under way goes on after the next start. */
  close(): Promise<void>;
};

/** An engine over `directory`; nothing runs before `resume` or the first `start`. @throws DefinitionRefused */
export const createEngine = (options: EngineOptions): Engine => {
  const definitions = bindDefinitions(options);
  const directory = engineDirectory(options.directory);
  const runs = new Map<string, Run>();
  const stop = new AbortController();
  const runIdOf = (token: string) => token.slice(0, token.lastIndexOf('.'));
  const runOf = (token: string) => runs.get(runIdOf(token));
  const isOpen = (token: string) => taskOf(runOf(token)?.execution(), token) !== undefined;
  const queues = hostQueues({ clock: options.clock, isOpen, stopping: stop.signal });
  const world: RunWorld = {
    clock: options.clock,
    stopping: stop.signal,
    onTrouble: options.onTrouble ?? (() => {}),
    onEnd: async (runId) => {
      await directory.retire(runId).catch((thrown: unknown) => world.onTrouble(OctoError.from(thrown)));
      runs.delete(runId);
      options.onEnd?.(runId);
    },
    launch: (task, report) => {
      if (task.resourceType !== 'lambda') offer(task, report);
      // A function that was called is not called again: the answer to its token is what is waited for.
      else if (!task.isSubmitted) void invoke(task, options.functions).then(report);
    },
  };
  const offer: RunWorld['launch'] = ({ id, parameters }, report) => {
    const { QueueUrl, MessageBody } = JSON.parse(parameters) as { QueueUrl: string; MessageBody: HostTaskBody };
    if (options.sendMessage === undefined) return queues.offer(QueueUrl, MessageBody);
    const sent = options.sendMessage(QueueUrl, MessageBody);
    return void sent.catch((thrown: unknown) => report(failureOf(id, thrown)));
  };
  /** Hands what is known of a task to its run. @throws TaskGone, EngineNotReady, JournalUnwritable */
  const answer = async (token: string, act: (run: Run, task: OpenTask) => Promise<boolean> | boolean) => {
    const run = runOf(token);
    const task = taskOf(await run?.durable(), token);
    if (run && task && (await act(run, task))) return;
    // Gone is for good: it must not be said of a run that is only not taken up yet, or any more.
    if (!run && (await directory.isOpen(runIdOf(token))))
      throw new OctoError('EngineNotReady', `run ${runIdOf(token)} is not worked on now`);
    throw new OctoError('TaskGone', 'no workflow waits for this task any more');
  };
  return {
    workflows: workflowRuntime({ definitions, directory, runs, world }),
    hostTasks: {
      take: queues.take,
      acknowledge: queues.acknowledge,
      beat: (token) => answer(token, (run) => run.beat(token)),
      succeed: (token, output) =>
        answer(token, (run, { id }) => run.submit({ kind: 'succeeded', taskId: id, output: output ?? null })),
      fail: (token, failure) => answer(token, (run, { id }) => run.submit({ kind: 'failed', taskId: id, ...failure })),
    },
    resume: () => resumeAll({ directory, runs, world }),
    close: async () => {
      stop.abort();
      await Promise.all([...runs.values()].map((run) => run.close()));
      runs.clear();
      directory.release();
    },
  };
};

const taskOf = (execution: Execution | undefined, token: string): OpenTask | undefined =>
  execution && openTasks(execution).find((task) => task.token === token);

type Parts = { directory: EngineDirectory; runs: Map<string, Run>; world: RunWorld };

const resumeAll = async ({ directory, runs, world }: Parts): Promise<void> => {
  await directory.hold();
  const damages: unknown[] = [];
  for (const runId of await directory.openRunIds()) {
    if (runs.has(runId)) continue;
    const path = directory.openPath(runId);
    try {
      const run = await reopenRun({ path, runId }, world);
      if (!run) await rm(path);
      else if (run.execution().status === 'RUNNING') runs.set(runId, run);
      else {
        await run.close();
        await directory.retire(runId);
      }
    } catch (thrown) {
      damages.push(thrown);
    }
  }
  for (const run of runs.values()) run.follow();
  if (damages.length > 0) throw damages[0] as Error;
};

/** The execution of a run that has ended, or that another process works on; `null` when there is none. */
const readExecution = async (directory: EngineDirectory, runId: string): Promise<Execution | null> => {
  const events = await directory.read(runId);
  return events && fold(runId, events);
};

const workflowRuntime = (parts: Parts & { definitions: Map<string, Definition> }): WorkflowRuntime => {
  const { definitions, directory, runs, world } = parts;
  const known = async (runId: string) => (await runs.get(runId)?.durable()) ?? (await readExecution(directory, runId));
  const begin = async ({ workflow, runId, input = {} }: { workflow: string; runId: string; input?: unknown }) => {
    const definition = definitions.get(workflow);
    if (!definition)
      throw new OctoError('WorkflowUnknown', `there is no workflow "${workflow}"`, { facts: { workflow } });
    await directory.hold();
    const earlier = await known(runId);
    if (earlier) {
      if (earlier.workflow === workflow && earlier.input === JSON.stringify(input)) return;
      throw new OctoError('RunNameTaken', `run ${runId} was started with another input`, { facts: { runId } });
    }
    const path = directory.openPath(runId);
    await rm(path, { force: true });
    const run = await beginRun({ path, runId, start: { kind: 'started', workflow, definition, input } }, world);
    if (run.execution().status !== 'RUNNING') {
      await run.close();
      return world.onEnd(runId);
    }
    runs.set(runId, run);
    run.follow();
  };
  const inTurn = oneAfterAnother();
  return {
    start: (request) => inTurn(() => begin(request)),
    describe: async (runId) => {
      const execution = await known(runId);
      if (!execution) return null;
      const { workflow, status, startedAt, stoppedAt, output, error, cause } = execution;
      const result: unknown = output === null ? null : JSON.parse(output);
      return { runId, workflow, status, startedAt, stoppedAt, output: result, error, cause };
    },
    history: async function* (runId) {
      for (const { path: _path, note: _note, ...event } of (await directory.read(runId)) ?? []) yield event;
    },
  };
};

/** Calls the function of a task, and says what came of it. Never rejects. */
const invoke = async (
  { id: taskId, token, parameters }: OpenTask,
  functions: Record<string, CloudFunction>,
): Promise<Occurrence> => {
  const { FunctionName, Payload } = JSON.parse(parameters) as { FunctionName: string; Payload: unknown };
  const name = FunctionName.slice(2, -1);
  const run = functions[name];
  if (!run)
    return {
      kind: 'failed',
      taskId,
      error: 'Lambda.ResourceNotFoundException',
      cause: `there is no function "${name}"`,
    };
  try {
    const answer = (await run(Payload, token === null ? {} : { taskToken: token })) ?? null;
    const output = { ExecutedVersion: '$LATEST', Payload: answer, StatusCode: 200 };
    return { kind: token === null ? 'succeeded' : 'submitted', taskId, output };
  } catch (thrown) {
    return failureOf(taskId, thrown);
  }
};

const failureOf = (taskId: number, thrown: unknown): Occurrence => {
  if (isStateFailure(thrown)) {
    const { error, cause = '' } = thrown.failure;
    return { kind: 'failed', taskId, error, cause };
  }
  const error = OctoError.from(thrown);
  return { kind: 'failed', taskId, error: error.code, cause: JSON.stringify(error) };
};
