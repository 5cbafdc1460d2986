/**
 * What every workflow runtime promises: run by the embedded engine, and by Step Functions where an account is at hand.
 *
 * The factory makes `contractDefinitions` runnable: `${Echo}` is a function that returns its payload, and fails with the
 * code and message of a payload that has `fail`. Nothing here depends on how fast anything is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../lib/domain/errors.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { ExecutionDescription, HostTasks, TakenTask, WorkflowRuntime } from '../../lib/ports/workflow-runtime.ts';

export type RuntimeUnderTest = {
  workflows: WorkflowRuntime;
  hostTasks: HostTasks;
  /** The host whose queue the contract may use, and what a definition calls that queue. */
  host: string;
  queueUrl: string;
  /** Lets time pass: a test clock jumps, a real one is waited for. */
  pass(seconds: number): Promise<void>;
  close(): Promise<void>;
};

const lambda = (payload: unknown, rest: object) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: '${Echo}', Payload: payload },
  ...rest,
});

const hostTask = (rest: object) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
  Arguments: {
    QueueUrl: '{% $states.context.Execution.Input.queueUrl %}',
    MessageBody: {
      token: '{% $states.context.Task.Token %}',
      runId: '{% $states.context.Execution.Name %}',
      step: 'contract',
      state: '{% $states.context.State.Name %}',
      attempt: '{% $states.context.State.RetryCount %}',
      notAfter: '{% $states.context.State.EnteredTime %}',
      input: { n: '{% $states.context.Execution.Input.n %}' },
    },
  },
  ...rest,
});

const machine = (StartAt: string, States: object) => ({ QueryLanguage: 'JSONata', StartAt, States });

/** What the factory must be able to run, by workflow name. */
export const contractDefinitions = {
  'contract-echo': machine('Echo', {
    Echo: lambda('{% $states.input %}', { Output: '{% $states.result.Payload %}', End: true }),
  }),
  'contract-host': machine('Ask', {
    Ask: hostTask({
      HeartbeatSeconds: 20,
      TimeoutSeconds: 50,
      Catch: [{ ErrorEquals: ['Expected'], Next: 'Caught' }],
      End: true,
    }),
    Caught: { Type: 'Pass', End: true },
  }),
  'contract-retry': machine('Ask', {
    Ask: hostTask({ Retry: [{ ErrorEquals: ['Again'], MaxAttempts: 1, IntervalSeconds: 1 }], End: true }),
  }),
};

/** What `${Echo}` does. */
export const echo = async (payload: unknown): Promise<unknown> => {
  const { fail, message } = (payload ?? {}) as { fail?: ErrorCode; message?: string };
  if (fail) throw new OctoError(fail, message ?? 'asked to fail');
  return payload;
};

/** Declares the suite. `create` is called once. */
export const workflowRuntimeContract = (name: string, create: () => Promise<RuntimeUnderTest>): void => {
  describe(`workflow runtime contract: ${name}`, () => {
    let at: RuntimeUnderTest;
    let count = 0;
    beforeAll(async () => {
      at = await create();
    });
    afterAll(() => at.close());

    const start = async (workflow: keyof typeof contractDefinitions, input: object = {}) => {
      count += 1;
      const runId = `run_C0NTRAC${count}_${process.pid}`;
      await at.workflows.start({ workflow, runId, input: { queueUrl: at.queueUrl, n: count, ...input } });
      return { runId, n: count };
    };
    const taken = async (): Promise<TakenTask> => {
      for (;;) {
        const task = await at.hostTasks.take(at.host, { waitSeconds: 0 });
        if (task) return task;
        await at.pass(0);
      }
    };
    const ended = async (runId: string): Promise<ExecutionDescription> => {
      for (;;) {
        const description = await at.workflows.describe(runId);
        if (description && description.status !== 'RUNNING') return description;
        await at.pass(0);
      }
    };
    const typesOf = async (runId: string) => {
      const events = await Array.fromAsync(at.workflows.history(runId));
      expect(events.map(({ id }) => id)).toEqual(events.map((_event, index) => index + 1));
      return events.map(({ type }) => type);
    };

    test('runs a workflow to its end and tells how it went', async () => {
      const { runId } = await start('contract-echo', { word: 'hello' });
      expect(await ended(runId)).toMatchObject({
        runId,
        workflow: 'contract-echo',
        status: 'SUCCEEDED',
        output: { word: 'hello' },
        error: null,
        cause: null,
      });
      expect(await typesOf(runId)).toEqual([
        'ExecutionStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskSucceeded',
        'TaskStateExited',
        'ExecutionSucceeded',
      ]);
    });

    test('knows no run that was never started', async () => {
      expect(await at.workflows.describe('run_N0NE')).toBeNull();
      expect(await Array.fromAsync(at.workflows.history('run_N0NE'))).toEqual([]);
    });

    test('starts a run once, and refuses its name to another request', async () => {
      const { runId, n } = await start('contract-host');
      const again = { workflow: 'contract-host', runId, input: { queueUrl: at.queueUrl, n } };
      await Promise.all([at.workflows.start(again), at.workflows.start(again)]);
      await expect(at.workflows.start({ ...again, input: { n: -1 } })).rejects.toMatchObject({ code: 'RunNameTaken' });
      const task = await taken();
      await at.hostTasks.acknowledge(task);
      await at.hostTasks.succeed(task.body.token, 'once');
      expect(await ended(runId)).toMatchObject({ output: 'once' });
      await at.workflows.start(again);
      expect(await at.hostTasks.take(at.host, { waitSeconds: 0 })).toBeNull();
    });

    test('fails a run with the code of the error a cloud step threw', async () => {
      const { runId } = await start('contract-echo', { fail: 'JournalUnwritable', message: 'no space on disk' });
      const description = await ended(runId);
      expect(description).toMatchObject({ status: 'FAILED', error: 'JournalUnwritable', output: null });
      expect(description.cause).toContain('no space on disk');
    });

    test('hands a host task out and takes its answer once', async () => {
      const { runId, n } = await start('contract-host');
      const task = await taken();
      expect(task.body).toMatchObject({ runId, step: 'contract', state: 'Ask', attempt: 0, input: { n } });
      await at.hostTasks.acknowledge(task);
      await at.hostTasks.beat(task.body.token);
      await at.hostTasks.succeed(task.body.token, { rows: 3 });
      expect(await ended(runId)).toMatchObject({ status: 'SUCCEEDED', output: { rows: 3 } });
      await expect(at.hostTasks.succeed(task.body.token, 1)).rejects.toMatchObject({ code: 'TaskGone' });
      await expect(at.hostTasks.beat(task.body.token)).rejects.toMatchObject({ code: 'TaskGone' });
    });

    test('gives what a host task failed with to Catch', async () => {
      const { runId } = await start('contract-host');
      const { body } = await taken();
      await at.hostTasks.fail(body.token, { error: 'Expected', cause: 'why' });
      expect(await ended(runId)).toMatchObject({ status: 'SUCCEEDED', output: { Error: 'Expected', Cause: 'why' } });
    });

    test('tries again as Retry says, with a new token and the next attempt', async () => {
      const { runId } = await start('contract-retry');
      const first = await taken();
      await at.hostTasks.acknowledge(first);
      await at.hostTasks.fail(first.body.token, { error: 'Again', cause: '' });
      await at.pass(1);
      const second = await taken();
      expect(second.body).toMatchObject({ attempt: 1, state: 'Ask' });
      expect(second.body.token).not.toBe(first.body.token);
      await at.hostTasks.fail(second.body.token, { error: 'Again', cause: 'for good' });
      expect(await ended(runId)).toMatchObject({ status: 'FAILED', error: 'Again', cause: 'for good' });
    });

    test('gives up on a task that does not beat', async () => {
      const { runId } = await start('contract-host');
      const { body } = await taken();
      await at.pass(20);
      expect(await ended(runId)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
      await expect(at.hostTasks.beat(body.token)).rejects.toMatchObject({ code: 'TaskGone' });
    });

    test('waits for a task no longer than asked', async () => {
      const stop = new AbortController();
      const waiting = at.hostTasks.take(at.host, { waitSeconds: 600, signal: stop.signal });
      stop.abort();
      expect(await waiting).toBeNull();
    });
  });
};
