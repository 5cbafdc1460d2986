/**
 * Growing columns of numbers and digests: a million files as objects cost a gigabyte, as columns a tenth of it.
 */

export type Numbers = {
  readonly length: number;
  push(value: number): number;
  at(row: number): number;
  set(row: number, value: number): void;
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
  };
};

export const DIGEST_BYTES = 32;

export type Digests = { push(hex: string): number; hex(row: number): string; prefix(row: number): bigint };

/** A column of SHA-256 digests; `''` stands for none. */
export const digests = (): Digests => {
  let bytes = Buffer.alloc(64 * DIGEST_BYTES);
  let isSet = Buffer.alloc(64);
  let length = 0;
  return {
    push(hex) {
      if (length === isSet.length) {
        bytes = Buffer.concat([bytes, Buffer.alloc(bytes.length)]);
        isSet = Buffer.concat([isSet, Buffer.alloc(isSet.length)]);
      }
      isSet[length] = bytes.write(hex, length * DIGEST_BYTES, 'hex') === DIGEST_BYTES ? 1 : 0;
      return length++;
    },
    hex: (row) => (isSet[row] === 1 ? bytes.toString('hex', row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES) : ''),
    prefix: (row) => bytes.readBigUInt64BE(row * DIGEST_BYTES),
  };
};
