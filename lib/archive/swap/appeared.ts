/**
 * What came to the server's folders after a restore had begun to stage them: it is in no backup that the run has made, and
 * goes when the old folders go, so it is named.
 */
import { lstat, readdir } from 'node:fs/promises';
import type { FolderJournal } from '../../domain/restores/folders.ts';
import { pathText } from '../index/path-text.ts';

export type Appeared = { count: number; named: string[] };

const NAMED_AT_MOST = 20;

/** Files in the old content of swapped places that are younger than the staging, by the file system's own times. */
export const appearedSince = async (places: FolderJournal[]): Promise<Appeared> => {
  const found: Appeared = { count: 0, named: [] };
  for (const { name, aside, wasThere, beganAtMs } of places) {
    if (!wasThere) continue;
    for await (const { path, bytes } of filesBelow(Buffer.from(aside), name)) {
      const { mtimeMs, birthtimeMs } = await lstat(bytes);
      if (Math.max(mtimeMs, birthtimeMs) < beganAtMs) continue;
      found.count += 1;
      if (found.named.length < NAMED_AT_MOST) found.named.push(path);
    }
  }
  return found;
};

/** Every entry below a folder that is no folder itself; `path` as the archive would name it. */
const filesBelow = async function* (folder: Buffer, name: string): AsyncGenerator<{ path: string; bytes: Buffer }> {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = `${name}/${pathText(entry.name)}`;
    const bytes = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) yield* filesBelow(bytes, path);
    else yield { path, bytes };
  }
};
