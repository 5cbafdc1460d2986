/** Step Functions and SQS as stand-ins on a clock that the test moves, with one state machine per given definition and one queue per host. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { OctoError } from '../../lib/domain/errors.ts';
import { stateFailure } from '../../lib/engine/failure.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { startSqs } from '../../sandbox/aws/sqs.ts';
import { startStepFunctions } from '../../sandbox/aws/step-functions.ts';
import { testClock } from '../clock.ts';

export const region = 'us-east-1';
const ACCOUNT = '000000000000';
export const PREFIX = 'octo-test-';
export const stateMachines = `arn:aws:states:${region}:${ACCOUNT}:stateMachine:${PREFIX}`;

export type Functions = Record<string, (payload: unknown) => Promise<unknown>>;
export type AwsStandIns = Awaited<ReturnType<typeof startAws>>;

/** `definitions` by workflow, `functions` by the placeholder that CloudFormation would fill with their ARN. */
export const startAws = async ({
  definitions,
  functions,
  hosts,
}: {
  definitions: Readonly<Record<string, unknown>>;
  functions: Functions;
  hosts: readonly string[];
}) => {
  // The SDK looks for them there; files that run in this process before may have taken them away.
  process.env['AWS_ACCESS_KEY_ID'] = SANDBOX_CREDENTIALS.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = SANDBOX_CREDENTIALS.secretAccessKey;
  const directory = await mkdtemp(join(tmpdir(), 'octo-aws-'));
  const clock = testClock();
  const sqs = await startSqs({ directory: join(directory, 'sqs'), clock });
  process.env['AWS_ENDPOINT_URL_SQS'] = sqs.url;
  const queues = new SQSClient({ region });
  const arnOf = (name: string) => `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;
  const stepFunctions = await startStepFunctions({
    directory: join(directory, 'states'),
    clock,
    integrations: {
      invoke: (arn, payload) => asLambda(functions[arn.split(':').at(-1) ?? ''], payload),
      sendMessage: async (QueueUrl, body) => {
        await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));
      },
    },
  });
  process.env['AWS_ENDPOINT_URL_SFN'] = stepFunctions.url;
  const sfn = new SFNClient({ region });
  for (const [workflow, definition] of Object.entries(definitions)) {
    const substituted = JSON.stringify(definition).replaceAll(/\$\{(\w+)\}/g, (_whole, name: string) => arnOf(name));
    const roleArn = `arn:aws:iam::${ACCOUNT}:role/test`;
    await sfn.send(new CreateStateMachineCommand({ name: PREFIX + workflow, definition: substituted, roleArn }));
  }
  for (const host of hosts) await queues.send(new CreateQueueCommand({ QueueName: PREFIX + host }));
  return {
    clock,
    sqs,
    stepFunctions,
    sfn,
    queues,
    queueUrl: (host: string) => `${sqs.url}/${ACCOUNT}/${PREFIX}${host}`,
    close: async () => {
      await Promise.all([sqs.close(), stepFunctions.close()]);
      await rm(directory, { recursive: true });
    },
  };
};

/** What Step Functions sees of a function that threw: the name of the error, and Lambda's own wrapping around the rest. */
const asLambda = async (run: Functions[string] | undefined, payload: unknown): Promise<unknown> => {
  if (run === undefined) throw stateFailure('Lambda.ResourceNotFoundException', 'Function not found');
  try {
    return await run(payload);
  } catch (thrown) {
    const { code, message } = OctoError.from(thrown);
    throw stateFailure(code, JSON.stringify({ errorType: code, errorMessage: message, trace: [] }));
  }
};
