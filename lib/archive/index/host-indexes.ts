/**
 * Indexes on the worker's own disk: that of the last finished pass, and a journal of what the present one has stored.
 *
 * Only a cache: it spares reading and storing again after a kill and from one backup to the next. What is torn or lost is
 * read again, and every pack is looked for in the store before it is relied on; so nothing here is synced.
 */
import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveIndex } from './archive-index.ts';
import { decodeIndex, indexText, parseIndexText } from './index-text.ts';

export type HostIndexes = ReturnType<typeof hostIndexes>;

/** The cache of one instance below the worker's directory. */
export const hostIndexes = (hostDirectory: string, instance: string) => {
  const directory = join(hostDirectory, 'archive', instance);
  const latest = join(directory, 'folders.zst');
  const journal = join(directory, 'folders.journal');
  return {
    directory,
    /** The encoded index of the last finished pass, or `null`. */
    latest: async (): Promise<{ bytes: Buffer; index: ArchiveIndex } | null> => {
      const bytes = await readIfThere(latest);
      const index = bytes === null ? null : orNull(() => decodeIndex(bytes));
      return index === null ? null : { bytes: bytes!, index };
    },
    /** Ends the pass: its index is the latest, its journal is gone. */
    finish: async (bytes: Buffer): Promise<void> => {
      await mkdir(directory, { recursive: true });
      await writeFile(`${latest}.new`, bytes);
      await rename(`${latest}.new`, latest);
      await rm(journal, { force: true });
    },
    /** Adds what is durable in the store from now on. */
    note: async (stored: ArchiveIndex): Promise<void> => {
      await mkdir(directory, { recursive: true });
      await appendFile(journal, indexText(stored));
    },
    /** What a killed pass had stored; a torn end is left out. */
    journal: async (): Promise<ArchiveIndex[]> => {
      const text = (await readIfThere(journal))?.toString() ?? '';
      return text
        .split(/^(?=octo-index )/m)
        .map((part) => orNull(() => parseIndexText(part)))
        .filter((index) => index !== null);
    },
  };
};

const readIfThere = async (path: string): Promise<Buffer | null> => {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
};

const orNull = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    return null;
  }
};
