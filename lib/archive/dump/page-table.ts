/**
 * Where the pages of the last dump lie in the store, by the name of their content: on the host's disk, so that memory
 * stays the same however large the database is.
 *
 * A cache: without it the next dump is stored whole. A damaged one would put wrong pages into an archive, so it is only
 * used when its SHA-256 is the one that was noted when it was finished.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { sweepFiles } from '../../repository/lease/host-file.ts';
import type { BlockRow, Pack } from '../index/archive-index.ts';

export type PageSpot = { block: number; offset: number };
export type StoredBlock = Omit<BlockRow, 'pack'> & { pack: Pack };

export type PageTable = {
  find(name: Uint8Array): PageSpot | null;
  /** The block of that number, or `null` when the table does not hold it. */
  block(number: number): StoredBlock | null;
  close(): void;
};

export type NewPageTable = {
  /** The first spot of a page counts. */
  addPage(name: Uint8Array, spot: PageSpot): void;
  addBlock(number: number, block: StoredBlock): void;
  /** Makes this the table that `openPageTable` finds. */
  finish(): Promise<void>;
  discard(): Promise<void>;
};

const NOTE = 'database-pages.json';
const Note = z.object({ file: z.string(), sha256: z.string() });
const SCHEMA = `
  PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16384;
  CREATE TABLE page (name BLOB PRIMARY KEY, block INTEGER, offset INTEGER) WITHOUT ROWID;
  CREATE TABLE block (number INTEGER PRIMARY KEY, content TEXT);
  BEGIN;`;
/** Nobody writes to a finished table: without a lock for each, a page is found in a quarter of the time. */
const READING = 'PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16384;';

/** The table of the last dump, or `null`. */
export const openPageTable = async (directory: string): Promise<PageTable | null> => {
  const path = await finishedTable(directory);
  if (path === null) return null;
  const database = new DatabaseSync(path, { readOnly: true });
  database.exec(READING);
  const page = database.prepare('SELECT block, offset FROM page WHERE name = ?');
  const block = database.prepare('SELECT content FROM block WHERE number = ?');
  return {
    find: (name) => (page.get(name) as PageSpot | undefined) ?? null,
    block: (number) => {
      const row = block.get(number) as { content: string } | undefined;
      return row === undefined ? null : (JSON.parse(row.content) as StoredBlock);
    },
    close: () => database.close(),
  };
};

const finishedTable = async (directory: string): Promise<string | null> => {
  const note = await readNote(directory);
  if (note === null) return null;
  const path = join(directory, note.file);
  const sha256 = await sha256OfFile(path).catch(() => null);
  return sha256 === note.sha256 ? path : null;
};

const readNote = async (directory: string): Promise<z.infer<typeof Note> | null> => {
  try {
    return Note.parse(JSON.parse(await readFile(join(directory, NOTE), 'utf8')));
  } catch {
    return null;
  }
};

const sha256OfFile = async (path: string): Promise<string> => {
  const sha256 = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) sha256.update(bytes as Buffer);
  return sha256.digest('hex');
};

/** An empty table for a new dump. */
export const createPageTable = async (directory: string): Promise<NewPageTable> => {
  await mkdir(directory, { recursive: true });
  const file = `database-pages-${randomUUID()}.sqlite`;
  const path = join(directory, file);
  const database = new DatabaseSync(path);
  database.exec(SCHEMA);
  const page = database.prepare('INSERT OR IGNORE INTO page VALUES (?, ?, ?)');
  const block = database.prepare('INSERT INTO block VALUES (?, ?)');
  return {
    addPage: (name, spot) => void page.run(name, spot.block, spot.offset),
    addBlock: (number, content) => void block.run(number, JSON.stringify(content)),
    async finish() {
      database.exec('COMMIT');
      database.close();
      await syncFile(path);
      const note = join(directory, NOTE);
      await writeFile(`${note}.new`, JSON.stringify({ file, sha256: await sha256OfFile(path) }));
      await rename(`${note}.new`, note);
      await sweepPageTables(directory);
    },
    async discard() {
      database.close();
      await rm(path, { force: true });
    },
  };
};

const syncFile = async (path: string): Promise<void> => {
  const opened = await open(path, 'r+');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
};

/**
 * Removes the tables of earlier dumps and of killed runs; with `before` only those that nobody has written to since.
 * Answers the paths of what it removed. No run of the instance may be at work on its dump.
 */
export const sweepPageTables = async (directory: string, before?: Date): Promise<string[]> => {
  const present = (await readNote(directory))?.file;
  const isLeftover = (name: string): boolean => name !== present && /^database-pages-.*\.sqlite/.test(name);
  return sweepFiles(directory, { isLeftover, ...(before && { before }) });
};
