/**
 * One AWS account on this machine: S3, Secrets Manager, SQS, Step Functions, Lambda and API Gateway as stand-ins, wired to each
 * other as the deployment wires them. What the functions do is given: the built bundles, or their sources.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { stateFailure } from '../../lib/engine/failure.ts';
import { startApiGateway } from './api-gateway.ts';
import { machineClock, type Clock } from './clock.ts';
import { startLambda, type LambdaFunction, type LambdaStandIn } from './lambda.ts';
import type { Running } from './listen.ts';
import { isRefusal } from './refusal.ts';
import { startS3, type S3StandIn } from './s3.ts';
import { startSecretsManager, type SecretsManagerStandIn } from './secrets-manager.ts';
import { SANDBOX_CREDENTIALS } from './signature.ts';
import { ACCOUNT } from './sqs/sqs-rules.ts';
import { startSqs, type SqsStandIn } from './sqs.ts';
import { startStepFunctions, type StepFunctionsStandIn } from './step-functions.ts';

const REGION = 'us-east-1';
const PREFIX = 'octo-';
const ROUTE = 'POST /slack/events';
/** Changes of the run book are held back for so long, so that a burst of them is one look. */
const CHANGE_DELAY_SECONDS = 2;
const MAX_RECEIVES = 5;
/** With so many pollers Lambda begins. */
const CONCURRENT_BATCHES = 5;
export const BUCKETS = { archives: 'octo-archives', state: 'octo-state' } as const;

export type AccountOptions = {
  /** Everything lies here and survives a restart. */
  directory: string;
  functions: Readonly<Record<'slack' | 'commands' | 'step' | 'events', LambdaFunction>>;
  /** By workflow; their groups of cloud steps are the function `step`. */
  definitions: Readonly<Record<string, unknown>>;
  hosts: readonly string[];
  clock?: Clock;
  /** Told of every operation of S3. */
  onOperation?: (operation: string) => void;
};

export type Account = {
  s3: S3StandIn;
  secretsManager: SecretsManagerStandIn;
  sqs: SqsStandIn;
  stepFunctions: StepFunctionsStandIn;
  lambda: LambdaStandIn;
  /** Where Slack sends requests. */
  slackUrl: string;
  /** What a process that works in the account has in its environment. */
  environment: Record<string, string>;
  close(): Promise<void>;
};

/** Starts every service, creates what the deployment would, and lets events flow. */
export const startAccount = async (options: AccountOptions): Promise<Account> => {
  const { directory, functions, clock = machineClock, onOperation = () => {} } = options;
  const at = (service: string) => join(directory, service);
  const stop = new AbortController();
  const sqs = await startSqs({ directory: at('sqs'), clock });
  const lambda = await startLambda({ functions, clock });
  const stepFunctions = await startStepFunctions({
    directory: at('step-functions'),
    clock,
    integrations: {
      invoke: async (arn, payload) => {
        const answer = await lambda.call(arn, payload);
        if ('payload' in answer) return answer.payload;
        throw stateFailure(answer.error.errorType, JSON.stringify(answer.error));
      },
      sendMessage: async (QueueUrl, body) => {
        await sqs.call('SendMessage', { QueueUrl, MessageBody: JSON.stringify(body) }).catch((thrown: unknown) => {
          throw isRefusal(thrown) ? stateFailure(`SQS.${thrown.code}Exception`, thrown.message) : thrown;
        });
      },
    },
    onStatusChange: (detail) => void lambda.call('events', statusChange(detail)),
  });
  const changes = await createQueues(sqs, options.hosts);
  const s3 = await startS3({
    directory: at('s3'),
    buckets: Object.values(BUCKETS),
    onOperation,
    onWrite: (bucket, key) => {
      const MessageBody = JSON.stringify({
        Records: [{ eventSource: 'aws:s3', s3: { bucket: { name: bucket }, object: { key } } }],
      });
      if (bucket === BUCKETS.state && /^(runs|approvals)\//.test(key))
        void sqs.call('SendMessage', { QueueUrl: changes, MessageBody });
    },
  });
  const secretsManager = await startSecretsManager({ directory: at('secrets-manager') });
  for (const [workflow, definition] of Object.entries(options.definitions))
    await stepFunctions.call('CreateStateMachine', {
      name: PREFIX + workflow,
      definition: JSON.stringify(definition).replaceAll(
        /\$\{(CloudStep|PeopleStep|RemoveStep)\}/g,
        arnOf('lambda', 'function:step'),
      ),
      roleArn: `arn:aws:iam::${ACCOUNT}:role/${PREFIX}workflows`,
    });
  const gateway = await startApiGateway({ routes: { [ROUTE]: (event) => answered(lambda, event) } });
  const pumping = pump({ sqs, lambda, queue: changes, signal: stop.signal });
  const running: Running[] = [gateway, stepFunctions, lambda, s3, secretsManager, sqs];
  return {
    s3,
    secretsManager,
    sqs,
    stepFunctions,
    lambda,
    slackUrl: `${gateway.url}/slack/events`,
    environment: {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: SANDBOX_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: SANDBOX_CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL_SQS: sqs.url,
      AWS_ENDPOINT_URL_SFN: stepFunctions.url,
      AWS_ENDPOINT_URL_LAMBDA: lambda.url,
      OCTO_STATE_MACHINES: `${arnOf('states', 'stateMachine')}:${PREFIX}`,
      OCTO_QUEUES: `${sqs.url}/${ACCOUNT}/${PREFIX}`,
      OCTO_COMMANDS_FUNCTION: 'commands',
    },
    close: async () => {
      stop.abort();
      await pumping;
      for (const service of running) await service.close();
    },
  };
};

const arnOf = (service: string, resource: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

const answered = async (lambda: LambdaStandIn, event: object): Promise<unknown> => {
  const answer = await lambda.call('slack', event);
  if ('payload' in answer) return answer.payload;
  throw new Error(answer.error.errorMessage);
};

/** A queue per host and one for changes of the run book, each with its dead letters; gives the address of the latter. */
const createQueues = async (sqs: SqsStandIn, hosts: readonly string[]): Promise<string> => {
  const create = async (name: string, attributes: Record<string, string> = {}): Promise<string> => {
    const dead = `${PREFIX}${name}-dead`;
    await sqs.call('CreateQueue', { QueueName: dead });
    const target = { deadLetterTargetArn: arnOf('sqs', dead), maxReceiveCount: MAX_RECEIVES };
    const Attributes = { ...attributes, RedrivePolicy: JSON.stringify(target) };
    return String((await sqs.call('CreateQueue', { QueueName: PREFIX + name, Attributes }))['QueueUrl']);
  };
  for (const host of hosts) await create(host);
  return create('changes', { DelaySeconds: String(CHANGE_DELAY_SECONDS) });
};

/** As EventBridge tells of it. */
const statusChange = (detail: Record<string, unknown>) => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Step Functions Execution Status Change',
  source: 'aws.states',
  account: ACCOUNT,
  time: new Date().toISOString(),
  region: REGION,
  resources: [detail['executionArn']],
  detail,
});

type Pumping = { sqs: SqsStandIn; lambda: LambdaStandIn; queue: string; signal: AbortSignal };
type Received = { MessageId: string; ReceiptHandle: string; Body: string; MD5OfBody: string };

/** What Lambda does for a function with a queue: takes batches, several side by side, and leaves in the queue what the function names as failed. */
const pump = async (pumping: Pumping): Promise<void> => {
  const { sqs, queue: QueueUrl, signal } = pumping;
  const underWay = new Set<Promise<void>>();
  while (!signal.aborted) {
    const asked = { QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 };
    const { Messages = [] } = (await sqs.call('ReceiveMessage', asked, signal)) as { Messages?: Received[] };
    if (Messages.length === 0) continue;
    const batch = serveBatch(pumping, Messages).finally(() => underWay.delete(batch));
    underWay.add(batch);
    if (underWay.size >= CONCURRENT_BATCHES) await Promise.race(underWay);
  }
  await Promise.all(underWay);
};

const serveBatch = async ({ sqs, lambda, queue: QueueUrl }: Pumping, messages: Received[]): Promise<void> => {
  const answer = await lambda.call('events', { Records: messages.map(recordOf) });
  if ('error' in answer) return;
  const { batchItemFailures = [] } = (answer.payload ?? {}) as Batch;
  const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const { MessageId, ReceiptHandle } of messages)
    if (!failed.has(MessageId)) await sqs.call('DeleteMessage', { QueueUrl, ReceiptHandle });
};

type Batch = { batchItemFailures?: { itemIdentifier: string }[] };

const recordOf = ({ MessageId, ReceiptHandle, Body, MD5OfBody }: Received) => ({
  messageId: MessageId,
  receiptHandle: ReceiptHandle,
  body: Body,
  attributes: {},
  messageAttributes: {},
  md5OfBody: MD5OfBody,
  eventSource: 'aws:sqs',
  eventSourceARN: arnOf('sqs', `${PREFIX}changes`),
  awsRegion: REGION,
});
