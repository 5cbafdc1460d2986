/**
 * The one compare-and-set loop: read a JSON record, work out the next one, write it if nobody was faster, else again.
 *
 * Run book, lock, cards and settings all change through here, so no writer ever overwrites another unknowingly.
 * Records are stored with two spaces of indentation and a newline at the end: people read them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';

/** Losing this often in a row means a hundred writers at once, or a store whose conditions do not hold. */
const MAX_TRIES = 16;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/** What `change` gives to leave the record as it is. */
export const UNCHANGED = Symbol('unchanged');

/** A stored JSON record: where it lies, and what it must look like. */
export type RecordAt<S extends z.ZodType> = { key: string; schema: S };

/**
 * Changes the record at `key` and gives what is stored afterwards.
 *
 * `change` gets the present record (`null` when there is none) and gives the next one, or `UNCHANGED`; it is
 * called again after each lost race. What it throws ends the loop.
 * @throws StoreChanged, StoreKeyExists, StoreConflict when the race was lost every time; RecordDamaged
 */
export const update = async <S extends z.ZodType>(
  store: ObjectStore,
  { key, schema }: RecordAt<S>,
  change: (current: z.output<S> | null) => z.output<S> | typeof UNCHANGED,
): Promise<z.output<S> | null> => {
  for (let tries = 1; ; tries++) {
    const stored = await readWithTag(store, { key, schema });
    const current = stored?.record ?? null;
    const next = change(current);
    if (next === UNCHANGED) return current;
    try {
      const bytes = encodeRecord(schema.parse(next));
      await (stored ? store.change(key, bytes, { etag: stored.etag }) : store.create(key, bytes));
      return next;
    } catch (error) {
      if (tries === MAX_TRIES || !isOctoError(error, 'StoreChanged', 'StoreKeyExists', 'StoreConflict')) throw error;
      // Real time, not the injected clock: the pause only keeps writers apart, nothing is decided by it.
      await sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries));
    }
  }
};

/** The record at `key`, or `null` when there is none. @throws RecordDamaged */
export const readRecord = async <S extends z.ZodType>(
  store: ObjectStore,
  at: RecordAt<S>,
): Promise<z.output<S> | null> => (await readWithTag(store, at))?.record ?? null;

/** A record as it is stored. */
export const encodeRecord = (record: unknown): Buffer => Buffer.from(`${JSON.stringify(record, null, 2)}\n`);

const readWithTag = async <S extends z.ZodType>(store: ObjectStore, { key, schema }: RecordAt<S>) => {
  const object = await store.read(key);
  return object && { record: decodeRecord(object.bytes, { key, schema }), etag: object.etag };
};

const decodeRecord = <S extends z.ZodType>(bytes: Buffer, { key, schema }: RecordAt<S>): z.output<S> => {
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new OctoError('RecordDamaged', `record "${key}" cannot be read`, { cause: error, facts: { key } });
  }
};
