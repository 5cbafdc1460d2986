/**
 * The contracts on real services: `npm run live`, against AWS itself or whatever AWS_ENDPOINT_URL names. What the endpoint lacks is
 * found out first, skipped, and listed at the end. Credentials and region come from the environment.
 *
 * A bucket, queues and state machines are made for the occasion and removed; secrets stay under `octo-live/`, since nothing here
 * deletes secrets. OCTO_LIVE_ROLE is the role of the state machines; with OCTO_LIVE_ECHO, a function that answers its payload,
 * whole executions are tried as well.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateStateMachineCommand, DeleteStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CreateQueueCommand, DeleteQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { sqsHostTasks } from '../../lib/adapters/host-tasks.sqs.ts';
import { s3ObjectStore } from '../../lib/adapters/object-store.s3.ts';
import { secretsManagerSecretStore } from '../../lib/adapters/secret-store.secrets-manager.ts';
import { stepFunctionsRuntime } from '../../lib/adapters/workflow-runtime.step-functions.ts';
import { definitions } from '../../lib/workflows/index.ts';
import { objectStoreContract } from '../contracts/object-store.ts';
import { secretStoreContract } from '../contracts/secret-store.ts';
import { contractDefinitions, workflowRuntimeContract } from '../contracts/workflow-runtime.ts';

const { OCTO_LIVE, OCTO_LIVE_ROLE, OCTO_LIVE_ECHO, AWS_ENDPOINT_URL: endpoint } = process.env;
const isLive = OCTO_LIVE === '1';
const region = process.env['AWS_REGION'] ?? 'us-east-1';
const name = `octo-live-${randomUUID().slice(0, 8)}`;
const role = OCTO_LIVE_ROLE ?? 'arn:aws:iam::000000000000:role/octo-live';
const place = { region, ...(endpoint !== undefined && { endpoint }) };

const skipped: string[] = [];

/** Does the endpoint do this? If not, what it said is listed. */
const has = async (what: string, probe: () => Promise<unknown>): Promise<boolean> => {
  if (!isLive) return false;
  try {
    await probe();
    return true;
  } catch (error) {
    skipped.push(`${what}: ${error instanceof Error ? `${error.name}, ${error.message}` : String(error)}`);
    return false;
  }
};

const s3 = new S3Client({ ...place, forcePathStyle: endpoint !== undefined });
const sfn = new SFNClient(place);
const sqs = new SQSClient(place);

const location = region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } };
const hasS3 = await has('S3', () => s3.send(new CreateBucketCommand({ Bucket: name, ...location })));
const hasSecrets = await has('Secrets Manager', () =>
  secretsManagerSecretStore({ ...place, prefix: `octo-live/${name}/` }).list(''),
);
const queueUrls: string[] = [];
const hasQueues = await has('SQS', async () => {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: `${name}-host` }));
  queueUrls.push(QueueUrl);
});

const substituted = (definition: unknown): string =>
  JSON.stringify(definition).replaceAll(
    /\$\{\w+\}/g,
    OCTO_LIVE_ECHO ?? 'arn:aws:lambda:us-east-1:000000000000:function:echo',
  );
const machines: string[] = [];
const deploy = async (workflow: string, definition: unknown): Promise<void> => {
  const machine = { name: `${name}-${workflow}`, definition: substituted(definition), roleArn: role };
  const { stateMachineArn = '' } = await sfn.send(new CreateStateMachineCommand(machine));
  machines.push(stateMachineArn);
};
const echoes = {
  StartAt: 'Say',
  QueryLanguage: 'JSONata',
  States: { Say: { Type: 'Pass', Output: '{% 40 + 2 %}', End: true } },
};
const hasMachines = await has('Step Functions', () => deploy('say', echoes));
const runtime = () => stepFunctionsRuntime({ region, stateMachines: prefixOf(machines[0]!), workflows: ['say'] });
const prefixOf = (arn: string): string => arn.slice(0, arn.lastIndexOf('-') + 1);
const runsThem =
  hasMachines &&
  (await has('Step Functions, executions', async () => {
    await runtime().start({ workflow: 'say', runId: 'probe', input: {} });
    for (let tries = 0; tries < 50; tries++) {
      const found = await runtime().describe('probe');
      if (found?.output === 42) return;
      if (found !== null && found.status !== 'RUNNING')
        throw new Error(`ended ${found.status} with ${JSON.stringify(found.output)}`);
      await pause(200);
    }
    throw new Error('accepted, and never run');
  }));
const hasEcho = await has('whole executions', async () => {
  if (OCTO_LIVE_ECHO === undefined) throw new Error('OCTO_LIVE_ECHO names no function');
});

afterAll(async () => {
  if (!isLive) return;
  for (const stateMachineArn of machines) await sfn.send(new DeleteStateMachineCommand({ stateMachineArn }));
  for (const QueueUrl of queueUrls) await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  if (hasS3) await has(`removal of the bucket ${name}, which is left`, emptied);
  const lines = skipped.length === 0 ? ['Nothing was skipped.'] : ['Skipped, because it is not there:', ...skipped];
  process.stdout.write(`\n${lines.join('\n  ')}\n`);
});

const emptied = async (): Promise<void> => {
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: name })) {
    const Objects = Contents.map(({ Key = '' }) => ({ Key }));
    if (Objects.length > 0) await s3.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects } }));
  }
  await s3.send(new DeleteBucketCommand({ Bucket: name }));
};

describe.runIf(hasS3)('live', () => {
  objectStoreContract('s3', async () => s3ObjectStore({ ...place, bucket: name, prefix: `${randomUUID()}/` }));
});

describe.runIf(hasSecrets)('live', () => {
  secretStoreContract('secrets-manager', async () =>
    secretsManagerSecretStore({ ...place, prefix: `octo-live/${randomUUID()}/` }),
  );
});

describe.runIf(hasQueues)('live: a queue of a host', () => {
  const tasks = () => sqsHostTasks({ region, queueUrl: () => queueUrls[0]! });

  it('gives a task once it is there, and not again once it is acknowledged', async () => {
    const body = { token: 'token', runId: 'run_00000000', step: 'resume', state: 'Resume', attempt: 0 };
    const notAfter = new Date(Date.now() + 60_000).toISOString();
    const MessageBody = JSON.stringify({ ...body, notAfter, input: {} });
    expect(await tasks().take('host', { waitSeconds: 0 })).toBeNull();
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrls[0], MessageBody }));
    const task = await tasks().take('host', { waitSeconds: 20 });
    expect(task?.body).toMatchObject(body);
    await tasks().acknowledge(task!);
    expect(await tasks().take('host', { waitSeconds: 1 })).toBeNull();
  });
});

describe.runIf(hasMachines)('live: state machines', () => {
  test.each(Object.entries(definitions))('%s can be deployed', async (workflow, definition) => {
    await deploy(workflow, definition);
    expect(machines.at(-1)).toContain(`${name}-${workflow}`);
  });

  it('tells a token that nobody waits for', async () => {
    const beating = sqsHostTasks({ region, queueUrl: () => '' }).beat('a token of nobody');
    await expect(beating).rejects.toMatchObject({ code: 'TaskGone' });
  });
});

describe.runIf(runsThem && hasEcho)('live', () => {
  beforeAll(async () => {
    for (const [workflow, definition] of Object.entries(contractDefinitions)) await deploy(workflow, definition);
  });
  workflowRuntimeContract('step functions and sqs', async () => ({
    workflows: stepFunctionsRuntime({
      region,
      stateMachines: prefixOf(machines[0]!),
      workflows: Object.keys(contractDefinitions),
    }),
    hostTasks: sqsHostTasks({ region, queueUrl: () => queueUrls[0]! }),
    host: 'host',
    queueUrl: queueUrls[0]!,
    pass: (seconds) => pause(seconds * 1000),
    close: () => Promise.resolve(),
  }));
});
