/**
 * Takes an archive apart: one file, or everything into an empty folder. Bytes are compared before they are written.
 *
 * Nothing is ever written outside the target: all paths are checked before the first write, files are only created, never
 * opened through what stands there, and links are made last.
 */
import { chmodSync, mkdirSync, readdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { findArchive } from '../repository/catalog.ts';
import type { ArchivePlace } from '../repository/sections.ts';
import { type ArchiveIndex, type FileRow, IN_PIECES, fileAt, rowsByPath } from './index/archive-index.ts';
import { readIndex } from './pack/packs.ts';
import { isSafePath, pathBelow, pathBytes, pathText } from './index/path-text.ts';
import { type Wish, readPacks, wantedPacks } from './read-packs.ts';
import { DUMP_NAME } from './store-dump.ts';

type Store = Pick<World, 'archives' | 'clock'>;
type Watch = { signal?: AbortSignal | undefined; onRead?: (bytes: number) => void };
/** An index and the key prefix of its packs. */
type Part = { index: ArchiveIndex; prefix: string };

/** Writes all folders and the dump (`database.bak`) below `target`. @throws TargetNotEmpty, PathRefused, ArchiveDamaged */
export const extractAll = async (
  world: Store,
  at: ArchivePlace,
  { target, ...watch }: Watch & { target: string },
): Promise<{ fileCount: number }> => {
  const { folders, database } = await findArchive(world, at.instance, at.archiveId);
  const parts = [
    { index: await readIndex(world, folders), prefix: archiveKeys.packs(at.instance) },
    { index: await readIndex(world, database), prefix: archiveKeys.database(at.instance) },
  ];
  for (const { index } of parts) assertSafe(index);
  const root = emptyDirectory(target);
  for (const part of parts) await extractPart(world, part, { root, ...watch });
  return { fileCount: parts.reduce((sum, { index }) => sum + index.files.paths.length, 0) };
};

/**
 * Writes one file of the archive, or its dump (`database.bak`), to the new file `to`: three requests where the file lies
 * in one pack. @throws FileUnknown, ArchiveDamaged
 */
export const extractFile = async (
  world: Store,
  at: ArchivePlace,
  { path, to, ...watch }: Watch & { path: string; to: string },
): Promise<void> => {
  const { folders, database } = await findArchive(world, at.instance, at.archiveId);
  const part =
    path === DUMP_NAME
      ? { index: await readIndex(world, database), prefix: archiveKeys.database(at.instance) }
      : { index: await readIndex(world, folders), prefix: archiveKeys.packs(at.instance) };
  const row = rowsByPath(part.index).get(pathText(path));
  if (row === undefined) throw new OctoError('FileUnknown', `${at.archiveId} holds no file "${path}"`);
  await writeFiles(world, part, { ...watch, pathOf: (file) => (file === row ? to : null) });
};

const extractPart = async (world: Store, part: Part, { root, ...watch }: Watch & { root: string }): Promise<void> => {
  const { directories, links, files } = part.index;
  const parents = new Set(
    [...files.paths, ...links.map(({ path }) => path)].map((path) => path.slice(0, Math.max(0, path.lastIndexOf('/')))),
  );
  for (const { path } of directories) parents.add(path);
  for (const path of parents) mkdirSync(path === '' ? root : pathBelow(root, path), { recursive: true });
  await writeFiles(world, part, { ...watch, pathOf: (row) => pathBelow(root, files.paths[row]!) });
  for (const { target, path } of links) symlinkSync(pathBytes(target), pathBelow(root, path));
  // The deepest first: a folder that may not be entered hides those below.
  for (const { mode, path } of directories.toReversed()) chmodSync(pathBelow(root, path), mode & 0o777);
};

type FileWriting = Watch & { pathOf: (row: number) => string | Buffer | null };

/** Writes the files that have a path; those in pieces are made empty first and get mode and time at the end. */
const writeFiles = async (world: Store, { index, prefix }: Part, { pathOf, ...watch }: FileWriting): Promise<void> => {
  const inPieces = new Map<number, { path: string | Buffer; file: FileRow }>();
  for (const row of index.files.paths.keys()) {
    const path = index.files.block.at(row) === IN_PIECES ? pathOf(row) : null;
    if (path === null) continue;
    const file = fileAt(index, row);
    inPieces.set(row, { path, file });
    writeFileSync(path, '', { flag: 'wx' });
    truncateSync(path, file.size);
  }
  const wish: Wish = {
    file(row) {
      const path = pathOf(row);
      return path === null ? null : [{ path, position: 0, whole: attributes(fileAt(index, row)) }];
    },
    piece(row, position) {
      const found = inPieces.get(row);
      return found === undefined ? null : [{ path: found.path, position, whole: null }];
    },
  };
  const packs = wantedPacks(index, prefix, wish);
  const [damage] = await readPacks({ world, packs, isWhole: false, ...watch });
  if (damage !== undefined) {
    throw new OctoError('ArchiveDamaged', `${damage.key}: ${damage.what}`, { facts: { key: damage.key } });
  }
  for (const { path, file } of inPieces.values()) {
    const { mode, mtime } = attributes(file);
    chmodSync(path, mode);
    utimesSync(path, mtime / 1e6, mtime / 1e6);
  }
};

/** No set-user-id bit comes out of an archive. */
const attributes = ({ mode, mtime }: FileRow) => ({ mode: mode & 0o777, mtime });

const emptyDirectory = (target: string): string => {
  const root = resolve(target);
  mkdirSync(root, { recursive: true });
  if (readdirSync(root).length > 0) throw new OctoError('TargetNotEmpty', `the folder ${root} is not empty`);
  return root;
};

/** Every path lies below the target, stands once, and leads through no link. */
const assertSafe = ({ directories, links, files }: ArchiveIndex): void => {
  const taken = new Set<string>();
  const linked = new Set(links.map(({ path }) => path));
  const refuse = (path: string): never => {
    throw new OctoError('PathRefused', `the index names the path "${path}"`, { facts: { path } });
  };
  for (const path of [...files.paths, ...linked, ...directories.map((directory) => directory.path)]) {
    if (!isSafePath(path) || taken.has(path)) refuse(path);
    taken.add(path);
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) if (linked.has(parent)) refuse(path);
  }
};
