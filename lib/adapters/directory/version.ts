/**
 * What tells two versions of one file apart: its length and its time of change.
 *
 * The kernel's clock ticks every few milliseconds, too coarse for that. So each new file is given a time of its own: now,
 * with microseconds drawn at random, and in a change always later than the version it replaces.
 */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { StoredObject } from '../../ports/object-store.ts';

export const etagOf = (stats: BigIntStats): string => `${stats.size.toString(36)}-${stats.mtimeNs.toString(36)}`;

export const storedObject = (key: string, stats: BigIntStats): StoredObject => ({
  key,
  sizeBytes: Number(stats.size),
  etag: etagOf(stats),
  modifiedAt: stats.mtime.toISOString(),
});

/** Gives an open file a time that no other version of its key has had, later than `previous`. */
export const stampVersion = async (file: FileHandle, previous?: BigIntStats): Promise<BigIntStats> => {
  // Steps grow until the file system shows one: some keep only milliseconds, or two seconds.
  for (let stepMs = 0; ; stepMs = stepMs * 4 + 1) {
    const startMs = Math.max(Date.now(), previous ? Number(previous.mtimeMs) + 1 : 0);
    const seconds = (startMs + stepMs + Math.random()) / 1000;
    await file.utimes(seconds, seconds);
    const stats = await file.stat({ bigint: true });
    if (!previous || stats.mtimeNs > previous.mtimeNs) return stats;
  }
};
