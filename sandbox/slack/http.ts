/** Reading requests and writing answers of Slack's own addresses: forms or JSON in, JSON out. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Arguments, Reply } from './methods/refusal.ts';

export const pathOf = (request: IncomingMessage): string => new URL(request.url ?? '/', 'http://localhost').pathname;

export const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** In a form, structured arguments are JSON inside. */
const JSON_ARGUMENTS = new Set(['blocks', 'view', 'metadata', 'files', 'attachments']);

/** The arguments of a call, whichever way they came. */
export const argumentsOf = async (request: IncomingMessage): Promise<Arguments> => {
  const text = (await bodyOf(request)).toString();
  if ((request.headers['content-type'] ?? '').startsWith('application/json')) return parsed(text) as Arguments;
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

/** A file comes as it is, or as the one part of a form. */
export const fileOf = async (request: IncomingMessage): Promise<Buffer> => {
  const body = await bodyOf(request);
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/')) return body;
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  const [part] = form.values();
  return part instanceof Blob ? Buffer.from(await part.arrayBuffer()) : Buffer.from(part ?? '');
};

/** The bearer token of the header, or the one among the arguments. */
export const tokenOf = (request: IncomingMessage, args: Arguments): string | null => {
  const header = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  return header ?? (typeof args['token'] === 'string' ? args['token'] : null);
};

export const answer = (
  response: ServerResponse,
  body: Reply,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void => {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
};
