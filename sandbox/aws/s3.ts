/**
 * A stand-in for Amazon S3 over HTTP, addressed by path, for one account. It is no more lenient than S3: signatures,
 * digests, conditions, versions and locks are checked; what it does not serve (see `serves`) is refused.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from './listen.ts';
import type { Running } from './listen.ts';
import { isRefusal, refusal } from './refusal.ts';
import type { Answer, Call } from './s3/s3-call.ts';
import { operationOf } from './s3/s3-operations.ts';
import { openShelf } from './s3/s3-shelf.ts';
import type { Shelf } from './s3/s3-shelf.ts';
import { checkSignature, SANDBOX_CREDENTIALS } from './signature.ts';
import { xml } from './xml.ts';

export { serves } from './s3/s3-operations.ts';

/** Bad days, switched on by `setFaults`; numbers count down. */
export type S3Faults = {
  /** This many requests are told to slow down (503). */
  slowDown?: number;
  /** Every n-th request fails with 503. */
  fail503Every?: number;
  /** This many bodies break off in the middle, with the connection. */
  truncate?: number;
  /** This many bodies have one byte changed. */
  wrongBytes?: number;
  /** Writes are refused: no room (507). */
  full?: boolean;
  /** The next operation of this name is performed, and the connection breaks before the answer. */
  loseAnswerTo?: string;
  /** This many requests are taken and never answered. */
  silent?: number;
  /** Every answer is so much later. */
  delayMs?: number;
};

export type S3StandIn = Running & { setFaults(faults: S3Faults): void };

type S3Options = {
  /** Any free one by default. */
  port?: number;
  /** Keeps the data. */
  directory: string;
  /** Made where they are not there yet. */
  buckets?: readonly string[];
  /** Told of every object that was written, as an event notification would be. */
  onWrite?: (bucket: string, key: string) => void;
  /** Told of every operation that was performed, as the service would count it. */
  onOperation?: (operation: string) => void;
};

/** Operations after which an object is new or another. */
const WRITES = new Set(['PutObject', 'CompleteMultipartUpload']);

/** Starts the stand-in. */
export const startS3 = async ({
  port = 0,
  directory,
  buckets = [],
  onWrite = () => {},
  onOperation = () => {},
}: S3Options): Promise<S3StandIn> => {
  const shelf = openShelf(directory);
  const createdAt = new Date().toISOString();
  for (const name of buckets.filter((each) => shelf.bucket(each) === null))
    shelf.putBucket({ name, versioning: 'Off', hasObjectLock: false, createdAt });
  const state: State = { faults: {}, count: 0 };
  const server = createServer(
    (request, response) => void serve(request, response, { shelf, state, onWrite, onOperation }),
  );
  const running = await listen(server, port);
  return {
    url: running.url,
    async close() {
      await running.close();
      shelf.close();
    },
    setFaults: (faults) => {
      state.faults = { ...faults };
    },
  };
};

type State = { faults: S3Faults; count: number };
type Service = { shelf: Shelf; state: State } & Required<Pick<S3Options, 'onWrite' | 'onOperation'>>;

/** Uses up one of a counted fault. */
const strikes = ({ faults }: State, name: 'slowDown' | 'truncate' | 'wrongBytes' | 'silent'): boolean => {
  const left = faults[name] ?? 0;
  if (left > 0) faults[name] = left - 1;
  return left > 0;
};

const serve = async (request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> => {
  response.setHeader('x-amz-request-id', randomUUID());
  response.setHeader('Server', 'AmazonS3');
  if (strikes(service.state, 'silent')) return;
  await sleep(service.state.faults.delayMs ?? 0);
  try {
    const { name, answer } = await perform(request, service);
    service.onOperation(name);
    if (service.state.faults.loseAnswerTo === name) {
      delete service.state.faults.loseAnswerTo;
      request.socket.destroy();
    } else await send(response, answer, { request, state: service.state });
  } catch (error) {
    if (response.headersSent || request.socket.destroyed) request.socket.destroy();
    else sendRefusal(request, response, error);
  }
};

const perform = async (
  request: IncomingMessage,
  { shelf, state, onWrite }: Service,
): Promise<{ name: string; answer: Answer }> => {
  // S3 keeps whole seconds.
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const payloadHash = String(request.headers['x-amz-content-sha256'] ?? '');
  checkSignature(request, { service: 's3', credentials: SANDBOX_CREDENTIALS, now, payloadHash });
  state.count++;
  const isNth = state.faults.fail503Every !== undefined && state.count % state.faults.fail503Every === 0;
  if (isNth) throw refusal(503, 'ServiceUnavailable', { message: 'Service is unable to handle request.' });
  if (strikes(state, 'slowDown')) throw refusal(503, 'SlowDown', { message: 'Please reduce your request rate.' });
  const call = callOf(request, { shelf, now, isFull: state.faults.full === true });
  const isCopy = request.headers['x-amz-copy-source'] !== undefined;
  const { name, perform } = operationOf({ ...call, method: request.method ?? '', isCopy });
  if (perform === undefined) {
    throw refusal(501, 'NotImplemented', {
      message: `A header you provided implies functionality that is not implemented: ${name}`,
    });
  }
  const answer = await perform(call);
  if (WRITES.has(name)) onWrite(call.bucketName, call.key);
  return { name, answer };
};

const callOf = (request: IncomingMessage, service: Pick<Call, 'shelf' | 'now' | 'isFull'>): Call => {
  const [path = '/', query = ''] = (request.url ?? '/').split('?');
  const [bucketName = '', ...key] = path.slice(1).split('/').map(decodeURIComponent);
  const joined = key.join('/');
  if (Buffer.byteLength(joined) > 1024) throw refusal(400, 'KeyTooLongError');
  return { ...service, request, bucketName, key: joined, query: new URLSearchParams(query) };
};

const send = async (
  response: ServerResponse,
  { status = 200, headers = {}, body = '' }: Answer,
  { request, state }: { request: IncomingMessage; state: State },
): Promise<void> => {
  if (typeof body === 'string') {
    const type = body === '' ? {} : { 'Content-Type': 'application/xml' };
    const length =
      request.method === 'HEAD' || status === 204 ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    response.writeHead(status, { ...type, ...length, ...headers }).end(body);
    return;
  }
  response.writeHead(status, { 'Content-Type': 'binary/octet-stream', ...headers });
  if (strikes(state, 'truncate')) await pipeline(body, breakingOff(), response);
  else if (strikes(state, 'wrongBytes')) await pipeline(body, falsifying(), response);
  else await pipeline(body, response);
};

/** Lets half of the first piece through and then breaks the connection. */
const breakingOff = (): Transform =>
  new Transform({
    transform(piece: Buffer, _encoding, done) {
      this.push(piece.subarray(0, piece.length / 2));
      setImmediate(() => done(new Error('broken off on purpose')));
    },
  });

/** Changes the first byte of each piece. */
const falsifying = (): Transform =>
  new Transform({
    transform(piece: Buffer, _encoding, done) {
      done(null, Buffer.concat([Buffer.from([(piece[0] ?? 0) ^ 1]), piece.subarray(1)]));
    },
  });

const sendRefusal = (request: IncomingMessage, response: ServerResponse, error: unknown): void => {
  const { status, code, message, fields } = isRefusal(error) ? error : internalError(error);
  const body = xml('Error', { Code: code, Message: message, ...fields, Resource: request.url ?? '' }, '');
  response.writeHead(status, {
    'Content-Type': 'application/xml',
    'Content-Length': String(Buffer.byteLength(body)),
    // The rest of a refused body is still on its way; S3 closes as well.
    ...(!request.complete && { Connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? '' : body);
};

const internalError = (error: unknown) => refusal(500, 'InternalError', { message: String(error) });
