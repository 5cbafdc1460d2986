import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import { probeConditionalWrites } from '../../lib/repository/probe-store.ts';

let directory: string;
let store: ObjectStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-probe-'));
  store = directoryObjectStore({ directory });
});
afterEach(() => rm(directory, { recursive: true }));

/** Writes whatever the condition: what many servers that look like S3 do. */
const overwrite = async (key: string, bytes: Uint8Array) => {
  await store.delete(key);
  return store.create(key, bytes);
};

test('a store that ignores If-None-Match is found out', async () => {
  expect(await probeConditionalWrites({ ...store, create: overwrite }, 'probe')).toEqual({
    createIsConditional: false,
    changeIsConditional: true,
  });
  expect(await store.head('probe')).toBeNull();
});

test('a store that ignores If-Match is found out', async () => {
  expect(await probeConditionalWrites({ ...store, change: overwrite }, 'probe')).toEqual({
    createIsConditional: true,
    changeIsConditional: false,
  });
});

test('a store that refuses for another reason is not called conditional', async () => {
  const denied = new OctoError('StoreDenied', 'no');
  const change = () => Promise.reject(denied);
  await expect(probeConditionalWrites({ ...store, change }, 'probe')).rejects.toBe(denied);
  expect(await store.head('probe')).toBeNull();
});
