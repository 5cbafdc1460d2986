/**
 * The manners of the REST API: who calls, error bodies, collections with paging, route patterns.
 * What the routes answer is in `routes-*.ts`. Names are PascalCase throughout, as on the wire.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { hashApiKey } from '../data/cipher.ts';
import type { Database, Row } from '../data/database.ts';
import type { RunningNode } from '../node/running-node.ts';

export type Caller = { id: string; username: string; displayName: string; isAdministrator: boolean };

export type Call = {
  query: URLSearchParams;
  path: string;
  /** Values of the pattern's `{names}`. */
  names: Record<string, string>;
  /** The space in the path; the default space when there is none. */
  spaceId: string;
  body: Record<string, unknown>;
  /** `null` on the routes that need no key. */
  caller: Caller | null;
};

/** A body of JSON, or a file as it lies on the disk. */
export type Answer = { status?: number; body: unknown } | { file: string };

export type Route = {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `{name}` matches one part; a route below a space is listed without it. */
  path: string;
  needs: 'nothing' | 'key' | 'AdministerSystem';
  isInSpace?: boolean;
  note?: string;
  answer(node: RunningNode, call: Call): Promise<Answer>;
};

/** A refusal with the body every client of this API knows. */
export class RestError extends Error {
  readonly status: number;
  readonly errors: string[];

  constructor(status: number, message: string, errors: string[] = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

export const errorBody = (message: string, errors: string[] = []): object => ({
  ErrorMessage: message,
  Errors: errors,
  FullException: null,
  HelpText: null,
  HelpLink: null,
  ParsedHelpLinks: [],
  Details: null,
});

/** Whose key it is; throws 401 where there is none that counts. */
export const authenticate = async (database: Database, apiKey: string | undefined): Promise<Caller> => {
  if (apiKey === undefined || apiKey === '') {
    throw new RestError(
      401,
      'You must be logged in to request this resource. Please provide a valid API key or log in.',
    );
  }
  const [key] = await database.query<{ UserId: string }>('SELECT UserId FROM [ApiKey] WHERE ApiKeyHashed = @hash', {
    hash: hashApiKey(apiKey),
  });
  const [user] =
    key === undefined
      ? []
      : await database.query<{ Id: string; Username: string; IsActive: boolean; JSON: string }>(
          'SELECT Id, Username, IsActive, JSON FROM [User] WHERE Id = @id',
          { id: key.UserId },
        );
  if (!user?.IsActive) throw new RestError(401, 'The API key you provided was not valid.');
  const document = JSON.parse(user.JSON) as { DisplayName: string; TeamIds: string[] };
  return {
    id: user.Id,
    username: user.Username,
    displayName: document.DisplayName,
    isAdministrator: document.TeamIds.includes('teams-administrators'),
  };
};

/** The route and its `{names}` that serve a path, or `null`. */
export const matchRoute = (
  routes: readonly Route[],
  request: { method: string; path: string },
): { route: Route; names: Record<string, string>; spaceId: string | null } | null => {
  const inSpace = /^\/api\/(?:spaces\/)?(Spaces-\d+)(\/.*)$/.exec(request.path);
  const spaceId = inSpace?.[1] ?? null;
  for (const route of routes) {
    if (route.method !== request.method) continue;
    const direct = matchPath(route.path, request.path);
    if (direct !== null) return { route, names: direct, spaceId: null };
    const below = route.isInSpace && inSpace ? matchPath(route.path, `/api${inSpace[2]}`) : null;
    if (below !== null) return { route, names: below, spaceId };
  }
  return null;
};

const matchPath = (pattern: string, path: string): Record<string, string> | null => {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const names: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = decodeURIComponent(given[index] ?? '');
    if (part.startsWith('{')) names[part.slice(1, -1)] = value;
    else if (part.toLowerCase() !== value.toLowerCase()) return null;
  }
  return names;
};

const DEFAULT_TAKE = 30;

/** `skip` and `take` of a call. */
export const pageOf = (call: Call): { skip: number; take: number } => {
  const number = (name: string, otherwise: number): number => {
    const text = call.query.get(name);
    if (text === null) return otherwise;
    if (!/^\d+$/.test(text)) throw new RestError(400, `The value '${text}' is not valid for ${name}.`);
    return Number(text);
  };
  return { skip: number('skip', 0), take: number('take', DEFAULT_TAKE) };
};

/** One page of a collection, with the links that lead to the others. */
export const collection = (call: Call, content: { itemType: string; items: unknown[]; total: number }): object => {
  const { skip, take } = pageOf(call);
  const { itemType, items, total } = content;
  const link = (at: number): string => {
    const query = new URLSearchParams(call.query);
    query.set('skip', String(at));
    query.set('take', String(take));
    return `${call.path}?${query.toString()}`;
  };
  const pages = Math.max(1, Math.ceil(total / Math.max(1, take)));
  return {
    ItemType: itemType,
    TotalResults: total,
    ItemsPerPage: take,
    NumberOfPages: pages,
    LastPageNumber: pages - 1,
    Items: items,
    Links: {
      Self: link(skip),
      Template: `${call.path}{?skip,take}`,
      'Page.All': link(0),
      'Page.Current': link(skip),
      'Page.Last': link((pages - 1) * take),
      ...(skip + take < total ? { 'Page.Next': link(skip + take) } : {}),
    },
  };
};

/** Rows of a page, and how many there are in all. */
export const selectPage = async (
  database: Database,
  call: Call,
  from: { table: string; where: string; order: string; parameters: Row },
): Promise<{ rows: Row[]; total: number }> => {
  const { skip, take } = pageOf(call);
  const [count] = await database.query<{ Total: number }>(
    `SELECT COUNT(*) AS Total FROM [${from.table}] WHERE ${from.where}`,
    from.parameters,
  );
  const rows = await database.query(
    `SELECT * FROM [${from.table}] WHERE ${from.where} ORDER BY ${from.order} OFFSET @skip ROWS FETCH NEXT @take ROWS ONLY`,
    { ...from.parameters, skip, take: Math.max(1, take) },
  );
  return { rows: take === 0 ? [] : rows, total: count?.Total ?? 0 };
};

/** The request's JSON body; 400 where it is none. */
export const readBody = async (request: IncomingMessage): Promise<Record<string, unknown>> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return {};
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // Falls through to the same refusal as a body that is JSON but no object.
  }
  throw new RestError(400, 'The request body could not be read as a JSON object.');
};

export const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': bytes.length });
  response.end(bytes);
};

/** Announces the length first, as the original does, so that a client notices a body that breaks off. */
export const sendFile = async (response: ServerResponse, path: string): Promise<void> => {
  const { size } = await stat(path);
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': size });
  await pipeline(createReadStream(path), response);
};
