/**
 * Writes files, folders and links of an index below a folder of their own. Its paths were looked at before; that the folder
 * is empty is seen to by the caller.
 */
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path/posix';
import type { World } from '../../ports/world.ts';
import { pathBelow, pathBytes } from '../index/path-text.ts';
import { modeOf, type Part, type Reading, writeFiles } from './write-files.ts';

export type Extracted = { fileCount: number; sizeBytes: number };
export type Extraction = Reading & { root: string; isWanted?: (path: string) => boolean };

/** Writes a part below `root`, folders with their modes; or only what is wanted of it. @throws ArchiveDamaged */
export const extractPart = async (
  world: Pick<World, 'archives'>,
  { index, prefix }: Part,
  { root, isWanted = () => true, ...reading }: Extraction,
): Promise<Extracted> => {
  const { files } = index;
  const rows = new Set([...files.paths.keys()].filter((row) => isWanted(files.paths[row]!)));
  const links = index.links.filter(({ path }) => isWanted(path));
  const directories = index.directories.filter(({ path }) => isWanted(path));
  const parents = new Set(directories.map(({ path }) => path));
  for (const { name } of index.places) if (isWanted(name)) parents.add(name);
  for (const row of rows) parents.add(dirname(files.paths[row]!));
  for (const { path } of links) parents.add(dirname(path));
  for (const path of parents) mkdirSync(path === '.' ? root : pathBelow(root, path), { recursive: true });
  const pathOf = (row: number) => (rows.has(row) ? pathBelow(root, files.paths[row]!) : null);
  await writeFiles(world, { index, prefix }, { ...reading, pathOf });
  for (const { target, path } of links) symlinkSync(pathBytes(target), pathBelow(root, path));
  // The deepest first: a folder that may not be entered hides those below.
  for (const { mode, path } of directories.toReversed()) chmodSync(pathBelow(root, path), modeOf(mode));
  let sizeBytes = 0;
  for (const row of rows) sizeBytes += files.size.at(row);
  return { fileCount: rows.size, sizeBytes };
};
