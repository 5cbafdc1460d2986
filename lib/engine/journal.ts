/**
 * The history of one run on disk: an append-only file, one line a transition.
 *
 * A line holds all events of a transition under a checksum, `{"crc":"1c291ca3","events":[{"id":1,…},…]}`, so a transition is
 * there as a whole or not at all. `append` returns when the bytes are on the disk. What a crash may leave is a last line
 * without its end: it was never promised to anyone and is cut off. Anything else that does not fit is damage, and is
 * reported with file and line instead of guessed at.
 */
import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { OctoError } from '../domain/errors.ts';
import type { JournalEvent } from './history.ts';

export type Journal = {
  /** Makes the events durable, all or none. @throws JournalUnwritable; then none of them counts */
  append(events: JournalEvent[]): Promise<void>;
  close(): Promise<void>;
};

/** Starts the journal of a new run with its first transition; file and directory entry are durable. @throws JournalUnwritable */
export const createJournal = async (path: string, events: JournalEvent[]): Promise<Journal> =>
  translated(path, async () => {
    const file = await open(path, 'wx');
    try {
      const journal = journalOf({ file, path, sizeBytes: 0 });
      await journal.append(events);
      await syncDirectory(dirname(path));
      return journal;
    } catch (thrown) {
      await file.close();
      await rm(path, { force: true });
      throw thrown;
    }
  });

/** Opens the journal of a run that goes on, and cuts off what a crash left unfinished. @throws JournalDamaged, JournalUnwritable */
export const openJournal = async (path: string): Promise<{ journal: Journal; events: JournalEvent[] }> => {
  const { events, sizeBytes } = await readJournal(path);
  return translated(path, async () => {
    const file = await open(path, 'r+');
    await file.truncate(sizeBytes);
    await file.datasync();
    return { journal: journalOf({ file, path, sizeBytes }), events };
  });
};

/** The events of a journal, without touching it; `sizeBytes` is the length of what counts. @throws JournalDamaged */
export const readJournal = async (path: string): Promise<{ events: JournalEvent[]; sizeBytes: number }> => {
  const bytes = await readFile(path);
  const sizeBytes = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.toString('utf8', 0, sizeBytes).split('\n').slice(0, -1);
  const events: JournalEvent[] = [];
  for (const [index, line] of lines.entries()) {
    const read = decode(line);
    const isNext = read?.every(({ id }, n) => id === events.length + n + 1);
    if (!read || !isNext)
      throw new OctoError('JournalDamaged', `the journal ${path} is damaged in line ${index + 1}`, {
        facts: { path, line: index + 1 },
      });
    events.push(...read);
  }
  return { events, sizeBytes };
};

const HEAD = '{"crc":"';
const MIDDLE = '","events":';

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

const encode = (events: JournalEvent[]): Buffer => {
  const text = JSON.stringify(events);
  return Buffer.from(`${HEAD}${checksum(text)}${MIDDLE}${text}}\n`);
};

const decode = (line: string): JournalEvent[] | null => {
  const text = line.slice(HEAD.length + 8 + MIDDLE.length, -1);
  const isWhole = line === `${HEAD}${checksum(text)}${MIDDLE}${text}}`;
  return isWhole ? (JSON.parse(text) as JournalEvent[]) : null;
};

const journalOf = (at: { file: FileHandle; path: string; sizeBytes: number }): Journal => {
  const { file, path } = at;
  return {
    append: async (events) => {
      const line = encode(events);
      await translated(path, async () => {
        try {
          await writeAll(file, line, at.sizeBytes);
          await file.datasync();
        } catch (thrown) {
          // After a failed sync the page cache cannot be trusted: take the line back rather than find it by chance later.
          await file.truncate(at.sizeBytes).catch(() => {});
          throw thrown;
        }
        at.sizeBytes += line.length;
      });
    },
    close: () => file.close(),
  };
};

const writeAll = async (file: FileHandle, bytes: Buffer, position: number): Promise<void> => {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
};

/** Makes a directory's entries durable. Windows does so by itself and refuses to sync one. */
export const syncDirectory = async (path: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

const translated = async <T>(path: string, act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (thrown) {
    if (thrown instanceof OctoError) throw thrown;
    const { code = 'unknown' } = thrown as NodeJS.ErrnoException;
    throw new OctoError('JournalUnwritable', `the journal ${path} could not be written (${code})`, {
      cause: thrown,
      facts: { path, code },
    });
  }
};
