/**
 * Folders whose entries outlive a power cut, and what the file system's refusals mean to us.
 *
 * A name is durable once the folder that holds it has been synced, and a new folder once its parents have been.
 */
import type { BigIntStats } from 'node:fs';
import { mkdir, open, stat, unlink } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { OctoError } from '../../domain/errors.ts';
import type { ErrorCode } from '../../domain/errors.ts';

/** Makes the names in `folder` durable. Windows cannot open a folder for this and keeps its own journal. */
export const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Creates `folder` with its parents, durable up to `root` and the folder that holds it. */
export const createFolders = async (root: string, folder: string, mode: number): Promise<void> => {
  await mkdir(folder, { recursive: true, mode });
  for (let parent = dirname(folder); parent.startsWith(root + sep) || parent === root; parent = dirname(parent)) {
    await syncFolder(parent);
  }
  await syncFolder(dirname(root));
};

export const errnoOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

const CODES: Partial<Record<string, ErrorCode>> = {
  ENOSPC: 'StoreFull',
  EDQUOT: 'StoreFull',
  EFBIG: 'StoreFull',
  EACCES: 'StoreDenied',
  EPERM: 'StoreDenied',
  EROFS: 'StoreDenied',
  ENAMETOOLONG: 'StoreKeyRefused',
  EISDIR: 'StoreKeyRefused',
  ENOTDIR: 'StoreKeyRefused',
};

/** A file system error as one of ours; what is ours already, or an abort, stays. Anything unknown (EIO, ESTALE …) may pass. */
export const storeErrorOf = (error: unknown, doing: string): unknown => {
  const errno = errnoOf(error);
  if (error instanceof OctoError || errno === undefined || errno === 'ABORT_ERR') return error;
  return new OctoError(CODES[errno] ?? 'StoreUnavailable', `${doing} failed (${errno})`, {
    cause: error,
    facts: { errno },
  });
};

/** What the file system gives, or `null` when there is no such name. */
export const orNull = async <T>(found: Promise<T>): Promise<T | null> => {
  try {
    return await found;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null;
    throw error;
  }
};

export const statOrNull = (path: string): Promise<BigIntStats | null> => orNull(stat(path, { bigint: true }));

export const unlinkIfThere = async (path: string): Promise<void> => {
  await orNull(unlink(path));
};
