/**
 * The Slack stand-in: Web API, signed requests to the app, response URLs, and a page where people use the channel.
 *
 * `serves` in `web-api.ts` says what it knows; the rest gets Slack's own errors. It listens on this machine only: the
 * page asks for no password.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { showAnswer } from './answers.ts';
import { createResponseUrls, createTriggers, httpSender, type Send } from './delivery.ts';
import { servePage } from './page/serve-page.ts';
import { createPeople, type People } from './people.ts';
import { type Arguments, Refusal, type Reply } from './refusal.ts';
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
    /** Makes the next `times` calls of `method` fail. */
    fail(method: string, fault: Fault): void;
  };
};

/** Starts the stand-in; resolves when it listens. */
export const startSlack = async (options: SlackOptions): Promise<SlackStandIn> => {
  const now = options.now ?? (() => new Date());
  const ackMilliseconds = options.ackMilliseconds ?? 3_000;
  const workspace = createWorkspace({
    channel: options.channel,
    people: options.people,
    directory: options.directory,
    now,
  });
  const triggers = createTriggers(now);
  let url = '';
  let { appUrl } = options;
  const responseUrls = createResponseUrls({ baseUrl: () => url, now });
  const sockets = createSocketMode({ ackMilliseconds, url: () => url });
  const send: Send = (envelope) => {
    if (sockets.isConnected()) return sockets.send(envelope);
    if (appUrl === undefined) return Promise.resolve({ isTaken: false, error: 'dispatch_failed' });
    return httpSender({ appUrl, signingSecret: options.signingSecret, ackMilliseconds, now })(envelope);
  };
  const people = createPeople({ workspace, command: options.command ?? '/octo', send, triggers, responseUrls });
  const webApi = createWebApi({
    workspace,
    redeemTrigger: triggers.redeem,
    socketUrl: sockets.issueUrl,
    fileUrl: (id) => `${url}/upload/${id}`,
  });
  const limits = createRateLimits(now);

  const callMethod = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = pathOf(request).slice('/api/'.length);
    const args = decodeArguments(await bodyOf(request), request.headers['content-type'] ?? '');
    const refused = limits.refusal(method, typeof args['channel'] === 'string' ? args['channel'] : '');
    if (refused !== null) {
      answer(response, refused.body, { status: refused.status, headers: refused.headers });
      return;
    }
    answer(
      response,
      tryCall(() => {
        const wanted = method === 'apps.connections.open' ? options.appToken : options.botToken;
        checkToken(tokenOf(request, args), { wanted, known: [options.botToken, options.appToken] });
        return webApi.call(method, args);
      }),
    );
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = decodeArguments(await bodyOf(request), request.headers['content-type'] ?? '');
    const target = responseUrls.redeem(pathOf(request).slice('/respond/'.length));
    const error = 'error' in target ? target.error : showAnswer(workspace, target, body);
    if (error === null) response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
    else answer(response, { ok: false, error }, { status: 'error' in target ? 404 : 400 });
  };

  const moveFile = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = pathOf(request).slice('/upload/'.length);
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

  const page = servePage({ workspace, people, command: options.command ?? '/octo', bodyOf });
  const server = createServer((request, response) => {
    const path = pathOf(request);
    const handle = path.startsWith('/api/')
      ? callMethod
      : path.startsWith('/respond/')
        ? respond
        : path.startsWith('/upload/')
          ? moveFile
          : page;
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  server.on('upgrade', sockets.upgrade);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    apiUrl: `${url}/api/`,
    close: () => {
      sockets.close();
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
    api: {
      ...people,
      deliverTo: (address) => {
        appUrl = address;
      },
      channelId: workspace.channels[0]!.id,
      person: workspace.person,
      messages: workspace.messages,
      forms: (who) => workspace.forms(workspace.person(who)?.id ?? ''),
      home: (who) => workspace.home(workspace.person(who)?.id ?? ''),
      onChange: workspace.onChange,
      fail: limits.fail,
    },
  };
};

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

const tokenOf = (request: IncomingMessage, args: Arguments): string | null => {
  const header = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  return header ?? (typeof args['token'] === 'string' ? args['token'] : null);
};

/** Arguments come as a form, whose structured values are JSON, or as JSON. */
const JSON_ARGUMENTS = new Set(['blocks', 'view', 'metadata', 'files', 'attachments']);

const decodeArguments = (body: Buffer, contentType: string): Arguments => {
  const text = body.toString();
  if (contentType.startsWith('application/json')) return parsed(text) as Arguments;
  const args: Arguments = {};
  for (const [name, value] of new URLSearchParams(text)) args[name] = JSON_ARGUMENTS.has(name) ? parsed(value) : value;
  return args;
};

/** Text that is no JSON stays text, which no rule for blocks or views accepts. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

const pathOf = (request: IncomingMessage): string => new URL(request.url ?? '/', 'http://localhost').pathname;

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** A file comes as it is, or as the one part of a form. */
const fileOf = async (request: IncomingMessage): Promise<Buffer> => {
  const body = await bodyOf(request);
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/')) return body;
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  const [part] = form.values();
  return part instanceof Blob ? Buffer.from(await part.arrayBuffer()) : Buffer.from(part ?? '');
};

const answer = (
  response: ServerResponse,
  body: Reply,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void => {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
};
