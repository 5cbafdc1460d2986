/**
 * A stand-in for an API Gateway HTTP API in front of Lambda functions: requests become events of payload format 2.0, what the
 * functions answer becomes the response. There are no authorizers, no CORS and no other payload format.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen, type Running } from './listen.ts';

/** Calls the function behind a route: its answer, or a rejection when the function failed. */
export type Integration = (event: object) => Promise<unknown>;

type Result = { statusCode?: number; headers?: Record<string, string>; body?: string; isBase64Encoded?: boolean };

/** Bodies of these types travel as text, all others in base64. */
const TEXT = /^(text\/|application\/(json|javascript|xml))/;

/** Starts the gateway; `routes` are `POST /slack/events` and the like. */
export const startApiGateway = async ({
  routes,
  port = 0,
}: {
  routes: Readonly<Record<string, Integration>>;
  port?: number;
}): Promise<Running> => {
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bytes = await buffer(request);
    const routeKey = `${request.method} ${new URL(request.url ?? '/', 'http://gateway').pathname}`;
    const integration = routes[routeKey];
    const { statusCode, headers, body } =
      integration === undefined ? NOT_FOUND : await answerOf(integration, eventOf(request, { bytes, routeKey }));
    response.writeHead(statusCode, headers).end(body);
  };
  return listen(
    createServer((request, response) => void serve(request, response)),
    port,
  );
};

const message = (statusCode: number, text: string) => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ message: text }),
});
const NOT_FOUND = message(404, 'Not Found');
const FAILED = message(500, 'Internal Server Error');

const answerOf = async (integration: Integration, event: object) => {
  try {
    const result = (await integration(event)) as Result | null;
    if (typeof result !== 'object' || result?.statusCode === undefined) return FAILED;
    const { statusCode, headers = {}, body = '', isBase64Encoded = false } = result;
    return { statusCode, headers, body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') };
  } catch {
    return FAILED;
  }
};

/** The event of a request. */
export const eventOf = (
  {
    method = '',
    url = '/',
    headers: given,
    httpVersion,
  }: Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'httpVersion'>,
  { bytes, routeKey }: { bytes: Buffer; routeKey: string },
) => {
  const { pathname, search } = new URL(url, 'http://gateway');
  const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
  const isText = TEXT.test(headers['content-type'] ?? '');
  const now = new Date();
  return {
    version: '2.0',
    routeKey,
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers,
    requestContext: {
      accountId: '000000000000',
      apiId: 'sandbox',
      domainName: headers['host'] ?? '',
      domainPrefix: 'sandbox',
      http: {
        method,
        path: pathname,
        protocol: `HTTP/${httpVersion}`,
        sourceIp: '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    ...(bytes.length > 0 && { body: bytes.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: bytes.length > 0 && !isText,
  };
};
