/** Lists the objects of a directory in byte order of their keys, holding the names of one folder per level in memory. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredObject } from '../../ports/object-store.ts';
import { orNull, statOrNull } from './durable-folder.ts';
import { byteString, folderOfPrefix, isOwnName, keyPartOf, textOfBytes } from './key-path.ts';
import type { ByteString } from './key-path.ts';
import { storedObject } from './version.ts';

/** How many files are looked at together: hides the latency of a network disk. */
const BATCH = 64;

type Range = { prefix: ByteString; after: ByteString };
type Entry = { key: ByteString; path: string; isFolder: boolean };

/** Objects with this prefix after `after`; a file that vanishes meanwhile is left out. */
export const listDirectory = (directory: string, prefix: string, after = ''): AsyncGenerator<StoredObject> => {
  const names = folderOfPrefix(prefix);
  const folder = { key: names.map((name) => keyPartOf(name, true)).join(''), path: join(directory, ...names) };
  return walk(folder, { prefix: byteString(prefix), after: byteString(after) });
};

const walk = async function* (folder: { key: ByteString; path: string }, range: Range): AsyncGenerator<StoredObject> {
  const entries = await entriesOf(folder, range);
  for (let at = 0; at < entries.length; at += BATCH) {
    const batch = entries.slice(at, at + BATCH);
    const objects = await Promise.all(batch.map(objectAt));
    for (const [index, entry] of batch.entries()) {
      const object = objects[index];
      if (entry.isFolder) yield* walk(entry, range);
      else if (object) yield object;
    }
  }
};

const entriesOf = async (folder: { key: ByteString; path: string }, range: Range): Promise<Entry[]> => {
  const names = await orNull(readdir(folder.path, { withFileTypes: true }));
  return (names ?? [])
    .filter((entry) => isOwnName(entry.name) && (entry.isFile() || entry.isDirectory()))
    .map((entry) => ({
      key: folder.key + keyPartOf(entry.name, entry.isDirectory()),
      path: join(folder.path, entry.name),
      isFolder: entry.isDirectory(),
    }))
    .filter((entry) => (entry.isFolder ? mayHold(entry.key, range) : isWanted(entry.key, range)))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
};

const isWanted = (key: ByteString, { prefix, after }: Range): boolean => key.startsWith(prefix) && key > after;

const mayHold = (folder: ByteString, { prefix, after }: Range): boolean =>
  (folder.startsWith(prefix) || prefix.startsWith(folder)) && (folder > after || after.startsWith(folder));

const objectAt = async (entry: Entry): Promise<StoredObject | null> => {
  if (entry.isFolder) return null;
  const stats = await statOrNull(entry.path);
  return stats && storedObject(textOfBytes(entry.key), stats);
};
