/**
 * A stand-in for AWS Secrets Manager over its JSON 1.1 protocol, for one account. It checks signatures, names, sizes and
 * states as the original does; what it does not serve (see `serves`) is refused.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from './listen.ts';
import type { Running } from './listen.ts';
import { isRefusal, refusal } from './refusal.ts';
import { secretsServes as serves } from './secrets/secrets-operations.ts';
import type { Parameters } from './secrets/secrets-operations.ts';
import { openSecretsShelf } from './secrets/secrets-shelf.ts';
import type { SecretsShelf } from './secrets/secrets-shelf.ts';
import { checkSignature, SANDBOX_CREDENTIALS } from './signature.ts';

export { serves };

/** Bad days, switched on by `setFaults`; numbers count down. */
export type SecretsManagerFaults = {
  /** This many requests fail with InternalServiceError (500). */
  unavailable?: number;
  /** This many requests are performed, and the connection breaks before the answer. */
  loseAnswers?: number;
  /** Everything is refused: no rights. */
  denied?: boolean;
};

export type SecretsManagerStandIn = Running & { setFaults(faults: SecretsManagerFaults): void };

const operations = new Map(serves.map(({ operation, perform }) => [`secretsmanager.${operation}`, perform]));

/** Starts the stand-in on `port` (any free one by default); `directory` keeps its data. */
export const startSecretsManager = async (options: {
  port?: number;
  directory: string;
}): Promise<SecretsManagerStandIn> => {
  const shelf = openSecretsShelf(options.directory);
  const service: Service = { shelf, faults: {} };
  const server = createServer((request, response) => void serve(request, response, service));
  const running = await listen(server, options.port ?? 0);
  return {
    url: running.url,
    async close() {
      await running.close();
      shelf.close();
    },
    setFaults: (faults) => {
      service.faults = { ...faults };
    },
  };
};

type Service = { shelf: SecretsShelf; faults: SecretsManagerFaults };

const strikes = ({ faults }: Service, name: 'unavailable' | 'loseAnswers'): boolean => {
  const left = faults[name] ?? 0;
  if (left > 0) faults[name] = left - 1;
  return left > 0;
};

const serve = async (request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> => {
  try {
    const answer = perform(request, await buffer(request), service);
    if (strikes(service, 'loseAnswers')) request.socket.destroy();
    else send(response, 200, answer);
  } catch (error) {
    const { status, code, message } = isRefusal(error)
      ? error
      : refusal(500, 'InternalServiceError', { message: String(error) });
    const jsonCode = SIGNATURE_CODES[code];
    send(response, jsonCode ? 400 : status, { __type: jsonCode ?? code, Message: message });
  }
};

const perform = (request: IncomingMessage, body: Buffer, service: Service): object => {
  const now = new Date();
  const payloadHash = createHash('sha256').update(body).digest('hex');
  checkSignature(request, { service: 'secretsmanager', credentials: SANDBOX_CREDENTIALS, now, payloadHash });
  if (strikes(service, 'unavailable'))
    throw refusal(500, 'InternalServiceError', { message: 'An error occurred on the server side.' });
  const target = String(request.headers['x-amz-target']);
  if (service.faults.denied) {
    throw refusal(400, 'AccessDeniedException', { message: `User is not authorized to perform: ${target}` });
  }
  const operation = operations.get(target);
  if (operation === undefined) throw refusal(400, 'UnknownOperationException');
  return operation({ shelf: service.shelf, parameters: parse(body), nowSeconds: now.getTime() / 1000 });
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

const send = (response: ServerResponse, status: number, content: object): void => {
  const body = Buffer.from(JSON.stringify(content));
  const headers = { 'Content-Type': 'application/x-amz-json-1.1', 'Content-Length': body.length };
  response.writeHead(status, { ...headers, 'x-amzn-RequestId': randomUUID() }).end(body);
};
