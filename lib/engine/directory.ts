/**
 * The engine's directory: who holds it, and where the journal of each run is.
 *
 * `open/` has the runs that go on, `ended/` the others; a restart reads only the former. One process at a time may write:
 * it holds a SQLite lock, which the system releases when the process dies in whatever way. Reading needs no lock.
 */
import { access, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OctoError } from '../domain/errors.ts';
import type { JournalEvent } from './history.ts';
import { readJournal, syncDirectory } from './journal.ts';

export type EngineDirectory = {
  /** Becomes the one writer. @throws EngineInUse */
  hold(): Promise<void>;
  /** Where the journal of a run that goes on belongs. */
  openPath(runId: string): string;
  /** The events of a run, going on or ended; `null` when there is none. Another process may be writing. @throws JournalDamaged */
  read(runId: string): Promise<JournalEvent[] | null>;
  openRunIds(): Promise<string[]>;
  /** Is there a run of that name that has not ended? */
  isOpen(runId: string): Promise<boolean>;
  /** Files an ended run away. Not durable by itself: a restart does it again. */
  retire(runId: string): Promise<void>;
  release(): void;
};

/** Names that are safe as file names and allowed by Step Functions. */
const RUN_ID = /^[A-Za-z0-9_-]{1,80}$/;
const ENDING = '.jsonl';

export const engineDirectory = (root: string): EngineDirectory => {
  const pathIn = (folder: 'open' | 'ended', runId: string): string => {
    if (!RUN_ID.test(runId)) throw new OctoError('Bug', `"${runId}" cannot be the name of a run`);
    return join(root, folder, runId + ENDING);
  };
  let lock: DatabaseSync | null = null;
  return {
    hold: async () => {
      if (lock) return;
      await makeDurably(join(root, 'open'));
      await makeDurably(join(root, 'ended'));
      lock = takeLock(root);
    },
    openPath: (runId) => pathIn('open', runId),
    read: async (runId) => {
      // Runs move from `open` to `ended` only, so this order cannot miss one.
      const found = (await readIfThere(pathIn('open', runId))) ?? (await readIfThere(pathIn('ended', runId)));
      return found?.events.length ? found.events : null;
    },
    openRunIds: async () =>
      (await readdir(join(root, 'open')))
        .filter((name) => name.endsWith(ENDING))
        .map((name) => name.slice(0, -ENDING.length))
        .toSorted(),
    isOpen: (runId) =>
      access(join(root, 'open', runId + ENDING)).then(
        () => RUN_ID.test(runId),
        () => false,
      ),
    retire: (runId) => rename(pathIn('open', runId), pathIn('ended', runId)),
    release: () => {
      lock?.close();
      lock = null;
    },
  };
};

const readIfThere = async (path: string) => {
  try {
    return await readJournal(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw thrown;
  }
};

const makeDurably = async (path: string): Promise<void> => {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
};

const SQLITE_BUSY = 5;

const takeLock = (root: string): DatabaseSync => {
  const lock = new DatabaseSync(join(root, 'lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (thrown) {
    lock.close();
    if ((thrown as { errcode?: number }).errcode !== SQLITE_BUSY) throw thrown;
    throw new OctoError('EngineInUse', `the workflows in ${root} are run by another process`, { cause: thrown });
  }
};
