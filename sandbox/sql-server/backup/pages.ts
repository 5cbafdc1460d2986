/**
 * Which pages of a database file are in use, and a moment in which they stand still.
 *
 * A database is a SQLite file of 8 KiB pages; its free list tells which pages hold nothing.
 * @see https://www.sqlite.org/fileformat2.html §1.3, §1.5
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { PAGES_PER_EXTENT } from './file.ts';
import { PAGE_BYTES } from '../instance.ts';

const PAGE_COUNT_AT = 28;
const FIRST_TRUNK_AT = 32;
const RETRY_MS = 10;

/**
 * Holds the file as it is until released, while others go on writing.
 *
 * With the log emptied, a reader holds SQLite's read lock 0, and no checkpoint may then touch the file: new pages stay in
 * the log. @see https://www.sqlite.org/walformat.html §2.3.2
 */
export const holdFile = async (path: string, signal: AbortSignal): Promise<{ release(): void }> => {
  const database = new DatabaseSync(path);
  try {
    while (Number(database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy']) !== 0) {
      await sleep(RETRY_MS, undefined, { signal });
    }
    database.exec('BEGIN; SELECT count(*) FROM sqlite_schema;');
  } catch (error) {
    database.close();
    throw error;
  }
  return { release: () => database.close() };
};

/** The number of pages, and the numbers of the extents that hold at least one used page. */
export const allocatedExtents = (path: string): { pageCount: number; extents: number[] } => {
  const file = openSync(path, 'r');
  try {
    const page = (number: number): Buffer => {
      const bytes = Buffer.alloc(PAGE_BYTES);
      readSync(file, bytes, 0, PAGE_BYTES, (number - 1) * PAGE_BYTES);
      return bytes;
    };
    const first = page(1);
    const pageCount = first.readUInt32BE(PAGE_COUNT_AT);
    const free = new Set<number>();
    for (let trunk = first.readUInt32BE(FIRST_TRUNK_AT); trunk !== 0;) {
      const bytes = page(trunk);
      const leaves = bytes.readUInt32BE(4);
      for (let i = 0; i < leaves; i += 1) free.add(bytes.readUInt32BE(8 + i * 4));
      trunk = bytes.readUInt32BE(0);
    }
    const extents = Array.from({ length: Math.ceil(pageCount / PAGES_PER_EXTENT) }, (_, i) => i).filter((extent) =>
      pagesIn(extent, pageCount).some((number) => !free.has(number)),
    );
    return { pageCount, extents };
  } finally {
    closeSync(file);
  }
};

const pagesIn = (extent: number, pageCount: number): number[] =>
  Array.from(
    { length: Math.min(PAGES_PER_EXTENT, pageCount - extent * PAGES_PER_EXTENT) },
    (_, i) => extent * PAGES_PER_EXTENT + i + 1,
  );
