/**
 * An object store in a directory: each object is one plain file, under the path that `key-path.ts` gives its key.
 *
 * Writes are atomic and durable (`object-store.directory-write.ts`), also between processes. A kill leaves at most a
 * temporary file; the next process to use the store sweeps those that nobody has written to for an hour.
 */
import { hash } from 'node:crypto';
import { open, readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { OctoError } from '../domain/errors.ts';
import type { ByteRange, ObjectStore, ReadObject, StoredObject, Written } from '../ports/object-store.ts';
import { createFolders, orNull, statOrNull, storeErrorOf, unlinkIfThere } from './durable-folder.ts';
import { isKey, pathOfKey } from './key-path.ts';
import { listDirectory } from './object-store.directory-list.ts';
import { etagOf, storedObject } from './object-store.directory-version.ts';
import { once, publishChange, publishNew, removeFile } from './object-store.directory-write.ts';
import type { Place } from './object-store.directory-write.ts';
import { processLock } from './process-lock.ts';
import type { ProcessLock } from './process-lock.ts';

const OWN_FOLDER = '.octo';
const LEFTOVER_AGE_MS = 3_600_000;

export type DirectoryObjectStoreOptions = {
  directory: string;
  /** Called after each durable write of this process, with the key. */
  onWrite?: (key: string) => void;
  /** Files and folders that only this account may read. */
  isPrivate?: boolean;
};

type OpenPlace = Place & {
  /** Does this file system take `A` and `a` for one name? */
  foldsCase: boolean;
  lock: ProcessLock;
};

/** An object store below `directory`, which is created when first used. */
export const directoryObjectStore = (options: DirectoryObjectStoreOptions): ObjectStore => {
  let opened: Promise<OpenPlace> | undefined;
  const place = async (): Promise<OpenPlace> => {
    opened ??= openPlace(options);
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw error;
    }
  };
  /** Runs one operation on the path of `key`, with the file system's refusals translated. */
  const on = async <T>(
    key: string,
    doing: string,
    work: (path: string, place: OpenPlace) => Promise<T>,
  ): Promise<T> => {
    try {
      const here = await place();
      return await work(await locate(here, key), here);
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
      on(key, 'create', async (path, here) => {
        checkSha256(key, bytes, sha256);
        signal?.throwIfAborted();
        return written(key, await publishNew(here, path, once(bytes)));
      }),
    change: (key, bytes, { etag, sha256, signal }) =>
      on(key, 'change', async (path, here) => {
        checkSha256(key, bytes, sha256);
        signal?.throwIfAborted();
        return written(key, await here.lock(() => publishChange(here, path, { bytes, etag })));
      }),
    upload: (key, parts, { signal } = {}) =>
      on(key, 'upload', async (path, here) => written(key, await publishNew(here, path, untilAborted(parts, signal)))),
    list: (prefix, { after } = {}) => listTranslated(listDirectory(resolve(options.directory), prefix, after), prefix),
    delete: (key) => on(key, 'delete', (path, here) => here.lock(() => removeFile(path))),
  };
};

const openPlace = async ({ directory, isPrivate = false }: DirectoryObjectStoreOptions): Promise<OpenPlace> => {
  const root = resolve(directory);
  const folderMode = isPrivate ? 0o700 : 0o777;
  const temporary = join(root, OWN_FOLDER, 'temporary');
  await createFolders(root, temporary, folderMode);
  await sweepLeftovers(temporary);
  return {
    root: await realpath(root),
    temporary,
    folderMode,
    fileMode: isPrivate ? 0o600 : 0o666,
    foldsCase: (await statOrNull(join(root, OWN_FOLDER.toUpperCase()))) !== null,
    lock: processLock(join(root, OWN_FOLDER, 'lock')),
  };
};

const sweepLeftovers = async (temporary: string): Promise<void> => {
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name);
    const stats = await statOrNull(path);
    if (stats && Date.now() - Number(stats.mtimeMs) > LEFTOVER_AGE_MS) await unlinkIfThere(path);
  }
};

/** @throws StoreKeyRefused for a key that no file can have, or that this file system takes for another one */
const locate = async (place: OpenPlace, key: string): Promise<string> => {
  if (!isKey(key)) throw new OctoError('StoreKeyRefused', `"${key.slice(0, 100)}" cannot be a key`);
  const path = join(place.root, ...pathOfKey(key));
  if (place.foldsCase) await refuseAlias(place.root, path);
  return path;
};

/** Where letter case is folded, another key's file may answer for this one: its true name tells. */
const refuseAlias = async (root: string, path: string): Promise<void> => {
  for (let known = path; known !== root; known = dirname(known)) {
    if ((await statOrNull(known)) === null) continue;
    if ((await realpath(known)) === known) return;
    throw new OctoError('StoreKeyRefused', `"${relative(root, path)}" differs from a stored key only in letter case`);
  }
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
