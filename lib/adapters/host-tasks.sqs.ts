/**
 * Host tasks on AWS: a queue per host in SQS, answers to Step Functions by task token.
 *
 * A message that was received is hidden from everybody else for two minutes: long enough to be recorded on a slow disk, short
 * enough for the next worker when this one dies before. Delivery is at least once, so the same task may come again anyway.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference
 */
import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient, type Message } from '@aws-sdk/client-sqs';
import { OctoError, type ErrorCode } from '../domain/errors.ts';
import { TaskRecord } from '../domain/runs/task-record.ts';
import type { HostTasks, TakenTask } from '../ports/workflow-runtime.ts';
import { asking, clientOptions, type AwsPlace } from './aws/aws-request.ts';

/** A queue holds a long poll for 20 s at most, so sockets wait longer. */
const POLL_SECONDS = 20;
const SOCKET_MS = 30_000;
const HIDDEN_SECONDS = 120;
/** What Step Functions takes of a failure. */
const ERROR_CHARACTERS = 256;
const CAUSE_CHARACTERS = 32_768;

export type SqsHostTasksOptions = AwsPlace & {
  /** The address of a host's queue. */
  queueUrl: (host: string) => string;
};

/** The tasks of the hosts whose queues this process may read. */
export const sqsHostTasks = ({ queueUrl, ...place }: SqsHostTasksOptions): HostTasks => {
  const sqs = new SQSClient(clientOptions(place, SOCKET_MS));
  return {
    take: async (host, { waitSeconds, signal }) => {
      for (let restSeconds = waitSeconds; ; restSeconds -= POLL_SECONDS) {
        const task = await receive(sqs, {
          url: queueUrl(host),
          waitSeconds: Math.min(restSeconds, POLL_SECONDS),
          signal,
        });
        if (task !== null || restSeconds <= POLL_SECONDS || signal?.aborted === true) return task;
      }
    },
    acknowledge: async ({ receipt }) => {
      const [QueueUrl = '', ReceiptHandle = ''] = receipt.split(' ');
      const command = new DeleteMessageCommand({ QueueUrl, ReceiptHandle });
      await asking('removal of a task that was taken', sqs.send(command), QUEUE_CODES);
    },
    ...taskAnswers(place),
  };
};

const QUEUE_CODES: Partial<Record<string, ErrorCode>> = { QueueDoesNotExist: 'HostQueueMissing' };

type Receiving = { url: string; waitSeconds: number; signal: AbortSignal | undefined };

const receive = async (sqs: SQSClient, { url, waitSeconds, signal }: Receiving): Promise<TakenTask | null> => {
  const command = new ReceiveMessageCommand({
    QueueUrl: url,
    WaitTimeSeconds: waitSeconds,
    VisibilityTimeout: HIDDEN_SECONDS,
    MaxNumberOfMessages: 1,
  });
  try {
    const sent = sqs.send(command, signal ? { abortSignal: signal } : {});
    const { Messages: [message] = [] } = await asking(`look into ${url}`, sent, QUEUE_CODES);
    return message ? taskIn(message, url) : null;
  } catch (thrown) {
    if (signal?.aborted === true) return null;
    throw thrown;
  }
};

/** A message that is none of ours stays where it is: after some more looks SQS puts it with the dead letters. */
const taskIn = ({ Body = '', ReceiptHandle = '', MessageId = '' }: Message, url: string): TakenTask => {
  try {
    // The address goes with the receipt, so that a task can be acknowledged without knowing its host.
    return { receipt: `${url} ${ReceiptHandle}`, body: TaskRecord.shape.body.parse(JSON.parse(Body)) };
  } catch (cause) {
    const facts = { messageId: MessageId };
    throw new OctoError('TaskUnreadable', `message ${MessageId} of ${url} is no task`, { cause, facts });
  }
};

/** InvalidToken: a token of another region or account is waited for by nobody here. */
const TOKEN_CODES: Partial<Record<string, ErrorCode>> = {
  TaskTimedOut: 'TaskGone',
  TaskDoesNotExist: 'TaskGone',
  InvalidToken: 'TaskGone',
};

/** Answers to whoever waits for a token: all that is needed of host tasks where no queue is read. */
export const taskAnswers = (place: AwsPlace): Pick<HostTasks, 'beat' | 'succeed' | 'fail'> => {
  const sfn = new SFNClient(clientOptions(place));
  const told = async (doing: string, request: Promise<unknown>) => void (await asking(doing, request, TOKEN_CODES));
  return {
    beat: (taskToken) => told('heartbeat of a task', sfn.send(new SendTaskHeartbeatCommand({ taskToken }))),
    succeed: (taskToken, output) =>
      told(
        'result of a task',
        sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output ?? null) })),
      ),
    fail: (taskToken, { error, cause }) =>
      told(
        'failure of a task',
        sfn.send(
          new SendTaskFailureCommand({
            taskToken,
            error: error.slice(0, ERROR_CHARACTERS),
            cause: cause.slice(0, CAUSE_CHARACTERS),
          }),
        ),
      ),
  };
};
