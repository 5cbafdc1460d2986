/**
 * Task tokens as they look outside: opaque, and as long as those of Step Functions may get, so that nobody builds on short ones.
 * Inside, the engine's tokens begin with the name of their run; the state machine is added here.
 */
import { createHash } from 'node:crypto';
import { refusal } from '../refusal.ts';

const ENGINE_TOKEN = /[A-Za-z0-9_-]{1,80}\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const MAX_CHARACTERS = 2048;
const FILLER_ROUNDS = 12;

const filler = (token: string): string =>
  Array.from({ length: FILLER_ROUNDS }, (_, round) =>
    createHash('sha256').update(`${token}${round}`).digest('base64'),
  ).join('');

/** The token of `machine` for the outside. */
const wireToken = (machine: string, token: string): string =>
  Buffer.from(JSON.stringify({ machine, token, filler: filler(token) })).toString('base64');

/** A value in which every token of `machine` is as it is outside. */
export const withWireTokens = (machine: string, value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? null).replaceAll(ENGINE_TOKEN, (token) => wireToken(machine, token)));

/** What a token from outside stands for. */
export const readToken = (wire: string): { machine: string; token: string } => {
  const bad = refusal(400, 'InvalidToken', { message: "Invalid Token: 'Invalid token'" });
  if (wire === '' || wire.length > MAX_CHARACTERS) throw bad;
  try {
    const { machine, token } = JSON.parse(Buffer.from(wire, 'base64').toString('utf8')) as Record<string, unknown>;
    if (typeof machine !== 'string' || typeof token !== 'string' || wireToken(machine, token) !== wire) throw bad;
    return { machine, token };
  } catch {
    throw bad;
  }
};
