/**
 * The three ways a file of a directory store comes and goes, each whole or not at all and durable on return.
 *
 * The bytes are written to a temporary file and synced; `link` publishes a new object and never replaces one, `rename`
 * publishes a change. Comparing and renaming are two calls, so changes and deletes need the process lock.
 */
import { randomUUID } from 'node:crypto';
import { link, open, rename, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { OctoError } from '../../domain/errors.ts';
import type { Written } from '../../ports/object-store.ts';
import { createFolders, errnoOf, statOrNull, syncFolder, unlinkIfThere } from './durable-folder.ts';
import { etagOf, stampVersion } from './version.ts';

/** Where objects lie, and how private their files are. */
export type Place = { root: string; temporary: string; folderMode: number; fileMode: number };

export const once = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
};

/** Writes to a temporary file, hands it to `publish`, and leaves nothing behind. */
const withTemporary = async (
  place: Place,
  parts: AsyncIterable<Uint8Array>,
  publish: (file: FileHandle, path: string) => Promise<Written>,
): Promise<Written> => {
  const path = join(place.temporary, randomUUID());
  const file = await open(path, 'wx', place.fileMode);
  try {
    for await (const part of parts) await file.writeFile(part);
    return await publish(file, path);
  } finally {
    await file.close();
    await unlinkIfThere(path);
  }
};

/** Creates `path` with these bytes, visible only when whole. @throws StoreKeyExists, StoreKeyRefused */
export const publishNew = (place: Place, path: string, parts: AsyncIterable<Uint8Array>): Promise<Written> =>
  withTemporary(place, parts, async (file, temporary) => {
    const stats = await stampVersion(file);
    await file.sync();
    await linkInto(place, temporary, path);
    await syncFolder(dirname(path));
    return { etag: etagOf(stats) };
  });

const linkInto = async (place: Place, temporary: string, path: string): Promise<void> => {
  try {
    await link(temporary, path).catch(async (error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await createFolders(place.root, dirname(path), place.folderMode);
      await link(temporary, path);
    });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if ((await stat(path)).isDirectory()) {
      throw new OctoError('StoreKeyRefused', `"${relative(place.root, path)}" is a folder of other keys`);
    }
    // The loser may build on what is there, so that must outlive a power cut as well.
    await syncFolder(dirname(path));
    throw new OctoError('StoreKeyExists', `"${relative(place.root, path)}" exists`, { cause: error });
  }
};

/** Replaces the version of `path` that carries `etag`; the caller holds the process lock. @throws StoreChanged */
export const publishChange = (
  place: Place,
  path: string,
  next: { bytes: Uint8Array; etag: string },
): Promise<Written> =>
  withTemporary(place, once(next.bytes), async (file, temporary) => {
    const current = await statOrNull(path);
    if (current === null || etagOf(current) !== next.etag) {
      throw new OctoError('StoreChanged', `"${relative(place.root, path)}" is not the version that was read`);
    }
    const stats = await stampVersion(file, current);
    await file.sync();
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return { etag: etagOf(stats) };
  });

/** Removes `path`, durably; the caller holds the process lock. */
export const removeFile = async (path: string): Promise<void> => {
  if ((await statOrNull(path)) === null) return;
  await unlinkIfThere(path);
  await syncFolder(dirname(path));
};
