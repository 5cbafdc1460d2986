/**
 * Indexes on the worker's own disk: that of the last finished pass, and a journal of what the present one has stored.
 *
 * Only a cache: it spares reading and storing again after a kill and from one backup to the next. What is torn or lost is
 * read again, and every pack is looked for in the store before it is relied on; so nothing here is synced.
 */
import { hash } from 'node:crypto';
import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { ArchiveIndex } from './archive-index.ts';
import { decodeIndex, indexText, parseIndexText } from './index-text.ts';

export type HostIndexes = ReturnType<typeof hostIndexes>;

/** What a pass that has finished knew beside its index. */
export type PassNote = z.infer<typeof PassNote>;
const PassNote = z.object({
  indexSha256: z.string(),
  /** `treeDigest` of what was walked, or `''` where the index says something else of it. */
  tree: z.string(),
  runId: z.string(),
  /** What the run had added to the store by then. */
  addedBytes: z.number(),
});

/** `index` takes it in, which is work; `null` where it is damaged. `note` is `null` where the pass left none. */
export type LatestIndex = {
  bytes: Buffer;
  sha256: string;
  note: PassNote | null;
  index: () => ArchiveIndex | null;
};

/** The cache of one instance below the worker's directory. */
export const hostIndexes = (hostDirectory: string, instance: string) => {
  const directory = join(hostDirectory, 'archive', instance);
  const latest = join(directory, 'folders.zst');
  const noted = join(directory, 'folders.json');
  const journal = join(directory, 'folders.journal');
  return {
    directory,
    /** The index of the last finished pass, or `null`. */
    latest: async (): Promise<LatestIndex | null> => {
      const bytes = await readIfThere(latest);
      if (bytes === null) return null;
      const sha256 = hash('sha256', bytes);
      const text = (await readIfThere(noted))?.toString() ?? '';
      const note = orNull(() => PassNote.parse(JSON.parse(text)));
      return {
        bytes,
        sha256,
        note: note?.indexSha256 === sha256 ? note : null,
        index: () => orNull(() => decodeIndex(bytes)),
      };
    },
    /** Ends the pass: its index is the latest, its journal is gone. */
    finish: async (bytes: Buffer): Promise<void> => {
      await replace(latest, bytes);
      await rm(journal, { force: true });
    },
    /** Adds to a pass that has ended what spares the next one work. */
    remark: (note: PassNote): Promise<void> => replace(noted, JSON.stringify(note)),
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

const replace = async (path: string, content: Buffer | string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
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
