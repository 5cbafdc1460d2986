/**
 * The page's server side: its three files, one stream of changes, and the acts of the person it shows.
 * What a person must not see (answers to others, other people's forms) never leaves here.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyOf } from '../http.ts';
import type { People } from '../people.ts';
import { type Change, type Person, APP, TEAM, type Workspace } from '../workspace.ts';

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** `/` is the page, and beside it lie its own files; nothing else is sent. */
const FILE = /^\/(|[a-z]+\.(?:css|js))$/;

/** Switches that a sandbox may show beside the channel: bad days, to be turned on and off. */
export type FaultSwitches = {
  switches(): unknown[];
  turn(name: string, to: { isOn: boolean; value?: number }): Promise<void>;
  onChange(listener: () => void): () => void;
};

type Parts = {
  workspace: Workspace;
  people: People;
  command: string;
  /** Filled once the rest of the sandbox is there; null where the stand-in is alone. */
  offered: { faults: FaultSwitches | null };
};

/** The handler for everything that is not Slack's own address space. */
export const servePage =
  (parts: Parts) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const file = FILE.exec(pathname)?.[1];
    if (!isLocal(request)) response.writeHead(403).end('this page answers on this machine only');
    else if (request.method === 'POST' && pathname.startsWith('/act/')) {
      if (!(request.headers['content-type'] ?? '').startsWith('application/json')) response.writeHead(415).end();
      else await act(parts, { name: pathname.slice('/act/'.length), body: await bodyOf(request) }, response);
    } else if (pathname === '/changes') follow(parts, viewer(parts.workspace, searchParams.get('person')), response);
    else if (file !== undefined) await sendFile(response, file === '' ? 'index.html' : file);
    else response.writeHead(404).end('not found');
  };

/** A page of another site must not reach in under a name that points here. */
const isLocal = (request: IncomingMessage): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? '');

const sendFile = async (response: ServerResponse, name: string): Promise<void> => {
  const bytes = await readFile(new URL(name, import.meta.url)).catch(() => null);
  if (bytes === null) {
    response.writeHead(404).end('not found');
    return;
  }
  response.writeHead(200, {
    'content-type': TYPES[name.slice(name.lastIndexOf('.') + 1)],
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'self'; img-src * data:; frame-ancestors 'none'",
  });
  response.end(bytes);
};

type Act = {
  person: string;
  text?: string;
  threadTs?: string | null;
  where?: string;
  actionId?: string;
  chosen?: unknown;
  viewId?: string;
  values?: Record<string, unknown>;
  fault?: string;
  isOn?: boolean;
  value?: number;
};

const act = async (parts: Parts, request: { name: string; body: Buffer }, response: ServerResponse): Promise<void> => {
  const { people } = parts;
  const given = JSON.parse(request.body.toString()) as Act;
  const { person, text = '', where = '', actionId = '', viewId = '' } = given;
  const acts: Record<string, () => Promise<unknown>> = {
    type: () => people.type(person, text, given.threadTs ?? null),
    click: () => people.click(person, where, { actionId, chosen: given.chosen }),
    submit: () => people.submit(person, viewId, given.values ?? {}),
    dismiss: () => people.dismiss(person, viewId),
    home: () => people.openHome(person),
    fault: () => turnFault(parts, given),
  };
  const perform = Object.hasOwn(acts, request.name) ? acts[request.name] : undefined;
  if (perform === undefined) {
    response.writeHead(404).end();
    return;
  }
  const result = (await perform()) ?? null;
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ result }));
};

const turnFault = async ({ offered }: Parts, { fault = '', isOn = false, value }: Act): Promise<void> => {
  await offered.faults?.turn(fault, { isOn, ...(value !== undefined && { value }) });
};

/** The person a page is shown to: the first one where it names none. */
const viewer = (workspace: Workspace, name: string | null): Person | null =>
  name === null || name === '' ? (workspace.people[0] ?? null) : workspace.person(name);

/** Server-sent events: everything the person sees now, then each change. */
const follow = (parts: Parts, person: Person | null, response: ServerResponse): void => {
  const { workspace } = parts;
  if (person === null) {
    response.writeHead(404).end('nobody has that name');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const emit = (event: string, data: unknown): void => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const isSeen = (message: { visibleTo: string | null }): boolean =>
    message.visibleTo === null || message.visibleTo === person.id;
  emit('everything', {
    me: person,
    people: workspace.people,
    channel: workspace.channels[0],
    app: APP,
    team: TEAM,
    command: parts.command,
    messages: workspace.messages().filter(isSeen),
    forms: workspace.forms(person.id),
    home: workspace.home(person.id),
    faults: parts.offered.faults?.switches() ?? null,
  });
  const stopFaults = parts.offered.faults?.onChange(() => emit('faults', parts.offered.faults?.switches()));
  const stop = workspace.onChange((change: Change) => {
    if (change.kind === 'message' && isSeen(change.message)) emit('message', change.message);
    if (change.kind === 'deleted') emit('deleted', { ts: change.ts });
    if (change.kind === 'forms' && change.user === person.id) emit('forms', workspace.forms(person.id));
    if (change.kind === 'home' && change.user === person.id) emit('home', workspace.home(person.id));
  });
  response.on('close', () => {
    stop();
    stopFaults?.();
  });
};
