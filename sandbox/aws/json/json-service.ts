/**
 * What the AWS services with a JSON protocol have in common: one address, the operation in a header, signed requests,
 * refusals with `__type`. Which operations there are, and what they do, is left to each stand-in.
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../listen.ts';
import type { Running } from '../listen.ts';
import { isRefusal, refusal } from '../refusal.ts';
import { checkSignature, SANDBOX_CREDENTIALS } from '../signature.ts';
import type { ServiceName } from '../signature.ts';

/** Parameters as they came, not yet believed. */
export type Parameters = Record<string, unknown>;
/** `gone` fires when the caller has hung up. */
export type JsonOperation = (parameters: Parameters, gone: AbortSignal) => object | Promise<object>;

/** Bad days, switched on by `setFaults`; numbers count down. */
export type JsonFaults = {
  /** This many requests fail inside the service (500). */
  unavailable?: number;
  /** This many requests are told that they come too fast. */
  throttled?: number;
  /** This many requests are performed, and the connection breaks before the answer. */
  loseAnswers?: number;
  /** Everything is refused: no rights. */
  denied?: boolean;
};

export type JsonStandIn = Running & {
  setFaults(faults: JsonFaults): void;
  /** Performs an operation without the wire: for the other services of the same account. */
  call(operation: string, parameters: Parameters, gone?: AbortSignal): Promise<Record<string, unknown>>;
};

export type JsonService = {
  name: ServiceName;
  /** What stands before the operation in `X-Amz-Target`. */
  target: string;
  version: '1.0' | '1.1';
  /** How the service calls trouble of its own, and being called too often. */
  errors: { internal: string; throttled: string };
  /** Under which field the message of a refusal travels. */
  messageField: 'message' | 'Message';
  operations: ReadonlyMap<string, JsonOperation>;
};

/** Starts the service on `port`. */
export const startJsonService = async (service: JsonService, port: number): Promise<JsonStandIn> => {
  const state: State = { service, faults: {} };
  const running = await listen(
    createServer((request, response) => void serve(request, response, state)),
    port,
  );
  return {
    ...running,
    setFaults: (faults) => void (state.faults = { ...faults }),
    call: async (operation, parameters, gone = new AbortController().signal) => {
      const perform = service.operations.get(operation);
      if (perform === undefined) throw refusal(400, 'UnknownOperationException', { message: operation });
      return { ...(await perform(parameters, gone)) };
    },
  };
};

type State = { service: JsonService; faults: JsonFaults };

const strikes = ({ faults }: State, name: 'unavailable' | 'throttled' | 'loseAnswers'): boolean => {
  const left = faults[name] ?? 0;
  if (left > 0) faults[name] = left - 1;
  return left > 0;
};

const serve = async (request: IncomingMessage, response: ServerResponse, state: State): Promise<void> => {
  const { errors, messageField, version } = state.service;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const send = (status: number, content: object, headers: Record<string, string> = {}): void => {
    const body = Buffer.from(JSON.stringify(content));
    const own = { 'Content-Type': `application/x-amz-json-${version}`, 'Content-Length': body.length };
    response.writeHead(status, { ...own, ...headers, 'x-amzn-RequestId': randomUUID() }).end(body);
  };
  try {
    const answer = await perform(request, { body: await buffer(request), state, gone: gone.signal });
    if (strikes(state, 'loseAnswers')) request.socket.destroy();
    else if (!request.socket.destroyed) send(200, answer);
  } catch (error) {
    if (request.socket.destroyed) return;
    const refused = isRefusal(error) ? error : refusal(500, errors.internal, { message: String(error) });
    const jsonCode = SIGNATURE_CODES[refused.code];
    const { queryError, ...fields } = refused.fields;
    const content = { __type: jsonCode ?? refused.code, [messageField]: refused.message, ...fields };
    send(jsonCode ? 400 : refused.status, content, queryError ? { 'x-amzn-query-error': queryError } : {});
  }
};

const perform = async (
  request: IncomingMessage,
  { body, state, gone }: { body: Buffer; state: State; gone: AbortSignal },
): Promise<object> => {
  const { name, target, errors, operations } = state.service;
  const payloadHash = createHash('sha256').update(body).digest('hex');
  checkSignature(request, { service: name, credentials: SANDBOX_CREDENTIALS, now: new Date(), payloadHash });
  if (strikes(state, 'unavailable'))
    throw refusal(500, errors.internal, { message: 'An error occurred on the server side.' });
  if (strikes(state, 'throttled')) throw refusal(400, errors.throttled, { message: 'Rate exceeded' });
  const asked = String(request.headers['x-amz-target']);
  if (state.faults.denied)
    throw refusal(400, 'AccessDeniedException', { message: `User is not authorized to perform: ${asked}` });
  const operation = asked.startsWith(`${target}.`) ? operations.get(asked.slice(target.length + 1)) : undefined;
  if (operation === undefined) throw refusal(400, 'UnknownOperationException');
  return operation(parse(body), gone);
};

/** Services with JSON have other names for what is wrong with a signature, and always 400. */
const SIGNATURE_CODES: Record<string, string> = {
  SignatureDoesNotMatch: 'InvalidSignatureException',
  RequestTimeTooSkewed: 'InvalidSignatureException',
  InvalidAccessKeyId: 'UnrecognizedClientException',
  AuthorizationHeaderMalformed: 'IncompleteSignatureException',
  AccessDenied: 'MissingAuthenticationTokenException',
};

const parse = (body: Buffer): Parameters => {
  try {
    return JSON.parse(body.toString('utf8')) as Parameters;
  } catch {
    throw refusal(400, 'SerializationException');
  }
};
