/**
 * A stand-in for AWS Lambda: calls functions, waiting for the answer or not, as the service does: an event that was accepted
 * is delivered at least once, and tried twice more when the function fails. What functions are is given by `functions`.
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { machineClock, type Clock } from './clock.ts';
import { listen, type Running } from './listen.ts';
import { isRefusal, refusal } from './refusal.ts';
import { checkSignature, SANDBOX_CREDENTIALS } from './signature.ts';

/** What a function may know of a call; repetitions of one event carry the same id. */
export type LambdaContext = { awsRequestId: string; functionName: string };
export type LambdaFunction = (event: unknown, context: LambdaContext) => Promise<unknown>;
/** As the service tells of an error: its name, its words, where it was thrown. */
export type LambdaError = { errorType: string; errorMessage: string; trace: string[] };
export type LambdaAnswer = { payload: unknown } | { error: LambdaError };

/** Bad days, switched on by `setFaults`; numbers count down. */
export type LambdaFaults = {
  /** This many calls are told that too many run. */
  throttled?: number;
  /** This many events are delivered twice, under one id. */
  deliverTwice?: number;
};

export type LambdaStandIn = Running & {
  setFaults(faults: LambdaFaults): void;
  /** Calls a function as Step Functions does: waiting, without the wire. */
  call(functionName: string, event: unknown): Promise<LambdaAnswer>;
  /** Resolves when every event that was accepted has been dealt with. */
  idle(): Promise<void>;
};

export const serves = [
  { operation: 'Invoke', extent: 'part', note: 'RequestResponse and Event; no versions, no tail of the log' },
  { operation: 'CreateFunction', extent: 'none', note: 'functions are given at the start' },
  { operation: 'GetFunction', extent: 'none', note: '' },
] as const;

const EVENT_BYTES = 1_048_576;
const REQUEST_BYTES = 6_291_456;
/** Lambda waits a minute, then two, before it tries an event again. */
const RETRY_MS = [60_000, 120_000];

type LambdaOptions = {
  port?: number;
  functions: Readonly<Record<string, LambdaFunction>>;
  clock?: Clock;
  onDropped?: (functionName: string, error: LambdaError) => void;
};

type Service = { options: LambdaOptions; faults: LambdaFaults; underWay: Set<Promise<void>>; stop: AbortController };

/** Starts the stand-in on `port` (any free one by default). */
export const startLambda = async (options: LambdaOptions): Promise<LambdaStandIn> => {
  const service: Service = { options, faults: {}, underWay: new Set(), stop: new AbortController() };
  const server = createServer((request, response) => void serve(request, response, service));
  const running = await listen(server, options.port ?? 0);
  const idle = async (): Promise<void> => {
    while (service.underWay.size > 0) await Promise.all(service.underWay);
  };
  return {
    url: running.url,
    setFaults: (faults) => void (service.faults = { ...faults }),
    call: (name, event) => call(service, { name, event, awsRequestId: randomUUID() }),
    idle,
    close: async () => {
      service.stop.abort();
      await running.close();
      await idle();
    },
  };
};

const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

const serve = async (request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> => {
  const awsRequestId = randomUUID();
  const send = (status: number, content: unknown, headers: Record<string, string> = {}): void => {
    const body = content === undefined ? '' : JSON.stringify(content);
    const own = { 'Content-Type': 'application/json', 'x-amzn-RequestId': awsRequestId };
    response.writeHead(status, { ...own, ...headers }).end(body);
  };
  try {
    const { name, event, isEvent } = accepted(request, await buffer(request), service);
    if (isEvent) {
      deliver(service, { name, event, awsRequestId });
      return send(202, undefined);
    }
    const answer = await call(service, { name, event, awsRequestId });
    if ('payload' in answer) send(200, answer.payload ?? null);
    else send(200, answer.error, { 'X-Amz-Function-Error': 'Unhandled' });
  } catch (error) {
    const { status, code, message } = isRefusal(error)
      ? error
      : refusal(500, 'ServiceException', { message: String(error) });
    send(status, { Type: 'User', Message: message, message }, { 'x-amzn-ErrorType': code });
  }
};

const accepted = (request: IncomingMessage, body: Buffer, { options, faults }: Service) => {
  const payloadHash = createHash('sha256').update(body).digest('hex');
  checkSignature(request, { service: 'lambda', credentials: SANDBOX_CREDENTIALS, now: new Date(), payloadHash });
  const [, encoded] = request.method === 'POST' ? (PATH.exec(request.url ?? '') ?? []) : [];
  if (encoded === undefined) throw refusal(404, 'UnknownOperationException');
  const name = nameOf(decodeURIComponent(encoded));
  if (!Object.hasOwn(options.functions, name))
    throw refusal(404, 'ResourceNotFoundException', { message: `Function not found: ${name}` });
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (type !== 'Event' && type !== 'RequestResponse')
    throw refusal(400, 'InvalidParameterValueException', { message: `invocation type ${String(type)}` });
  const isEvent = type === 'Event';
  if (body.length > (isEvent ? EVENT_BYTES : REQUEST_BYTES))
    throw refusal(413, 'RequestTooLargeException', { message: `${body.length} byte payload is too large` });
  if ((faults.throttled ?? 0) > 0) {
    faults.throttled = (faults.throttled ?? 0) - 1;
    throw refusal(429, 'TooManyRequestsException', { message: 'Rate Exceeded.' });
  }
  return { name, event: parsed(body), isEvent };
};

/** By name or by ARN. */
const nameOf = (given: string): string => (given.startsWith('arn:') ? (given.split(':')[6] ?? '') : given);

const parsed = (body: Buffer): unknown => {
  try {
    return body.length === 0 ? {} : (JSON.parse(body.toString('utf8')) as unknown);
  } catch {
    throw refusal(400, 'InvalidRequestContentException', { message: 'Could not parse request body into json' });
  }
};

type Call = { name: string; event: unknown; awsRequestId: string };

/** The event is copied: nothing but JSON goes in or out. */
const call = async ({ options }: Service, { name, event, awsRequestId }: Call): Promise<LambdaAnswer> => {
  const run = options.functions[nameOf(name)];
  if (run === undefined)
    return { error: { errorType: 'Lambda.ResourceNotFoundException', errorMessage: name, trace: [] } };
  try {
    const given: unknown = JSON.parse(JSON.stringify(event));
    const answer: unknown = await run(given, { awsRequestId, functionName: nameOf(name) });
    return { payload: JSON.parse(JSON.stringify(answer ?? null)) as unknown };
  } catch (thrown) {
    return { error: errorOf(thrown) };
  }
};

const errorOf = (thrown: unknown): LambdaError => {
  if (!(thrown instanceof Error)) return { errorType: 'string', errorMessage: String(thrown), trace: [] };
  return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') };
};

const deliver = (service: Service, event: Call): void => {
  const isTwice = (service.faults.deliverTwice ?? 0) > 0;
  if (isTwice) service.faults.deliverTwice = (service.faults.deliverTwice ?? 0) - 1;
  for (let copies = isTwice ? 2 : 1; copies > 0; copies--) {
    const under = deliverOne(service, event).finally(() => service.underWay.delete(under));
    service.underWay.add(under);
  }
};

const deliverOne = async (service: Service, event: Call): Promise<void> => {
  const { clock = machineClock, onDropped } = service.options;
  for (let tries = 0; ; tries++) {
    const answer = await call(service, event);
    const waitMs = RETRY_MS[tries];
    if ('payload' in answer) return;
    if (waitMs === undefined) return onDropped?.(event.name, answer.error);
    await clock.sleep(waitMs, service.stop.signal).catch(() => undefined);
    if (service.stop.signal.aborted) return;
  }
};
