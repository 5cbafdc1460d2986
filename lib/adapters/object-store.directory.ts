/**
 * An object store in a directory: each object is one plain file, under the path that `directory/key-path.ts` gives its key.
 *
 * Writes are atomic and durable (`directory/write.ts`), also between processes. A kill leaves at most a
 * temporary file; the next process to use the store sweeps those that nobody has written to for an hour.
 */
import { hash } from 'node:crypto';
import { open, readdir, realpath, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OctoError } from '../domain/errors.ts';
import type { ByteRange, ObjectStore, ReadObject, StoredObject, Written } from '../ports/object-store.ts';
import { createFolders, orNull, statOrNull, storeErrorOf, unlinkIfThere } from './directory/durable-folder.ts';
import { isKey, pathOfKey } from './directory/key-path.ts';
import { listDirectory } from './directory/list.ts';
import { etagOf, storedObject } from './directory/version.ts';
import { once, publishChange, publishNew, removeFile } from './directory/write.ts';
import type { Place } from './directory/write.ts';
import { processLock } from './directory/process-lock.ts';
import type { ProcessLock } from './directory/process-lock.ts';

const OWN_FOLDER = '.octo';
const LEFTOVER_AGE_MS = 3_600_000;

export type DirectoryObjectStoreOptions = {
  directory: string;
  /** Called after each durable write of this store, with the key; must not throw. */
  onWrite?: (key: string) => void;
  /** Files and folders that only this account may read. */
  isPrivate?: boolean;
};

type WritablePlace = Place & { lock: ProcessLock };

/** An object store below `directory`, which is created when first written to; a read-only copy can be read. */
export const directoryObjectStore = (options: DirectoryObjectStoreOptions): ObjectStore => {
  const root = resolve(options.directory);
  let opened: Promise<WritablePlace> | undefined;
  const writable = async (): Promise<WritablePlace> => {
    opened ??= openForWriting(root, options.isPrivate ?? false);
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw error;
    }
  };
  /** Runs one operation on the path of `key`, with the file system's refusals translated. */
  const on = async <T>(key: string, doing: string, work: (path: string) => Promise<T>): Promise<T> => {
    try {
      return await work(await locate(root, key));
    } catch (error) {
      throw translated(error, `${doing} of "${key}"`);
    }
  };
  const written = (key: string, result: Written): Written => {
    options.onWrite?.(key);
    return result;
  };
  return {
    read: (key, { range, signal } = {}) =>
      on(key, 'read', (path) => {
        signal?.throwIfAborted();
        return readFile(path, range);
      }),
    head: (key) => on(key, 'head', (path) => statFile(path, key)),
    create: (key, bytes, { sha256, signal } = {}) =>
      on(key, 'create', async (path) => {
        checkSha256(key, bytes, sha256);
        signal?.throwIfAborted();
        return written(key, await publishNew(await writable(), path, once(bytes)));
      }),
    change: (key, bytes, { etag, sha256, signal }) =>
      on(key, 'change', async (path) => {
        checkSha256(key, bytes, sha256);
        signal?.throwIfAborted();
        const place = await writable();
        return written(key, await place.lock(() => publishChange(place, path, { bytes, etag })));
      }),
    upload: (key, parts, { signal } = {}) =>
      on(key, 'upload', async (path) =>
        written(key, await publishNew(await writable(), path, untilAborted(parts, signal))),
      ),
    list: (prefix, { after } = {}) => listTranslated(listDirectory(root, prefix, after), prefix),
    freeBytes: async () => {
      try {
        await writable();
        const { bavail, bsize } = await statfs(root);
        return bavail * bsize;
      } catch (error) {
        throw storeErrorOf(error, `measuring "${root}"`);
      }
    },
    delete: (key) => on(key, 'delete', async (path) => (await writable()).lock(() => removeFile(path))),
  };
};

const openForWriting = async (root: string, isPrivate: boolean): Promise<WritablePlace> => {
  const folderMode = isPrivate ? 0o700 : 0o777;
  const temporary = join(root, OWN_FOLDER, 'temporary');
  await createFolders(root, temporary, folderMode);
  await sweepLeftovers(temporary);
  const lock = processLock(join(root, OWN_FOLDER, 'lock'));
  return { root, temporary, folderMode, fileMode: isPrivate ? 0o600 : 0o666, lock };
};

const sweepLeftovers = async (temporary: string): Promise<void> => {
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name);
    const stats = await statOrNull(path);
    if (stats && Date.now() - Number(stats.mtimeMs) > LEFTOVER_AGE_MS) await unlinkIfThere(path);
  }
};

/** @throws StoreKeyRefused for a key that no file can have, or that this file system takes for another one */
const locate = async (root: string, key: string): Promise<string> => {
  if (!isKey(key)) throw new OctoError('StoreKeyRefused', `"${key.slice(0, 100)}" cannot be a key`);
  const names = pathOfKey(key);
  const foldsCase = (await statOrNull(join(root, OWN_FOLDER.toUpperCase()))) !== null;
  if (foldsCase && (await isAlias(await realpath(root), names))) {
    throw new OctoError('StoreKeyRefused', `"${key}" differs from a stored key only in letter case`);
  }
  return join(root, ...names);
};

/** Where letter case is folded, another key's file may answer for this one: the true name of what is there tells. */
const isAlias = async (root: string, names: string[]): Promise<boolean> => {
  for (let path = join(root, ...names); path !== root; path = dirname(path)) {
    const known = await orNull(realpath(path));
    if (known !== null) return known !== path;
  }
  return false;
};

const checkSha256 = (key: string, bytes: Uint8Array, sha256: string | undefined): void => {
  if (sha256 !== undefined && hash('sha256', bytes) !== sha256) {
    throw new OctoError('StoreDamaged', `bytes for "${key}" do not have the SHA-256 that was promised`);
  }
};

/** Errors of the caller's own stream: they may carry an errno too, and are not the store's. */
const callersErrors = new WeakSet<object>();

const untilAborted = async function* (parts: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
  try {
    for await (const part of parts) {
      signal?.throwIfAborted();
      yield part;
    }
    signal?.throwIfAborted();
  } catch (error) {
    if (error instanceof Error) callersErrors.add(error);
    throw error;
  }
};

const translated = (error: unknown, doing: string): unknown =>
  error instanceof Error && callersErrors.has(error) ? error : storeErrorOf(error, doing);

const listTranslated = async function* (list: AsyncIterable<StoredObject>, prefix: string) {
  try {
    yield* list;
  } catch (error) {
    throw storeErrorOf(error, `list of "${prefix}"`);
  }
};

const statFile = async (path: string, key: string): Promise<StoredObject | null> => {
  const stats = await statOrNull(path);
  return stats?.isFile() ? storedObject(key, stats) : null;
};

const readFile = async (path: string, range: ByteRange | undefined): Promise<ReadObject | null> => {
  const file = await orNull(open(path, 'r'));
  if (file === null) return null;
  try {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) return null;
    const sizeBytes = Number(stats.size);
    const start = Math.min(range?.start ?? 0, sizeBytes);
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(range?.end ?? sizeBytes, sizeBytes) - start));
    for (let filled = 0; filled < bytes.length;) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) throw new OctoError('StoreDamaged', `"${path}" ended early`);
      filled += bytesRead;
    }
    return { bytes, etag: etagOf(stats) };
  } finally {
    await file.close();
  }
};
