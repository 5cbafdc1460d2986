/** The SQS stand-in through the official client, on a clock that the test moves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { serves, startSqs, type SqsStandIn } from '../../sandbox/aws/sqs.ts';
import { testClock } from '../clock.ts';

const clock = testClock();
let directory: string;
let standIn: SqsStandIn;
let client: sdk.SQSClient;
let QueueUrl: string;
let count = 0;

const clientWith = (secretAccessKey: string) =>
  new sdk.SQSClient({
    endpoint: standIn.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { ...SANDBOX_CREDENTIALS, secretAccessKey },
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-sandbox-sqs-'));
  standIn = await startSqs({ directory, clock });
  client = clientWith(SANDBOX_CREDENTIALS.secretAccessKey);
});
afterAll(async () => {
  await standIn.close();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  QueueUrl = await create();
});

const create = async (Attributes: Record<string, string> = {}) => {
  count += 1;
  const made = await client.send(new sdk.CreateQueueCommand({ QueueName: `queue-${count}`, Attributes }));
  return made.QueueUrl!;
};
const send = (MessageBody: string, more: Partial<sdk.SendMessageCommandInput> = {}) =>
  client.send(new sdk.SendMessageCommand({ QueueUrl, MessageBody, ...more }));
const receive = async (more: Partial<sdk.ReceiveMessageCommandInput> = {}) =>
  (await client.send(new sdk.ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
const bodies = async (more: Partial<sdk.ReceiveMessageCommandInput> = {}) =>
  (await receive(more)).map(({ Body }) => Body);
const failure = async (call: Promise<unknown>): Promise<string | null> =>
  call.then(() => null).catch((error: unknown) => (error as Error).name);

describe('messages', () => {
  test('are hidden from others once received, seen again later, and gone once deleted', async () => {
    await send('x');
    const [{ ReceiptHandle } = {}] = await receive({ VisibilityTimeout: 60 });
    expect(await bodies()).toEqual([]);
    await clock.advance(60_000);
    const [again] = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(again?.Attributes).toEqual({ ApproximateReceiveCount: '2' });
    await client.send(new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    expect(standIn.bodies(`queue-${count}`)).toEqual(['x']);
    await client.send(new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }));
    expect(standIn.bodies(`queue-${count}`)).toEqual([]);
  });

  test('can be hidden for longer, twelve hours in all', async () => {
    await send('x');
    const [{ ReceiptHandle } = {}] = await receive();
    const change = (VisibilityTimeout: number) =>
      client.send(new sdk.ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
    await change(600);
    await clock.advance(599_000);
    expect(await bodies()).toEqual([]);
    expect(await failure(change(43_200))).toBe('InvalidParameterValue');
    await change(0);
    expect(await bodies()).toEqual(['x']);
    expect(await failure(change(10))).toBe('MessageNotInflight');
  });

  test('wait as long as they are to be delayed', async () => {
    QueueUrl = await create({ DelaySeconds: '5' });
    await send('later');
    await send('now', { DelaySeconds: 0 });
    expect(await bodies()).toEqual(['now']);
    await clock.advance(5_000);
    expect(await bodies()).toEqual(['later']);
  });

  test('come to whoever polls for long, as soon as they are sent', async () => {
    const waiting = bodies({ WaitTimeSeconds: 20 });
    await expect.poll(() => clock.sleeping()).toBeGreaterThan(0);
    await send('x');
    expect(await waiting).toEqual(['x']);
    const empty = bodies({ WaitTimeSeconds: 20 });
    await expect.poll(() => clock.sleeping()).toBeGreaterThan(0);
    await clock.advance(20_000);
    expect(await empty).toEqual([]);
  });

  test('are left to the next when a poller hangs up', async () => {
    const hangUp = new AbortController();
    const polling = new sdk.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 });
    const gone = failure(client.send(polling, { abortSignal: hangUp.signal }));
    await expect.poll(() => clock.sleeping()).toBeGreaterThan(0);
    hangUp.abort();
    expect(await gone).toBe('AbortError');
    await expect.poll(() => clock.sleeping()).toBe(0);
    await send('x');
    expect(await bodies()).toEqual(['x']);
  });

  test('that are received too often become dead letters', async () => {
    const dead = await create();
    const deadLetterTargetArn = `arn:aws:sqs:us-east-1:000000000000:queue-${count}`;
    QueueUrl = await create({
      VisibilityTimeout: '0',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 2 }),
    });
    await send('poison');
    for (const expected of [['poison'], ['poison'], []]) expect(await bodies()).toEqual(expected);
    expect(await bodies({ QueueUrl: dead })).toEqual(['poison']);
  });

  test('come twice when that is switched on', async () => {
    await send('x');
    standIn.setFaults({ comeTwice: 1 });
    expect([await bodies(), await bodies(), await bodies()]).toEqual([['x'], ['x'], []]);
    standIn.setFaults({});
  });
});

describe('limits', () => {
  test('of names, bodies and numbers are the original’s', async () => {
    const create = (QueueName: string) => failure(client.send(new sdk.CreateQueueCommand({ QueueName })));
    expect(await create('has.dot')).toBe('InvalidParameterValue');
    expect(await create('x'.repeat(81))).toBe('InvalidParameterValue');
    expect(await failure(send('x'.repeat(262_145)))).toBe('InvalidParameterValue');
    expect(await failure(send('\u0001'))).toBe('InvalidMessageContents');
    expect(await failure(send('x', { DelaySeconds: 901 }))).toBe('InvalidParameterValue');
    expect(await failure(receive({ WaitTimeSeconds: 21 }))).toBe('InvalidParameterValue');
    expect(await failure(receive({ MaxNumberOfMessages: 11 }))).toBe('InvalidParameterValue');
    expect(await failure(send('x'.repeat(262_144)))).toBeNull();
  });

  test('of queues: one name, one set of attributes; what is not there is said so', async () => {
    const QueueName = `queue-${count}`;
    const again = (Attributes: Record<string, string>) =>
      failure(client.send(new sdk.CreateQueueCommand({ QueueName, Attributes })));
    expect(await again({})).toBeNull();
    expect(await again({ DelaySeconds: '1' })).toBe('QueueNameExists');
    expect(await again({ Colour: 'red' })).toBe('InvalidAttributeName');
    expect(await again({ DelaySeconds: '901' })).toBe('InvalidAttributeValue');
    expect(await failure(receive({ QueueUrl: `${QueueUrl}x` }))).toBe('QueueDoesNotExist');
    const bad = new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'guess' });
    expect(await failure(client.send(bad))).toBe('ReceiptHandleIsInvalid');
  });

  test('another secret is refused', async () => {
    expect(await failure(clientWith('wrong').send(new sdk.ListQueuesCommand()))).toBe('InvalidSignatureException');
  });

  test('throttling passes with the SDK’s own retries', async () => {
    standIn.setFaults({ throttled: 2 });
    const patient = new sdk.SQSClient({ endpoint: standIn.url, region: 'us-east-1', credentials: SANDBOX_CREDENTIALS });
    await patient.send(new sdk.SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    expect(await bodies()).toEqual(['x']);
  });
});

describe('the table of operations', () => {
  const ReceiptHandle = 'x';
  const Entries: [] = [];
  const commands: Record<string, () => Promise<unknown>> = {
    CreateQueue: () => client.send(new sdk.CreateQueueCommand({ QueueName: 'table' })),
    GetQueueUrl: () => client.send(new sdk.GetQueueUrlCommand({ QueueName: 'table' })),
    ListQueues: () => client.send(new sdk.ListQueuesCommand()),
    GetQueueAttributes: () => client.send(new sdk.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })),
    SendMessage: () => send('x'),
    ReceiveMessage: () => receive(),
    DeleteMessage: () => client.send(new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle })),
    ChangeMessageVisibility: () =>
      client.send(new sdk.ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 1 })),
    SendMessageBatch: () => client.send(new sdk.SendMessageBatchCommand({ QueueUrl, Entries })),
    DeleteMessageBatch: () => client.send(new sdk.DeleteMessageBatchCommand({ QueueUrl, Entries })),
    ChangeMessageVisibilityBatch: () => client.send(new sdk.ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })),
    SetQueueAttributes: () => client.send(new sdk.SetQueueAttributesCommand({ QueueUrl, Attributes: {} })),
    PurgeQueue: () => client.send(new sdk.PurgeQueueCommand({ QueueUrl })),
    DeleteQueue: () => client.send(new sdk.DeleteQueueCommand({ QueueUrl })),
    StartMessageMoveTask: () => client.send(new sdk.StartMessageMoveTaskCommand({ SourceArn: 'x' })),
  };

  test('names what a client can send', () => {
    expect(serves.map(({ operation }) => operation).sort()).toEqual(Object.keys(commands).sort());
  });

  test.each(serves)('$operation is served: $extent', async ({ operation, extent }) => {
    const error = await failure(commands[operation]!());
    const allowed = [null, 'QueueDoesNotExist', 'ReceiptHandleIsInvalid'];
    expect(extent === 'none' ? ['UnknownOperationException'] : allowed).toContain(error);
  });
});
