/**
 * Mutual exclusion between processes of one machine that no kill can leave behind.
 *
 * Node has no `flock`; SQLite has: a write transaction on a database file holds an advisory lock that the kernel takes
 * back when the process ends, however it ends. Nothing is ever written to the file.
 * @see https://sqlite.org/lockingv3.html
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { OctoError } from '../../domain/errors.ts';

const SQLITE_BUSY = 5;
/** Holders need a few file operations; only a stopped process or a dead network disk takes this long. */
const PATIENCE_MS = 30_000;
const POLL_MS = 8;

export type ProcessLock = <T>(work: () => Promise<T>) => Promise<T>;

/** A function that runs one piece of work at a time over all processes that use `path`. @throws StoreUnavailable */
export const processLock = (path: string): ProcessLock => {
  let database: DatabaseSync | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const holding = async <T>(work: () => Promise<T>): Promise<T> => {
    database ??= new DatabaseSync(path, { timeout: 0 });
    await begin(database, path);
    try {
      return await work();
    } finally {
      database.exec('ROLLBACK');
    }
  };
  return (work) => {
    const turn = last.then(() => holding(work));
    last = turn.catch(() => undefined);
    return turn;
  };
};

const begin = async (database: DatabaseSync, path: string): Promise<void> => {
  const deadline = performance.now() + PATIENCE_MS;
  while (!tryBegin(database)) {
    if (performance.now() > deadline) {
      throw new OctoError('StoreUnavailable', `lock "${path}" is held by another process that does not let go`);
    }
    await sleep(1 + Math.random() * POLL_MS);
  }
};

const tryBegin = (database: DatabaseSync): boolean => {
  try {
    database.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
};
