/**
 * Growing columns of numbers and digests: a million files as objects cost a gigabyte, as columns a tenth of it.
 */

export type Numbers = {
  readonly length: number;
  push(value: number): number;
  at(row: number): number;
  set(row: number, value: number): void;
  /** The column as it lies in memory. */
  bytes(): Uint8Array;
};

/** A column of numbers; `push` returns the row. */
export const numbers = (): Numbers => {
  let values = new Float64Array(64);
  let length = 0;
  return {
    get length() {
      return length;
    },
    push(value) {
      if (length === values.length) {
        const larger = new Float64Array(length * 2);
        larger.set(values);
        values = larger;
      }
      values[length] = value;
      return length++;
    },
    at: (row) => values[row]!,
    set: (row, value) => {
      values[row] = value;
    },
    bytes: () => new Uint8Array(values.buffer, 0, length * values.BYTES_PER_ELEMENT),
  };
};

export const DIGEST_BYTES = 32;

/** In hex, or the bytes themselves as `raw` gives them; `''` or no bytes stand for none. */
export type Digest = string | Uint8Array;
export type Digests = {
  push(digest: Digest): number;
  has(row: number): boolean;
  hex(row: number): string;
  raw(row: number): Uint8Array;
  /** The first 64 bits. */
  prefix(row: number): bigint;
};

/** A column of SHA-256 digests. */
export const digests = (): Digests => {
  let bytes = Buffer.alloc(64 * DIGEST_BYTES);
  let isSet = Buffer.alloc(64);
  let length = 0;
  return {
    push(digest) {
      if (length === isSet.length) {
        bytes = Buffer.concat([bytes, Buffer.alloc(bytes.length)]);
        isSet = Buffer.concat([isSet, Buffer.alloc(isSet.length)]);
      }
      const at = length * DIGEST_BYTES;
      const written = typeof digest === 'string' ? bytes.write(digest, at, 'hex') : digest.length;
      if (typeof digest !== 'string') bytes.set(digest, at);
      isSet[length] = written === DIGEST_BYTES ? 1 : 0;
      return length++;
    },
    has: (row) => isSet[row] === 1,
    hex: (row) => (isSet[row] === 1 ? bytes.toString('hex', row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES) : ''),
    raw: (row) => bytes.subarray(row * DIGEST_BYTES, (row + isSet[row]!) * DIGEST_BYTES),
    prefix: (row) => bytes.readBigUInt64BE(row * DIGEST_BYTES),
  };
};
