/**
 * Asks a store whether its conditional writes are real: many S3 look-alikes accept the headers and overwrite anyway.
 * Everything that must happen once rests on them, so `octo check` fails on a store that ignores them.
 */
import { isOctoError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';

/** Writes at `key`, which must be free and is removed again; also proves that the store can be written, read and deleted in. */
export const probeConditionalWrites = async (
  store: ObjectStore,
  key: string,
): Promise<{ createIsConditional: boolean; changeIsConditional: boolean }> => {
  try {
    const first = await store.create(key, Buffer.from('first'));
    const createIsConditional = await isRefused(store.create(key, Buffer.from('again')), 'StoreKeyExists');
    const current = (await store.head(key)) ?? first;
    const second = await store.change(key, Buffer.from('second'), { etag: current.etag });
    const isOldTagRefused = await isRefused(
      store.change(key, Buffer.from('third'), { etag: current.etag }),
      'StoreChanged',
    );
    return { createIsConditional, changeIsConditional: isOldTagRefused && second.etag !== current.etag };
  } finally {
    await store.delete(key);
  }
};

const isRefused = async (write: Promise<unknown>, code: ErrorCode): Promise<boolean> => {
  try {
    await write;
    return false;
  } catch (error) {
    if (isOctoError(error, code)) return true;
    throw error;
  }
};
