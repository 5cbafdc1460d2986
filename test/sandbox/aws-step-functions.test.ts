/** The Step Functions stand-in through the official client: what it refuses, what it says, and that it survives a restart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stateFailure } from '../../lib/engine/failure.ts';
import { definitions } from '../../lib/workflows/index.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { serves, startStepFunctions, type StepFunctionsStandIn } from '../../sandbox/aws/step-functions.ts';

const SCOPE = 'arn:aws:states:us-east-1:000000000000';
const ROLE = 'arn:aws:iam::000000000000:role/test';
const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:echo';

let directory: string;
let standIn: StepFunctionsStandIn;
let client: sdk.SFNClient;
let sent: { queueUrl: string; body: { token: string } }[];
let changes: unknown[];

const start = () =>
  startStepFunctions({
    directory,
    integrations: {
      invoke: async (arn, payload) => {
        if (arn === FUNCTION) return payload;
        throw stateFailure('Lambda.ResourceNotFoundException', 'Function not found');
      },
      sendMessage: async (queueUrl, body) => {
        if (queueUrl === 'gone') throw stateFailure('SQS.QueueDoesNotExistException', 'no such queue');
        sent.push({ queueUrl, body: body as { token: string } });
      },
    },
    onStatusChange: ({ name, status }) => changes.push([name, status]),
  });

const clientOf = (url: string, secretAccessKey = SANDBOX_CREDENTIALS.secretAccessKey) =>
  new sdk.SFNClient({
    endpoint: url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { ...SANDBOX_CREDENTIALS, secretAccessKey },
  });

const asking = {
  Type: 'Task',
  Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
  Arguments: {
    QueueUrl: '{% $states.input.queue %}',
    MessageBody: { token: '{% $states.context.Task.Token %}' },
  },
  HeartbeatSeconds: 3600,
  End: true,
};
const calling = (FunctionName: string) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName, Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  End: true,
});
const machine = (state: object) =>
  JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'Only', States: { Only: state } });
const create = (name: string, definition: string, roleArn = ROLE) =>
  client.send(new sdk.CreateStateMachineCommand({ name, definition, roleArn }));
const begin = (machineName: string, name: string, input = '{"queue":"there"}') =>
  client.send(new sdk.StartExecutionCommand({ stateMachineArn: `${SCOPE}:stateMachine:${machineName}`, name, input }));
const describeIt = (machineName: string, name: string) =>
  client.send(new sdk.DescribeExecutionCommand({ executionArn: `${SCOPE}:execution:${machineName}:${name}` }));
const failure = async (call: Promise<unknown>): Promise<string | null> =>
  call.then(() => null).catch((error: unknown) => (error as Error).name);
const tokenOf = async (): Promise<string> => {
  await expect.poll(() => sent.length).toBeGreaterThan(0);
  return sent.shift()!.body.token;
};

beforeAll(async () => {
  [sent, changes] = [[], []];
  directory = await mkdtemp(join(tmpdir(), 'octo-sandbox-states-'));
  standIn = await start();
  client = clientOf(standIn.url);
  await create('ask', machine(asking));
  await create('echo', machine(calling(FUNCTION)));
  await create('lost', machine(calling(`${FUNCTION}-none`)));
});
afterAll(async () => {
  await standIn.close();
  await rm(directory, { recursive: true });
});

describe('state machines', () => {
  test('are created once; another definition under the name is refused', async () => {
    expect(await failure(create('echo', machine(calling(FUNCTION))))).toBeNull();
    expect(await failure(create('echo', machine(asking)))).toBe('StateMachineAlreadyExists');
  });

  test('with a wrong name, role or definition are refused', async () => {
    expect(await failure(create('has space', machine(asking)))).toBe('InvalidName');
    expect(await failure(create('x'.repeat(81), machine(asking)))).toBe('InvalidName');
    expect(await failure(create('role', machine(asking), 'nobody'))).toBe('InvalidArn');
    expect(await failure(create('next', machine({ ...asking, End: false, Next: 'Nowhere' })))).toBe(
      'InvalidDefinition',
    );
    expect(await failure(create('json', '{'))).toBe('InvalidDefinition');
  });

  test('of ours are all taken, with functions in place of their placeholders', async () => {
    for (const definition of Object.values(definitions)) {
      const text = JSON.stringify(definition).replaceAll(/\$\{\w+\}/g, FUNCTION);
      const { result, diagnostics } = await client.send(
        new sdk.ValidateStateMachineDefinitionCommand({ definition: text }),
      );
      expect({ result, diagnostics }).toEqual({ result: 'OK', diagnostics: [] });
    }
  });
});

describe('executions', () => {
  test('of one name and input are one, while they run; later the name is taken', async () => {
    const first = await begin('ask', 'once');
    expect((await begin('ask', 'once')).executionArn).toBe(first.executionArn);
    expect(await failure(begin('ask', 'once', '{"queue":"other"}'))).toBe('ExecutionAlreadyExists');
    await client.send(new sdk.SendTaskSuccessCommand({ taskToken: await tokenOf(), output: '1' }));
    await expect.poll(async () => (await describeIt('ask', 'once')).status).toBe('SUCCEEDED');
    expect(await failure(begin('ask', 'once'))).toBe('ExecutionAlreadyExists');
  });

  test('have names and inputs within limits', async () => {
    expect(await failure(begin('ask', 'a/b'))).toBe('InvalidName');
    expect(await failure(begin('ask', 'json', '{'))).toBe('InvalidExecutionInput');
    expect(await failure(begin('ask', 'big', JSON.stringify('x'.repeat(262_144))))).toBe('ValidationException');
    expect(await failure(begin('none', 'x'))).toBe('StateMachineDoesNotExist');
    expect(await failure(describeIt('ask', 'never'))).toBe('ExecutionDoesNotExist');
  });

  test('are told of when they start and end, and show what they called', async () => {
    await begin('echo', 'told', '{"word":"hello"}');
    await expect.poll(() => changes).toContainEqual(['told', 'SUCCEEDED']);
    expect(await describeIt('echo', 'told')).toMatchObject({ output: '{"word":"hello"}', input: '{"word":"hello"}' });
    const executionArn = `${SCOPE}:execution:echo:told`;
    const events: sdk.HistoryEvent[] = [];
    for await (const page of sdk.paginateGetExecutionHistory({ client, pageSize: 2 }, { executionArn }))
      events.push(...(page.events ?? []));
    expect(events.map(({ id }) => id)).toEqual(events.map((_event, at) => at + 1));
    const scheduled = events.find(({ type }) => type === 'TaskScheduled')?.taskScheduledEventDetails;
    expect(JSON.parse(scheduled?.parameters ?? '')).toMatchObject({ FunctionName: FUNCTION });
  });

  test('fail as AWS fails them when what they call is not there', async () => {
    await begin('lost', 'function', '{}');
    await expect
      .poll(async () => (await describeIt('lost', 'function')).error)
      .toBe('Lambda.ResourceNotFoundException');
    await begin('ask', 'queue', '{"queue":"gone"}');
    await expect.poll(async () => (await describeIt('ask', 'queue')).error).toBe('SQS.QueueDoesNotExistException');
  });
});

describe('task tokens', () => {
  test('are as long as AWS’s may get, good once, and opaque', async () => {
    await begin('ask', 'token');
    const taskToken = await tokenOf();
    expect(taskToken.length).toBeGreaterThan(700);
    expect(taskToken.length).toBeLessThanOrEqual(2048);
    const beat = (token: string) => failure(client.send(new sdk.SendTaskHeartbeatCommand({ taskToken: token })));
    expect(await beat(taskToken)).toBeNull();
    const fail = new sdk.SendTaskFailureCommand({ taskToken, error: 'Told', cause: 'why' });
    await client.send(fail);
    await expect.poll(async () => (await describeIt('ask', 'token')).error).toBe('Told');
    expect(await beat(taskToken)).toBe('TaskTimedOut');
    expect(await beat('guess')).toBe('InvalidToken');
    expect(await beat(`${taskToken.slice(0, -8)}AAAAAAA=`)).toBe('InvalidToken');
  });

  test('take answers within limits only', async () => {
    await begin('ask', 'limits');
    const taskToken = await tokenOf();
    const succeed = (output: string) => failure(client.send(new sdk.SendTaskSuccessCommand({ taskToken, output })));
    const fail = (more: object) => failure(client.send(new sdk.SendTaskFailureCommand({ taskToken, ...more })));
    expect(await succeed('{')).toBe('InvalidOutput');
    expect(await succeed(JSON.stringify('x'.repeat(262_144)))).toBe('ValidationException');
    expect(await fail({ error: 'x'.repeat(257) })).toBe('ValidationException');
    expect(await fail({ cause: 'x'.repeat(32_769) })).toBe('ValidationException');
    expect(await succeed('1')).toBeNull();
  });
});

test('a restart goes on with what was under way, and offers its task again', async () => {
  await begin('ask', 'restart');
  const taskToken = await tokenOf();
  await standIn.close();
  standIn = await start();
  client = clientOf(standIn.url);
  expect(await tokenOf()).toBe(taskToken);
  await client.send(new sdk.SendTaskSuccessCommand({ taskToken, output: '"late"' }));
  await expect.poll(async () => (await describeIt('ask', 'restart')).output).toBe('"late"');
});

test('another secret is refused', async () => {
  const stranger = clientOf(standIn.url, 'wrong');
  expect(await failure(stranger.send(new sdk.ListStateMachinesCommand()))).toBe('InvalidSignatureException');
});

describe('the table of operations', () => {
  const stateMachineArn = `${SCOPE}:stateMachine:none`;
  const executionArn = `${SCOPE}:execution:none:none`;
  const taskToken = 'guess';
  const commands: Record<string, () => Promise<unknown>> = {
    CreateStateMachine: () => create('echo', machine(calling(FUNCTION))),
    ListStateMachines: () => client.send(new sdk.ListStateMachinesCommand()),
    DescribeStateMachine: () => client.send(new sdk.DescribeStateMachineCommand({ stateMachineArn })),
    ValidateStateMachineDefinition: () =>
      client.send(new sdk.ValidateStateMachineDefinitionCommand({ definition: machine(asking) })),
    StartExecution: () => client.send(new sdk.StartExecutionCommand({ stateMachineArn })),
    DescribeExecution: () => client.send(new sdk.DescribeExecutionCommand({ executionArn })),
    GetExecutionHistory: () => client.send(new sdk.GetExecutionHistoryCommand({ executionArn })),
    SendTaskSuccess: () => client.send(new sdk.SendTaskSuccessCommand({ taskToken, output: '1' })),
    SendTaskFailure: () => client.send(new sdk.SendTaskFailureCommand({ taskToken })),
    SendTaskHeartbeat: () => client.send(new sdk.SendTaskHeartbeatCommand({ taskToken })),
    StopExecution: () => client.send(new sdk.StopExecutionCommand({ executionArn })),
    UpdateStateMachine: () => client.send(new sdk.UpdateStateMachineCommand({ stateMachineArn })),
    DeleteStateMachine: () => client.send(new sdk.DeleteStateMachineCommand({ stateMachineArn })),
    ListExecutions: () => client.send(new sdk.ListExecutionsCommand({ stateMachineArn })),
    StartSyncExecution: () =>
      standIn
        .call('StartSyncExecution', { stateMachineArn })
        .catch((error: { code: string }) => Promise.reject(Object.assign(new Error(error.code), { name: error.code }))),
    GetActivityTask: () => client.send(new sdk.GetActivityTaskCommand({ activityArn: 'x' })),
    RedriveExecution: () => client.send(new sdk.RedriveExecutionCommand({ executionArn })),
  };

  test('names what a client can send', () => {
    expect(serves.map(({ operation }) => operation).sort()).toEqual(Object.keys(commands).sort());
  });

  test.each(serves)('$operation is served: $extent', async ({ operation, extent }) => {
    const error = await failure(commands[operation]!());
    const allowed = [null, 'StateMachineDoesNotExist', 'ExecutionDoesNotExist', 'InvalidToken'];
    expect(extent === 'none' ? ['UnknownOperationException'] : allowed).toContain(error);
  });
});
