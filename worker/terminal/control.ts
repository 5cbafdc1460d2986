/**
 * How a terminal reaches the program that already runs on this machine: HTTP on the loopback address, with a token that
 * lies beside the data and that only the account of the program can read.
 *
 * Whoever can read that file is the account itself, so the account name a caller states is taken as it is.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod';
import { OctoError, type ErrorJson } from '../../lib/domain/errors.ts';
import type { Reply } from '../../lib/domain/reply.ts';

const TypedCommand = z.strictObject({ text: z.string().max(4000), account: z.string(), requestKey: z.string() });
export type TypedCommand = z.infer<typeof TypedCommand>;

type Answer = { reply: Reply } | { error: ErrorJson };

const Address = z.strictObject({ port: z.number(), token: z.string() });

/** Listens for commands until closed. */
export const serveControl = async (
  dataDirectory: string,
  perform: (command: TypedCommand) => Promise<Reply>,
): Promise<{ close(): Promise<void> }> => {
  const token = randomBytes(32).toString('hex');
  const server = createServer((request, response) => {
    void serve(request, response, { token, perform });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const file = addressFile(dataDirectory);
  mkdirSync(dataDirectory, { recursive: true });
  rmSync(file, { force: true });
  writeFileSync(file, JSON.stringify({ port: (server.address() as AddressInfo).port, token }), { mode: 0o600 });
  return {
    close: () =>
      new Promise((resolve) => {
        rmSync(file, { force: true });
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** The running program's answer, or null when none runs on this data. @throws what the command threw there */
export const askRunning = async (dataDirectory: string, command: TypedCommand): Promise<Reply | null> => {
  const address = readAddress(dataDirectory);
  if (address === null) return null;
  const response = await fetch(`http://127.0.0.1:${address.port}/commands`, {
    method: 'POST',
    headers: { authorization: `Bearer ${address.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(command),
  }).catch(() => null);
  // Refused, or somebody else's port by now: the program that wrote the file is gone.
  if (response === null || response.status === 401) return null;
  const answer = (await response.json()) as Answer;
  if ('error' in answer) throw OctoError.fromJSON(answer.error);
  return answer.reply;
};

type Service = { token: string; perform: (command: TypedCommand) => Promise<Reply> };

const serve = async (request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> => {
  const { status, body } = await answer(request, service);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const answer = async (
  request: IncomingMessage,
  { token, perform }: Service,
): Promise<{ status: number; body: Answer | { error: string } }> => {
  if (!isEqual(request.headers.authorization ?? '', `Bearer ${token}`))
    return { status: 401, body: { error: 'token' } };
  try {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const command = TypedCommand.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    return { status: 200, body: { reply: await perform(command) } };
  } catch (thrown) {
    return { status: 200, body: { error: OctoError.from(thrown).toJSON() } };
  }
};

const isEqual = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

const addressFile = (dataDirectory: string): string => join(dataDirectory, 'control.json');

const readAddress = (dataDirectory: string): z.infer<typeof Address> | null => {
  try {
    return Address.parse(JSON.parse(readFileSync(addressFile(dataDirectory), 'utf8')));
  } catch {
    return null;
  }
};
