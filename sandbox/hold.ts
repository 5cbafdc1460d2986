/**
 * One process at a time in a sandbox: a second one would start other stand-ins on the same files.
 *
 * The hold is a write transaction on a database file: the kernel takes it back when the process ends, however it ends.
 * Who holds lies beside it, for people to read; it may be out of date, and nothing is decided by it.
 * @see https://sqlite.org/lockingv3.html
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

type Holder = { pid: number; url: string | null };

export type Hold = {
  /** Tells others where the holder can be reached. */
  reachedAt(url: string): void;
  release(): void;
};

/** Holds `directory`, or says in one sentence who does. */
export const holdSandbox = (directory: string): Hold | string => {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN IMMEDIATE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    return `The sandbox in ${directory} is in use${holderWords(directory)}. Use that one, stop it, or name another place with --data.`;
  }
  keepHolder(directory, { pid: process.pid, url: null });
  return {
    reachedAt: (url) => keepHolder(directory, { pid: process.pid, url }),
    release: () => database.close(),
  };
};

const holderFile = (directory: string): string => join(directory, 'holder.json');

const keepHolder = (directory: string, holder: Holder): void => {
  const file = holderFile(directory);
  writeFileSync(`${file}.new`, JSON.stringify(holder));
  renameSync(`${file}.new`, file);
};

const holderWords = (directory: string): string => {
  try {
    const { pid, url } = JSON.parse(readFileSync(holderFile(directory), 'utf8')) as Holder;
    return `: process ${pid}${url === null ? '' : `, page ${url}`}`;
  } catch {
    // Whoever has just taken it may not have said who it is.
    return '';
  }
};
