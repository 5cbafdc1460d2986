/** Step Functions and SQS on bad days: what is lost on the way, refused, slow, or not ours. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sqsHostTasks } from '../../lib/adapters/host-tasks.sqs.ts';
import { stepFunctionsRuntime } from '../../lib/adapters/workflow-runtime.step-functions.ts';
import type { HostTasks, TakenTask, WorkflowRuntime } from '../../lib/ports/workflow-runtime.ts';
import { contractDefinitions, echo } from '../contracts/workflow-runtime.ts';
import { region, startAws, stateMachines, type AwsStandIns } from './aws-place.ts';

let aws: AwsStandIns;
let workflows: WorkflowRuntime;
let hostTasks: HostTasks;
let host: string;
let count = 0;

const HOSTS = Array.from({ length: 12 }, (_, at) => `host-${at}`);

beforeAll(async () => {
  aws = await startAws({ definitions: contractDefinitions, functions: { Echo: echo }, hosts: HOSTS });
  workflows = stepFunctionsRuntime({ region, stateMachines, workflows: Object.keys(contractDefinitions) });
  hostTasks = sqsHostTasks({ region, queueUrl: aws.queueUrl });
});
afterAll(() => aws.close());
beforeEach(() => {
  aws.sqs.setFaults({});
  aws.stepFunctions.setFaults({});
  host = HOSTS[count]!;
  count += 1;
});

const start = () => {
  const runId = `run_BADDAY${count}`;
  return workflows
    .start({ workflow: 'contract-host', runId, input: { queueUrl: aws.queueUrl(host), n: count } })
    .then(() => runId);
};
/** A client that was refused waits for seconds before it asks again. */
const PATIENCE = { timeout: 20_000 };

const taken = async (): Promise<TakenTask> => {
  let task: TakenTask | null = null;
  await expect.poll(async () => (task = await hostTasks.take(host, { waitSeconds: 0 })), PATIENCE).not.toBeNull();
  return task!;
};

describe('a start', () => {
  test('whose answer is lost is the same run', async () => {
    aws.stepFunctions.setFaults({ loseAnswers: 1 });
    const runId = await start();
    expect(await workflows.describe(runId)).toMatchObject({ status: 'RUNNING', workflow: 'contract-host' });
  });

  test('of a workflow that is not deployed says so', async () => {
    const refused = { code: 'WorkflowUnknown' };
    await expect(workflows.start({ workflow: 'none', runId: 'run_X', input: {} })).rejects.toMatchObject(refused);
  });

  test('that may not be made says so, and one that comes too fast is made in the end', async () => {
    aws.stepFunctions.setFaults({ denied: true });
    await expect(start()).rejects.toMatchObject({ code: 'AwsDenied', facts: { name: 'AccessDeniedException' } });
    aws.stepFunctions.setFaults({ throttled: 2, unavailable: 1 });
    await start();
  });
});

describe('tasks', () => {
  test('that nobody acknowledges come again, and then no more', async () => {
    await start();
    await taken();
    expect(await hostTasks.take(host, { waitSeconds: 0 })).toBeNull();
    await aws.clock.advance(15_000);
    expect(await hostTasks.take(host, { waitSeconds: 0 })).toBeNull();
    await aws.clock.advance(105_000);
    const again = await hostTasks.take(host, { waitSeconds: 0 });
    await hostTasks.acknowledge(again!);
    await aws.clock.advance(120_000);
    expect(await hostTasks.take(host, { waitSeconds: 0 })).toBeNull();
    // By now its workflow has given it up.
    await expect(hostTasks.beat(again!.body.token)).rejects.toMatchObject({ code: 'TaskGone' });
  });

  test('are waited for longer than one poll lasts', async () => {
    const waiting = hostTasks.take(host, { waitSeconds: 45 });
    for (let polls = 0; polls < 2; polls += 1) {
      await expect.poll(() => aws.clock.sleeping()).toBeGreaterThan(0);
      await aws.clock.advance(20_000);
    }
    await start();
    expect(await waiting).toMatchObject({ body: { state: 'Ask' } });
  });

  test('come through a queue that stumbles', async () => {
    await start();
    aws.sqs.setFaults({ throttled: 2, unavailable: 1 });
    expect(await taken()).toMatchObject({ body: { state: 'Ask' } });
  });

  test('that are not ours are named, and left to the dead letters', async () => {
    const QueueUrl = aws.queueUrl(host);
    const { MessageId } = await aws.queues.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"token":1}' }));
    await expect(hostTasks.take(host, { waitSeconds: 0 })).rejects.toMatchObject({
      code: 'TaskUnreadable',
      facts: { messageId: MessageId },
    });
    expect(await hostTasks.take(host, { waitSeconds: 0 })).toBeNull();
  });

  test('of a host without a queue are missed by name', async () => {
    await expect(hostTasks.take('elsewhere', { waitSeconds: 0 })).rejects.toMatchObject({ code: 'HostQueueMissing' });
  });

  test('whose workflow cannot be reached may be answered later', async () => {
    const runId = await start();
    const { body } = await taken();
    aws.stepFunctions.setFaults({ unavailable: 100 });
    await expect(hostTasks.succeed(body.token, 1)).rejects.toMatchObject({ code: 'AwsUnavailable' });
    aws.stepFunctions.setFaults({});
    await hostTasks.succeed(body.token, 1);
    await expect.poll(() => workflows.describe(runId)).toMatchObject({ status: 'SUCCEEDED', output: 1 });
  });

  test('are answered with as much as Step Functions takes', async () => {
    const runId = await start();
    const { body } = await taken();
    await hostTasks.fail(body.token, { error: 'E'.repeat(300), cause: 'c'.repeat(40_000) });
    await expect.poll(() => workflows.describe(runId)).toMatchObject({ error: 'E'.repeat(256) });
  });
});
