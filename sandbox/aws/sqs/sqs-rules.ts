/**
 * The limits of SQS: names, sizes, waits, and which attributes a queue may have here.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-quotas.html
 */
import { numberIn, required, textIn } from '../json/parameters.ts';
import type { Parameters } from '../json/json-service.ts';
import { refusal } from '../refusal.ts';
import type { Queue, SqsShelf } from './sqs-shelf.ts';

export const ACCOUNT = '000000000000';
const NAME = /^[A-Za-z0-9_-]{1,80}$/;
export const MAX_BODY_BYTES = 262_144;
/** A message can be hidden for so long in all, counted from its receive. */
export const MAX_VISIBILITY_SECONDS = 43_200;
/** Characters that XML has: SQS takes no others. */
// oxlint-disable-next-line no-control-regex -- tab and line ends are among them
const ALLOWED_TEXT = /^[\u0009\u000A\u000D\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** The range and default of each attribute that is served. */
const ATTRIBUTES: Record<string, { from: number; to: number; standard: number }> = {
  VisibilityTimeout: { from: 0, to: MAX_VISIBILITY_SECONDS, standard: 30 },
  DelaySeconds: { from: 0, to: 900, standard: 0 },
  ReceiveMessageWaitTimeSeconds: { from: 0, to: 20, standard: 0 },
  MessageRetentionPeriod: { from: 60, to: 1_209_600, standard: 345_600 },
};

const queryError = (code: string) => ({ queryError: `AWS.SimpleQueueService.${code};Sender` });
export const invalidValue = (message: string) =>
  refusal(400, 'InvalidParameterValue', { message, queryError: 'InvalidParameterValue;Sender' });

export const checkName = (name: string): string => {
  if (NAME.test(name)) return name;
  throw invalidValue('Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length');
};

export const checkAttributes = (attributes: Record<string, string>): void => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'RedrivePolicy') {
      redriveOf({ attributes });
      continue;
    }
    const rule = ATTRIBUTES[name];
    if (rule === undefined) throw refusal(400, 'InvalidAttributeName', { message: `Unknown Attribute ${name}.` });
    if (!/^\d+$/.test(value) || Number(value) < rule.from || Number(value) > rule.to)
      throw refusal(400, 'InvalidAttributeValue', { message: `Invalid value for the parameter ${name}.` });
  }
};

/** An attribute that is a number, or what it is when nobody set it. */
export const attributeOf = ({ attributes }: Queue, name: string): number =>
  Number(attributes[name] ?? ATTRIBUTES[name]?.standard);

/** Where messages go that were received too often; `null` where they stay. */
export const redriveOf = ({ attributes }: Pick<Queue, 'attributes'>): { queue: string; maxCount: number } | null => {
  const policy = attributes['RedrivePolicy'];
  if (policy === undefined) return null;
  const bad = refusal(400, 'InvalidAttributeValue', { message: 'Invalid value for the parameter RedrivePolicy.' });
  try {
    const { deadLetterTargetArn = '', maxReceiveCount } = JSON.parse(policy) as Record<string, string | number>;
    const maxCount = Number(maxReceiveCount);
    if (!/^arn:aws:sqs:[a-z0-9-]+:\d{12}:/.test(String(deadLetterTargetArn))) throw bad;
    if (!Number.isInteger(maxCount) || maxCount < 1 || maxCount > 1000) throw bad;
    return { queue: String(deadLetterTargetArn).split(':').at(-1) ?? '', maxCount };
  } catch {
    throw bad;
  }
};

/** A whole number within SQS's range for it. */
export const rangeIn = (
  parameters: Parameters,
  name: string,
  { from, to, standard }: { from: number; to: number; standard: number },
): number => {
  const value = numberIn(parameters, name) ?? standard;
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw invalidValue(`Value ${value} for parameter ${name} is invalid. Reason: Must be >= ${from} and <= ${to}.`);
};

/** The queue that `QueueUrl` names. */
export const queueIn = (shelf: SqsShelf, parameters: Parameters): Queue => {
  const url = required(textIn(parameters, 'QueueUrl'), 'QueueUrl', 'MissingParameter');
  const [account, name = ''] = url.split('/').slice(-2);
  const queue = account === ACCOUNT ? shelf.queue(name) : null;
  return queue ?? absent();
};

export const absent = (): never => {
  const message = 'The specified queue does not exist.';
  throw refusal(400, 'QueueDoesNotExist', { message, ...queryError('NonExistentQueue') });
};

export const checkBody = (body: string): string => {
  if (body === '')
    throw refusal(400, 'MissingParameter', { message: 'The request must contain the parameter MessageBody.' });
  if (Buffer.byteLength(body) > MAX_BODY_BYTES)
    throw invalidValue(
      `One or more parameters are invalid. Reason: Message must be shorter than ${MAX_BODY_BYTES} bytes.`,
    );
  if (!ALLOWED_TEXT.test(body)) throw refusal(400, 'InvalidMessageContents', { message: 'Invalid characters found.' });
  return body;
};
