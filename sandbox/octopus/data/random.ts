/**
 * Randomness from a seed: the same seed gives the same instance, byte for byte. Not for keys of anything real.
 * Numbers come from mulberry32, bulk bytes from an AES-CTR key stream, which fills hundreds of megabytes a second.
 */
import { createCipheriv, createHash } from 'node:crypto';

export type Random = {
  /** A whole number from `min` up to and including `max`. */
  int(min: number, max: number): number;
  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T;
  chance(probability: number): boolean;
  /** Bytes that no compressor makes smaller. */
  bytes(count: number): Buffer;
  /** Lower-case letters and digits. */
  word(length: number): string;
  /** An independent stream: drawing from it does not move this one. */
  branch(name: string): Random;
};

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** The stream that belongs to `seed`. */
export const seededRandom = (seed: string): Random => {
  const digest = createHash('sha256').update(seed).digest();
  let state = digest.readUInt32LE(0);
  let drawnBuffers = 0;

  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (min: number, max: number): number => min + Math.floor(fraction() * (max - min + 1));
  const pick = <T>(items: readonly T[]): T => items[int(0, items.length - 1)] as T;

  return {
    int,
    pick,
    chance: (probability) => fraction() < probability,
    bytes: (count) => {
      const counter = Buffer.alloc(16);
      counter.writeUInt32BE(drawnBuffers++, 0);
      return createCipheriv('aes-256-ctr', digest, counter).update(Buffer.alloc(count));
    },
    word: (length) => Array.from({ length }, () => LETTERS[int(0, LETTERS.length - 1)]).join(''),
    branch: (name) => seededRandom(`${digest.toString('hex')}/${name}`),
  };
};
