/** The Lambda stand-in through the official client, and the API Gateway stand-in in front of functions. */
import * as sdk from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lambdaHandOver } from '../../lib/adapters/aws/hand-over.lambda.ts';
import { startApiGateway } from '../../sandbox/aws/api-gateway.ts';
import { serves, startLambda, type LambdaContext, type LambdaStandIn } from '../../sandbox/aws/lambda.ts';
import type { Running } from '../../sandbox/aws/listen.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { testClock } from '../clock.ts';

const clock = testClock();
let standIn: LambdaStandIn;
let client: sdk.LambdaClient;
let calls: { event: unknown; context: LambdaContext }[];
let failures: number;
let dropped: string[];

const clientWith = (secretAccessKey: string) =>
  new sdk.LambdaClient({
    endpoint: standIn.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { ...SANDBOX_CREDENTIALS, secretAccessKey },
  });

beforeAll(async () => {
  standIn = await startLambda({
    clock,
    onDropped: (name) => dropped.push(name),
    functions: {
      echo: async (event, context) => {
        calls.push({ event, context });
        failures -= 1;
        if (failures >= 0) throw Object.assign(new Error('as asked'), { name: 'Asked' });
        return { said: event };
      },
    },
  });
  client = clientWith(SANDBOX_CREDENTIALS.secretAccessKey);
});
afterAll(() => standIn.close());
beforeEach(() => {
  [calls, dropped, failures] = [[], [], 0];
  standIn.setFaults({});
});

const invoke = (more: Partial<sdk.InvokeCommandInput> = {}) =>
  client.send(new sdk.InvokeCommand({ FunctionName: 'echo', Payload: '{"n":1}', ...more }));
const failure = async (call: Promise<unknown>): Promise<string | null> =>
  call.then(() => null).catch((error: unknown) => (error as Error).name);
const text = (payload: Uint8Array | undefined) => JSON.parse(Buffer.from(payload ?? []).toString()) as unknown;

describe('a call that waits', () => {
  test('gives the answer, by name and by ARN', async () => {
    for (const FunctionName of ['echo', 'arn:aws:lambda:us-east-1:000000000000:function:echo'])
      expect(text((await invoke({ FunctionName })).Payload)).toEqual({ said: { n: 1 } });
  });

  test('gives the error of a function that failed', async () => {
    failures = 1;
    const { FunctionError, Payload } = await invoke();
    expect(FunctionError).toBe('Unhandled');
    expect(text(Payload)).toMatchObject({ errorType: 'Asked', errorMessage: 'as asked' });
  });

  test('is refused when it is unknown, unsigned, too many or no JSON', async () => {
    expect(await failure(invoke({ FunctionName: 'none' }))).toBe('ResourceNotFoundException');
    expect(await failure(clientWith('wrong').send(new sdk.InvokeCommand({ FunctionName: 'echo' })))).toBe(
      'SignatureDoesNotMatch',
    );
    expect(await failure(invoke({ Payload: '{' }))).toBe('InvalidRequestContentException');
    standIn.setFaults({ throttled: 1 });
    expect(await failure(invoke())).toBe('TooManyRequestsException');
    expect(calls).toEqual([]);
  });
});

describe('an event', () => {
  const event = { InvocationType: 'Event' as const };

  test('is tried three times under one id, a minute and two minutes apart, and then dropped', async () => {
    failures = 3;
    expect((await invoke(event)).StatusCode).toBe(202);
    for (const [ms, count] of [
      [0, 1],
      [60_000, 2],
      [120_000, 3],
    ] as const) {
      await clock.advance(ms);
      await expect.poll(() => calls.length).toBe(count);
    }
    await standIn.idle();
    expect(new Set(calls.map(({ context }) => context.awsRequestId)).size).toBe(1);
    expect(dropped).toEqual(['echo']);
  });

  test('comes twice under one id when that is switched on', async () => {
    standIn.setFaults({ deliverTwice: 1 });
    await invoke(event);
    await standIn.idle();
    expect(calls).toHaveLength(2);
    expect(calls[0]?.context.awsRequestId).toBe(calls[1]?.context.awsRequestId);
  });

  test('of more than a megabyte is refused', async () => {
    const Payload = JSON.stringify('x'.repeat(1_048_577));
    expect(await failure(invoke({ ...event, Payload }))).toBe('RequestTooLargeException');
  });
});

describe('our own hand-over, signed without the SDK', () => {
  const environment = () => ({
    AWS_ACCESS_KEY_ID: SANDBOX_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SANDBOX_CREDENTIALS.secretAccessKey,
    AWS_SESSION_TOKEN: 'a session',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_LAMBDA: standIn.url,
  });

  test('is taken, with and without an ARN', async () => {
    await lambdaHandOver('echo', environment())({ word: 'für' });
    await lambdaHandOver('arn:aws:lambda:us-east-1:000000000000:function:echo', environment())({ word: 'dich' });
    await standIn.idle();
    expect(calls.map(({ event }) => event)).toEqual([{ word: 'für' }, { word: 'dich' }]);
  });

  test('tries once more, and then says that nobody took it', async () => {
    standIn.setFaults({ throttled: 1 });
    await lambdaHandOver('echo', environment())(1);
    standIn.setFaults({ throttled: 2 });
    const refused = { code: 'HandOverFailed', facts: { status: 429 } };
    await expect(lambdaHandOver('echo', environment())(2)).rejects.toMatchObject(refused);
    const wrong = { ...environment(), AWS_SECRET_ACCESS_KEY: 'wrong' };
    await expect(lambdaHandOver('echo', wrong)(3)).rejects.toMatchObject({ facts: { status: 403 } });
    const nowhere = { ...environment(), AWS_ENDPOINT_URL_LAMBDA: 'http://127.0.0.1:9' };
    await expect(lambdaHandOver('echo', nowhere)(4)).rejects.toMatchObject({ code: 'HandOverFailed' });
    await standIn.idle();
    expect(calls.map(({ event }) => event)).toEqual([1]);
  });
});

describe('the table of operations', () => {
  const commands: Record<string, () => Promise<unknown>> = {
    Invoke: () => invoke(),
    GetFunction: () => client.send(new sdk.GetFunctionCommand({ FunctionName: 'echo' })),
    CreateFunction: () =>
      client.send(new sdk.CreateFunctionCommand({ FunctionName: 'new', Role: 'r', Code: { S3Bucket: 'b' } })),
  };

  test.each(serves)('$operation is served: $extent', async ({ operation, extent }) => {
    const error = await failure(commands[operation]!());
    expect(error).toBe(extent === 'none' ? 'UnknownOperationException' : null);
  });
});

describe('API Gateway', () => {
  let gateway: Running;
  let events: Record<string, unknown>[];

  beforeAll(async () => {
    gateway = await startApiGateway({
      routes: {
        'POST /in': async (event) => {
          events.push(event as Record<string, unknown>);
          return { statusCode: 201, headers: { 'x-said': 'yes' }, body: 'done' };
        },
        'POST /bad': () => Promise.reject(new Error('inside')),
      },
    });
  });
  afterAll(() => gateway.close());
  const post = (path: string, type: string, body: string) =>
    fetch(gateway.url + path, { method: 'POST', headers: { 'content-type': type }, body });

  test('makes an event of a request and a response of the answer', async () => {
    events = [];
    const response = await post('/in?a=b', 'application/json', '{"n":"ü"}');
    expect([response.status, response.headers.get('x-said'), await response.text()]).toEqual([201, 'yes', 'done']);
    await post('/in', 'application/x-www-form-urlencoded', 'a=b');
    expect(events).toMatchObject([
      { version: '2.0', routeKey: 'POST /in', rawQueryString: 'a=b', body: '{"n":"ü"}', isBase64Encoded: false },
      { rawPath: '/in', body: Buffer.from('a=b').toString('base64'), isBase64Encoded: true },
    ]);
  });

  test('hides what goes wrong behind it', async () => {
    const failed = await post('/bad', 'text/plain', 'x');
    expect([failed.status, await failed.json()]).toEqual([500, { message: 'Internal Server Error' }]);
    expect((await post('/none', 'text/plain', 'x')).status).toBe(404);
  });
});
