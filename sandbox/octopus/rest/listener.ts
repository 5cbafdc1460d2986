/** The HTTP side of a running node: faults first, then who calls, then the route; every refusal in the API's own form. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Caller, Route } from './rest.ts';
import { authenticate, errorBody, matchRoute, readBody, RestError, sendFile, sendJson } from './rest.ts';
import { fileRoutes } from './routes-files.ts';
import { nodeRoutes } from './routes-nodes.ts';
import { sleeperRoutes } from './routes-sleepers.ts';
import { systemRoutes } from './routes-system.ts';
import { taskRoutes } from './routes-tasks.ts';
import { DEFAULT_SPACE } from '../data/rows.ts';
import type { RunningNode } from '../node/running-node.ts';
import { logLine } from '../node/running-node.ts';

export const routes: readonly Route[] = [
  ...systemRoutes,
  ...nodeRoutes,
  ...taskRoutes,
  ...fileRoutes,
  ...sleeperRoutes,
];

/** The operations this stand-in serves, and the ones our program might miss. */
export const serves = [
  ...routes.map(({ method, path, note }) => ({
    operation: `${method} ${path}`,
    extent: note === undefined ? ('full' as const) : ('part' as const),
    note: note ?? '',
  })),
  { operation: 'GET /api/serverstatus/system-report', extent: 'none' as const, note: '' },
  { operation: 'GET /api/serverstatus/logs', extent: 'none' as const, note: '' },
  { operation: 'DELETE /api/octopusservernodes/{id}', extent: 'none' as const, note: '' },
  { operation: 'GET /api/scheduler', extent: 'none' as const, note: '' },
];

/** Listens on the loopback address. */
export const listen = async (node: RunningNode, port: number): Promise<Server> => {
  const server = createServer((request, response) => {
    answer(node, request, response).catch((thrown: unknown) => {
      logLine(node, 'ERROR', String(thrown));
      if (!response.headersSent) sendJson(response, 500, errorBody('An unexpected error occurred in Octopus Server.'));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
};

const answer = async (node: RunningNode, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (await isBroken(node, url, response)) return;
  try {
    const answer = await serve(node, request, url);
    if ('file' in answer) await sendFile(response, answer.file);
    else sendJson(response, answer.status ?? 200, answer.body);
  } catch (thrown) {
    if (!(thrown instanceof RestError)) throw thrown;
    sendJson(response, thrown.status, errorBody(thrown.message, thrown.errors));
  }
};

/** Plays the faults that are on; true when the call has been dealt with. */
const isBroken = async ({ faults }: RunningNode, url: URL, response: ServerResponse): Promise<boolean> => {
  if (faults.isSilent) return true;
  if (faults.delayMs > 0) await sleep(faults.delayMs);
  if (faults.proxyPageStatus !== null) {
    response.writeHead(faults.proxyPageStatus, { 'Content-Type': 'text/html' });
    response.end('<html><body><h1>Gateway</h1></body></html>');
    return true;
  }
  if (faults.status === null || url.pathname === '/api') return false;
  sendJson(response, faults.status, errorBody('The server was told to fail.'));
  return true;
};

const serve = async (node: RunningNode, request: IncomingMessage, url: URL): Promise<Answer> => {
  const path = url.pathname.length > 1 ? url.pathname.replace(/\/$/, '') : url.pathname;
  const match = matchRoute(routes, { method: request.method ?? 'GET', path });
  const needs = match?.route.needs ?? 'key';
  const caller = needs === 'nothing' ? null : await authenticate(node.database, headerOf(request));
  if (match === null) throw notServed(path);
  if (needs === 'AdministerSystem') checkAdministrator(caller);
  const body = request.method === 'PUT' || request.method === 'POST' ? await readBody(request) : {};
  const spaceId = match.spaceId ?? DEFAULT_SPACE;
  return match.route.answer(node, { query: url.searchParams, path, names: match.names, spaceId, body, caller });
};

const headerOf = (request: IncomingMessage): string | undefined => {
  const value = request.headers['x-octopus-apikey'];
  return typeof value === 'string' ? value : undefined;
};

const notServed = (path: string): RestError => {
  const isOtherMethod = routes.some((route) => matchRoute([route], { method: route.method, path }) !== null);
  return isOtherMethod
    ? new RestError(405, 'The method is not allowed for this resource.')
    : new RestError(404, 'The resource you requested was not found.');
};

const checkAdministrator = (caller: Caller | null): void => {
  if (caller?.isAdministrator) return;
  const missing = 'Missing permission: AdministerSystem';
  throw new RestError(
    403,
    `You do not have permission to perform this action. Please contact your Octopus administrator. ${missing}`,
  );
};
