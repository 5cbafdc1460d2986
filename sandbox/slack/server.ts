/**
 * The Slack stand-in: Web API, signed requests to the app, response URLs, and a page where people use the channel.
 *
 * `serves` in `web-api.ts` says what it knows; the rest gets Slack's own errors. It listens on this machine only: the
 * page asks for no password.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { showAnswer } from './answers.ts';
import { createResponseUrls, createTriggers, httpSender, type Send } from './delivery.ts';
import { answer, argumentsOf, fileOf, pathOf, tokenOf } from './http.ts';
import { Refusal, type Reply } from './methods/refusal.ts';
import { type FaultSwitches, servePage } from './page/serve-page.ts';
import { createPeople, type People } from './people.ts';
import { createRateLimits, type Fault } from './rate-limits.ts';
import { createSocketMode } from './socket-mode.ts';
import { createWebApi } from './web-api.ts';
import { type Change, createWorkspace, type Person, type StoredMessage, type StoredView } from './workspace.ts';

export type SlackOptions = {
  port?: number;
  /** Where signed requests go; may be told later with `api.deliverTo`. Without it the app must use Socket Mode. */
  appUrl?: string;
  signingSecret: string;
  botToken: string;
  /** Opens Socket Mode connections. */
  appToken?: string;
  channel: string;
  people: readonly string[];
  command?: string;
  /** Keeps the channel over a restart. */
  directory?: string;
  now?: () => Date;
  /** How long the app has to acknowledge; Slack's three seconds unless a test says otherwise. */
  ackMilliseconds?: number;
};

export type SlackStandIn = {
  url: string;
  /** What `slackApiUrl` of the official clients takes. */
  apiUrl: string;
  close(): Promise<void>;
  api: People & {
    deliverTo(appUrl: string): void;
    channelId: string;
    /** By name or id. */
    person(who: string): Person | null;
    messages(): readonly StoredMessage[];
    forms(who: string): readonly StoredView[];
    home(who: string): StoredView | null;
    onChange(listener: (change: Change) => void): () => void;
    /** Shows switches for what may go wrong beside the channel. */
    offerFaults(board: FaultSwitches): void;
    /** Makes the next `times` calls of `method` fail. */
    fail(method: string, fault: Fault): void;
  };
};

/** Starts the stand-in; resolves when it listens. */
export const startSlack = async (options: SlackOptions): Promise<SlackStandIn> => {
  const address = { own: '', app: options.appUrl };
  const parts = assemble(options, address);
  const { workspace, people, sockets, limits } = parts;
  const server = createServer(listener(parts));
  server.on('upgrade', sockets.upgrade);
  address.own = await listen(server, options.port ?? 0);
  const idOf = (who: string): string => workspace.person(who)?.id ?? '';
  return {
    url: address.own,
    apiUrl: `${address.own}/api/`,
    close: () => {
      sockets.close();
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
    api: {
      ...people,
      deliverTo: (appUrl) => {
        address.app = appUrl;
      },
      channelId: workspace.channels[0]!.id,
      person: workspace.person,
      messages: workspace.messages,
      forms: (who) => workspace.forms(idOf(who)),
      home: (who) => workspace.home(idOf(who)),
      onChange: workspace.onChange,
      offerFaults: (board) => {
        parts.offered.faults = board;
      },
      fail: limits.fail,
    },
  };
};

type Parts = ReturnType<typeof assemble>;

/** Everything but the server. `address` is filled in when it listens, and when the app is known. */
const assemble = (options: SlackOptions, address: { own: string; app: string | undefined }) => {
  const { signingSecret, command = '/octo', now = () => new Date(), ackMilliseconds = 3_000 } = options;
  const workspace = createWorkspace({ ...options, directory: options.directory, now });
  const triggers = createTriggers(now);
  const responseUrls = createResponseUrls({ baseUrl: () => address.own, now });
  const sockets = createSocketMode({ ackMilliseconds, url: () => address.own });
  const send: Send = (envelope) => {
    if (sockets.isConnected()) return sockets.send(envelope);
    if (address.app === undefined) return Promise.resolve({ isTaken: false, error: 'dispatch_failed' });
    return httpSender({ appUrl: address.app, signingSecret, ackMilliseconds, now })(envelope);
  };
  const webApi = createWebApi({
    workspace,
    redeemTrigger: triggers.redeem,
    socketUrl: sockets.issueUrl,
    fileUrl: (id) => `${address.own}/upload/${id}`,
  });
  const people = createPeople({ workspace, command, send, triggers, responseUrls });
  const offered: { faults: FaultSwitches | null } = { faults: null };
  return { options, command, workspace, responseUrls, sockets, webApi, people, offered, limits: createRateLimits(now) };
};

const listen = async (server: Server, port: number): Promise<string> => {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

type Handle = (parts: Parts, request: IncomingMessage, response: ServerResponse) => Promise<void>;

const listener = (parts: Parts): RequestListener => {
  const page = servePage(parts);
  return (request, response) => {
    const [, place = ''] = pathOf(request).split('/');
    const handle = Object.hasOwn(PLACES, place) ? PLACES[place] : undefined;
    const handled = handle === undefined ? page(request, response) : handle(parts, request, response);
    handled.catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  };
};

/** One call of the Web API. */
const callMethod: Handle = async ({ options, webApi, limits }, request, response) => {
  const method = lastPart(request);
  const args = await argumentsOf(request);
  const refused = limits.refusal(method, typeof args['channel'] === 'string' ? args['channel'] : '');
  if (refused !== null) {
    answer(response, refused.body, { status: refused.status, headers: refused.headers });
    return;
  }
  const wanted = method === 'apps.connections.open' ? options.appToken : options.botToken;
  const reply = tryCall(() => {
    checkToken(tokenOf(request, args), { wanted, known: [options.botToken, options.appToken] });
    return webApi.call(method, args);
  });
  answer(response, reply);
};

/** An answer through a response URL. */
const respond: Handle = async ({ workspace, responseUrls }, request, response) => {
  const body = await argumentsOf(request);
  const target = responseUrls.redeem(lastPart(request));
  const error = 'error' in target ? target.error : showAnswer(workspace, target, body);
  if (error === null) response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
  else answer(response, { ok: false, error }, { status: 'error' in target ? 404 : 400 });
};

/** The bytes of a file, from the app or to a reader. */
const moveFile: Handle = async ({ webApi }, request, response) => {
  const id = lastPart(request);
  if (request.method === 'POST') {
    const isTaken = webApi.files.receive(id, await fileOf(request));
    response.writeHead(isTaken ? 200 : 404).end(isTaken ? `OK - ${id}` : 'unknown upload');
    return;
  }
  const file = webApi.files.read(id);
  const name = encodeURIComponent(file?.name ?? '');
  response.writeHead(file === null ? 404 : 200, { 'content-disposition': `attachment; filename*=UTF-8''${name}` });
  response.end(file?.bytes);
};

/** The first part of a path says who answers; everything else is the page's. */
const PLACES: Record<string, Handle> = { api: callMethod, respond, upload: moveFile };

const lastPart = (request: IncomingMessage): string => pathOf(request).split('/').at(-1) ?? '';

const tryCall = (call: () => Reply): Reply => {
  try {
    return call();
  } catch (error) {
    if (error instanceof Refusal) return error.body;
    throw error;
  }
};

const checkToken = (
  token: string | null,
  rule: { wanted: string | undefined; known: (string | undefined)[] },
): void => {
  if (token === null) throw new Refusal('not_authed');
  if (!rule.known.includes(token)) throw new Refusal('invalid_auth');
  if (token !== rule.wanted) throw new Refusal('not_allowed_token_type');
};
