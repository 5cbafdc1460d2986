/**
 * Small JSON records on the worker's own disk: task records and leases.
 *
 * A write that returned survives a power cut; one that did not happened whole or not at all. One process at a time works
 * in a host directory, so there are no conditions here.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type * as z from 'zod';
import { OctoError } from '../../domain/errors.ts';

let writes = 0;

/** Puts the record at `path`, replacing what was there. */
export const writeHostFile = async (path: string, record: unknown): Promise<void> => {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Numbered from 1 in each process: what a kill leaves behind is overwritten by the next one.
  const temporary = `${path}.${++writes}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(folder);
  await syncFolder(dirname(folder));
};

/** The record at `path`, or `null` when there is none. @throws HostFileDamaged */
export const readHostFile = async <S extends z.ZodType>(path: string, schema: S): Promise<z.output<S> | null> => {
  const text = await readFile(path, 'utf8').catch(unlessMissing);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new OctoError('HostFileDamaged', `${path} cannot be read`, { cause, facts: { path } });
  }
};

/** Takes the record away; a record that is not there is no error. */
export const removeHostFile = async (path: string): Promise<void> => {
  await rm(path, { force: true });
  await syncFolder(dirname(path)).catch(unlessMissing);
};

/** The records in `folder`, by name; none when there is no such folder. A damaged one is told and passed over. */
export const readHostFiles = async <S extends z.ZodType>(
  folder: string,
  schema: S,
  onDamage: (damage: OctoError) => void,
): Promise<z.output<S>[]> => {
  const names = (await readdir(folder).catch(unlessMissing)) ?? [];
  const records: z.output<S>[] = [];
  for (const name of names.filter((name) => name.endsWith('.json')).sort()) {
    try {
      const record = await readHostFile(join(folder, name), schema);
      if (record !== null) records.push(record);
    } catch (thrown) {
      onDamage(OctoError.from(thrown));
    }
  }
  return records;
};

/** What a write that was killed has left, by its name. */
export const isTemporary = (path: string): boolean => /\.\d+\.tmp$/.test(path);

/**
 * Removes the files in and below `directory` whose relative path `isLeftover`; with `before` only those that nobody has
 * written to since. Answers their whole paths; none when there is no such directory.
 */
export const sweepFiles = async (
  directory: string,
  { isLeftover, before }: { isLeftover: (path: string) => boolean; before?: Date },
): Promise<string[]> => {
  const found = (await readdir(directory, { recursive: true }).catch(unlessMissing)) ?? [];
  const removed: string[] = [];
  for (const path of found.filter(isLeftover).map((name) => join(directory, name))) {
    const written = await stat(path).catch(unlessMissing);
    if (written === null || (before !== undefined && written.mtime >= before)) continue;
    await rm(path, { force: true });
    removed.push(path);
  }
  return removed;
};

/** Makes the names in the folder durable; Windows cannot open a folder for this and keeps its own journal. */
export const syncFolder = async (folder: string | Buffer): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const unlessMissing = (error: unknown): null => {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
};
