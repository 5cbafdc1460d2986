import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { readRecord, UNCHANGED, update } from '../../lib/repository/update.ts';

const Count = z.strictObject({ count: z.number() });
const at = { key: 'prod/count.json', schema: Count };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-update-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('creates what is absent, changes what is there, and leaves readable text', async () => {
  const store = directoryObjectStore({ directory });
  expect(await update(store, at, (current) => ({ count: (current?.count ?? 0) + 1 }))).toEqual({ count: 1 });
  expect(await update(store, at, (current) => ({ count: (current?.count ?? 0) + 1 }))).toEqual({ count: 2 });
  expect(String((await store.read(at.key))?.bytes)).toBe('{\n  "count": 2\n}\n');
  expect(await readRecord(store, at)).toEqual({ count: 2 });
});

test('an unchanged record is not written', async () => {
  const written: string[] = [];
  const store = directoryObjectStore({ directory, onWrite: (key) => written.push(key) });
  expect(await update(store, at, () => UNCHANGED)).toBeNull();
  await update(store, at, () => ({ count: 7 }));
  expect(await update(store, at, () => UNCHANGED)).toEqual({ count: 7 });
  expect(written).toEqual([at.key]);
});

test('no increment is lost between two stores that count together', async () => {
  const stores = [directoryObjectStore({ directory }), directoryObjectStore({ directory })];
  const increments = Array.from({ length: 12 }, (_, turn) =>
    update(stores[turn % 2]!, at, (current) => ({ count: (current?.count ?? 0) + 1 })),
  );
  await Promise.all(increments);
  expect(await readRecord(stores[0]!, at)).toEqual({ count: 12 });
});

test('a race that is lost every time ends with the store’s own error', async () => {
  const store = directoryObjectStore({ directory });
  await store.create(at.key, Buffer.from('{"count":0}'));
  let tries = 0;
  const alwaysLate = {
    ...store,
    change: (key: string, bytes: Uint8Array) => {
      tries++;
      return store.change(key, bytes, { etag: 'an older one' });
    },
  };
  await expect(update(alwaysLate, at, () => ({ count: 1 }))).rejects.toMatchObject({ code: 'StoreChanged' });
  expect(tries).toBe(16);
});

test('what `change` throws ends the loop and nothing is written', async () => {
  const store = directoryObjectStore({ directory });
  const refuse = () => {
    throw new RangeError('not now');
  };
  await expect(update(store, at, refuse)).rejects.toThrow(RangeError);
  expect(await store.head(at.key)).toBeNull();
});

test.each(['{"count":', '{"count":"one"}', ''])('a damaged record (%j) is named, never replaced', async (text) => {
  const store = directoryObjectStore({ directory });
  await store.create(at.key, Buffer.from(text));
  await expect(update(store, at, () => ({ count: 1 }))).rejects.toMatchObject({
    code: 'RecordDamaged',
    facts: { key: at.key },
  });
  expect(String((await store.read(at.key))?.bytes)).toBe(text);
});
