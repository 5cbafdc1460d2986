/**
 * The SQS stand-in's operations on standard queues: at least once, hidden while worked on, dead letters after too many tries.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { numberIn, required, textIn, textsIn } from '../json/parameters.ts';
import type { Parameters } from '../json/json-service.ts';
import { refusal } from '../refusal.ts';
import {
  absent,
  ACCOUNT,
  attributeOf,
  checkAttributes,
  checkBody,
  checkName,
  invalidValue,
  MAX_VISIBILITY_SECONDS,
  queueIn,
  rangeIn,
  redriveOf,
} from './sqs-rules.ts';
import type { Message, Queue, SqsShelf } from './sqs-shelf.ts';

export type SqsCall = {
  shelf: SqsShelf;
  parameters: Parameters;
  clock: Clock;
  /** Where queues are addressed. */
  url: string;
  /** The caller has hung up, or the stand-in stops. */
  gone: AbortSignal;
  /** Uses up one message that is to come twice. */
  comesTwice: () => boolean;
  /** Everybody who waits for a message. */
  waiting: Set<AbortController>;
};
type SqsOperation = (call: SqsCall) => object | Promise<object>;
type Served = { operation: string; extent: 'full' | 'part' | 'none'; note: string; perform?: SqsOperation };

const MAX_WAIT_SECONDS = 20;
const MAX_MESSAGES = 10;

const urlOf = ({ url }: SqsCall, { name }: Queue): string => `${url}/${ACCOUNT}/${name}`;
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

const createQueue: SqsOperation = (call) => {
  const name = checkName(required(textIn(call.parameters, 'QueueName'), 'QueueName', 'MissingParameter'));
  const attributes = textsIn(call.parameters, 'Attributes');
  checkAttributes(attributes);
  const standing = call.shelf.queue(name);
  const queue = standing ?? { name, attributes, createdAtMs: call.clock.now().getTime() };
  const isOther = Object.entries(attributes).some(([key, value]) => queue.attributes[key] !== value);
  if (isOther)
    throw refusal(400, 'QueueNameExists', {
      message: 'A queue already exists with the same name and a different value',
    });
  call.shelf.putQueue(queue);
  return { QueueUrl: urlOf(call, queue) };
};

const getQueueUrl: SqsOperation = (call) => {
  const queue = call.shelf.queue(textIn(call.parameters, 'QueueName') ?? '');
  return { QueueUrl: urlOf(call, queue ?? absent()) };
};

const listQueues: SqsOperation = (call) => {
  const prefix = textIn(call.parameters, 'QueueNamePrefix') ?? '';
  const found = call.shelf.queues().filter(({ name }) => name.startsWith(prefix));
  return found.length === 0 ? {} : { QueueUrls: found.map((queue) => urlOf(call, queue)) };
};

const getQueueAttributes: SqsOperation = (call) => {
  const queue = queueIn(call.shelf, call.parameters);
  const nowMs = call.clock.now().getTime();
  const messages = call.shelf.messages(queue.name);
  const hidden = messages.filter(({ visibleAtMs }) => visibleAtMs > nowMs);
  const inFlight = hidden.filter(({ receipt }) => receipt !== null).length;
  const all: Record<string, string> = {
    ...queue.attributes,
    QueueArn: `arn:aws:sqs:us-east-1:${ACCOUNT}:${queue.name}`,
    ApproximateNumberOfMessages: String(messages.length - hidden.length),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(hidden.length - inFlight),
  };
  const asked = (call.parameters['AttributeNames'] ?? []) as string[];
  const wanted = asked.includes('All') ? Object.keys(all) : asked;
  return { Attributes: Object.fromEntries(wanted.flatMap((name) => (all[name] ? [[name, all[name]]] : []))) };
};

const sendMessage: SqsOperation = (call) => {
  const queue = queueIn(call.shelf, call.parameters);
  const body = checkBody(textIn(call.parameters, 'MessageBody') ?? '');
  for (const name of ['MessageAttributes', 'MessageSystemAttributes', 'MessageGroupId', 'MessageDeduplicationId'])
    if (call.parameters[name] !== undefined) throw refusal(400, 'UnsupportedOperation', { message: name });
  const standard = attributeOf(queue, 'DelaySeconds');
  const delaySeconds = rangeIn(call.parameters, 'DelaySeconds', { from: 0, to: 900, standard });
  const sentAtMs = call.clock.now().getTime();
  const id = randomUUID();
  call.shelf.putMessage({
    id,
    queue: queue.name,
    body,
    sentAtMs,
    visibleAtMs: sentAtMs + delaySeconds * 1000,
    receipt: null,
    receivedAtMs: null,
    receiveCount: 0,
  });
  for (const waiter of call.waiting) waiter.abort();
  return { MessageId: id, MD5OfMessageBody: md5(body) };
};

const receiveMessage: SqsOperation = async (call) => {
  const queue = queueIn(call.shelf, call.parameters);
  const range = (name: string, [from, to, standard]: [number, number, number]) =>
    rangeIn(call.parameters, name, { from, to, standard });
  const max = range('MaxNumberOfMessages', [1, MAX_MESSAGES, 1]);
  const wait = range('WaitTimeSeconds', [0, MAX_WAIT_SECONDS, attributeOf(queue, 'ReceiveMessageWaitTimeSeconds')]);
  const hide = range('VisibilityTimeout', [0, MAX_VISIBILITY_SECONDS, attributeOf(queue, 'VisibilityTimeout')]);
  const untilMs = call.clock.now().getTime() + wait * 1000;
  for (;;) {
    const received = takeVisible(call, queue, { max, hide });
    const restMs = untilMs - call.clock.now().getTime();
    // Messages that a caller who has hung up would get are left to the next.
    if (received.length > 0 || restMs <= 0 || call.gone.aborted)
      return received.length === 0 ? {} : { Messages: received.map((message) => shown(call, message)) };
    await someTime(call, Math.min(restMs, untilVisibleMs(call, queue)));
  }
};

const takeVisible = (call: SqsCall, queue: Queue, { max, hide }: { max: number; hide: number }): Message[] => {
  const nowMs = call.clock.now().getTime();
  const oldestMs = nowMs - attributeOf(queue, 'MessageRetentionPeriod') * 1000;
  const redrive = redriveOf(queue);
  const received: Message[] = [];
  for (const message of call.gone.aborted ? [] : call.shelf.messages(queue.name)) {
    if (received.length === max || message.visibleAtMs > nowMs) break;
    if (message.sentAtMs < oldestMs) call.shelf.removeMessage(message.id);
    else if (redrive !== null && message.receiveCount >= redrive.maxCount)
      call.shelf.putMessage({ ...message, queue: redrive.queue, receipt: null, receiveCount: 0 });
    else {
      const visibleAtMs = nowMs + (call.comesTwice() ? 0 : hide * 1000);
      const receiveCount = message.receiveCount + 1;
      const taken = {
        ...message,
        visibleAtMs,
        receiveCount,
        receipt: `${message.id}#${receiveCount}`,
        receivedAtMs: nowMs,
      };
      call.shelf.putMessage(taken);
      received.push(taken);
    }
  }
  return received;
};

const shown = ({ parameters }: SqsCall, { id, body, receipt, receiveCount, sentAtMs }: Message) => {
  const all: Record<string, string> = {
    ApproximateReceiveCount: String(receiveCount),
    SentTimestamp: String(sentAtMs),
  };
  const asked = [parameters['MessageSystemAttributeNames'], parameters['AttributeNames']].flat() as string[];
  const names = asked.includes('All') ? Object.keys(all) : asked.filter((name) => all[name] !== undefined);
  return {
    MessageId: id,
    ReceiptHandle: Buffer.from(receipt ?? '').toString('base64'),
    MD5OfBody: md5(body),
    Body: body,
    ...(names.length > 0 && { Attributes: Object.fromEntries(names.map((name) => [name, all[name]])) }),
  };
};

const untilVisibleMs = ({ shelf, clock }: SqsCall, { name }: Queue): number =>
  Math.min(...shelf.messages(name).map(({ visibleAtMs }) => visibleAtMs)) - clock.now().getTime();

/** Until `ms` are over, a message came, or the caller has gone. */
const someTime = async ({ clock, gone, waiting }: SqsCall, ms: number): Promise<void> => {
  const waiter = new AbortController();
  waiting.add(waiter);
  await clock.sleep(ms, AbortSignal.any([gone, waiter.signal])).catch(() => undefined);
  waiting.delete(waiter);
};

/** The message that a receipt speaks of; `null` when it is gone or was received again since. */
const received = ({ shelf, parameters }: SqsCall, queue: Queue): Message | null => {
  const handle = required(textIn(parameters, 'ReceiptHandle'), 'ReceiptHandle', 'MissingParameter');
  const receipt = Buffer.from(handle, 'base64').toString('utf8');
  if (!/^[0-9a-f-]{36}#\d+$/.test(receipt))
    throw refusal(400, 'ReceiptHandleIsInvalid', { message: `The input receipt handle "${handle}" is not valid.` });
  const message = shelf.message(receipt.split('#', 1)[0] ?? '');
  return message?.receipt === receipt && message.queue === queue.name ? message : null;
};

/** With an old receipt SQS says yes and keeps the message. */
const deleteMessage: SqsOperation = (call) => {
  const message = received(call, queueIn(call.shelf, call.parameters));
  if (message) call.shelf.removeMessage(message.id);
  return {};
};

const changeMessageVisibility: SqsOperation = (call) => {
  const message = received(call, queueIn(call.shelf, call.parameters));
  const seconds = required(numberIn(call.parameters, 'VisibilityTimeout'), 'VisibilityTimeout', 'MissingParameter');
  const nowMs = call.clock.now().getTime();
  if (message === null || message.visibleAtMs <= nowMs)
    throw refusal(400, 'MessageNotInflight', { message: 'The message is not in flight.' });
  const visibleAtMs = nowMs + seconds * 1000;
  if (seconds < 0 || visibleAtMs > (message.receivedAtMs ?? nowMs) + MAX_VISIBILITY_SECONDS * 1000)
    throw invalidValue(
      `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout exceeds ${MAX_VISIBILITY_SECONDS} s.`,
    );
  call.shelf.putMessage({ ...message, visibleAtMs });
  for (const waiter of call.waiting) waiter.abort();
  return {};
};

const none = (operation: string, note = ''): Served => ({ operation, extent: 'none', note });

export const serves: Served[] = [
  {
    operation: 'CreateQueue',
    extent: 'part',
    note: 'standard queues only; no policy, no encryption, no tags',
    perform: createQueue,
  },
  { operation: 'GetQueueUrl', extent: 'full', note: '', perform: getQueueUrl },
  { operation: 'ListQueues', extent: 'part', note: 'in one page', perform: listQueues },
  {
    operation: 'GetQueueAttributes',
    extent: 'part',
    note: 'what was set, the ARN and the counts',
    perform: getQueueAttributes,
  },
  { operation: 'SendMessage', extent: 'part', note: 'no message attributes', perform: sendMessage },
  {
    operation: 'ReceiveMessage',
    extent: 'part',
    note: 'in order of time; the original promises no order',
    perform: receiveMessage,
  },
  { operation: 'DeleteMessage', extent: 'full', note: '', perform: deleteMessage },
  { operation: 'ChangeMessageVisibility', extent: 'full', note: '', perform: changeMessageVisibility },
  none('SendMessageBatch', 'Step Functions and S3 send one at a time'),
  none('DeleteMessageBatch'),
  none('ChangeMessageVisibilityBatch'),
  none('SetQueueAttributes'),
  none('PurgeQueue'),
  none('DeleteQueue'),
  none('StartMessageMoveTask', 'dead letters are read, never redriven'),
];
