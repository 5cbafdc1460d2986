/**
 * Takes an archive apart into a folder of its own: one file, those that a pattern names, or everything. Bytes are compared
 * before they are written.
 *
 * Nothing is ever written outside the target: all paths are checked before the first write, files are only created, never
 * opened through what stands there, and links are made last. How folders come back to a server is in `restore/stage.ts`.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { findArchive } from '../repository/catalog.ts';
import type { ArchivePlace } from '../repository/sections.ts';
import { rowsByPath } from './index/archive-index.ts';
import { pathText } from './index/path-text.ts';
import { readIndex } from './pack/packs.ts';
import { type Extracted, extractPart } from './restore/extract-part.ts';
import { pathMatcher } from './restore/match-paths.ts';
import { openArchive } from './restore/open-archive.ts';
import { assertSafe } from './restore/safe-index.ts';
import { type Reading, writeFiles } from './restore/write-files.ts';
import { DUMP_NAME } from './store-dump.ts';

type Store = Pick<World, 'archives' | 'clock'>;

/**
 * Writes all folders and the dump (`database.bak`) below `target`.
 * @throws TargetNotEmpty, PathRefused, ArchiveDamaged, ArchiveTooNew, ArchiveUnknown
 */
export const extractAll = async (
  world: Store,
  at: ArchivePlace,
  { target, ...reading }: Reading & { target: string },
): Promise<Extracted> => {
  const { folders, database } = await openArchive(world, at);
  const parts = [
    { index: await readIndex(world, folders), prefix: archiveKeys.packs(at.instance) },
    { index: await readIndex(world, database), prefix: archiveKeys.database(at.instance) },
  ];
  for (const { index } of parts) assertSafe(index);
  const root = emptyDirectory(target);
  const extracted: Extracted = { fileCount: 0, sizeBytes: 0 };
  for (const part of parts) {
    const { fileCount, sizeBytes } = await extractPart(world, part, { root, ...reading });
    extracted.fileCount += fileCount;
    extracted.sizeBytes += sizeBytes;
  }
  return extracted;
};

/**
 * Writes the files and links below `target` whose path is `pattern`, lies below the folder `pattern`, or matches it:
 * `*` and `?` stand for letters of one name, `**` for any folders. `database.bak` is the dump.
 * @throws FileUnknown when there are none, and as `extractAll`
 */
export const extractMatching = async (
  world: Store,
  at: ArchivePlace,
  { pattern, target, ...reading }: Reading & { pattern: string; target: string },
): Promise<Extracted> => {
  const { folders, database } = await openArchive(world, at);
  const part =
    pattern === DUMP_NAME
      ? { index: await readIndex(world, database), prefix: archiveKeys.database(at.instance) }
      : { index: await readIndex(world, folders), prefix: archiveKeys.packs(at.instance) };
  assertSafe(part.index);
  const isMatch = pathMatcher(pattern);
  const isAny = [...part.index.files.paths, ...part.index.links.map(({ path }) => path)].some(isMatch);
  if (!isAny) throw new OctoError('FileUnknown', `${at.archiveId} holds no file "${pattern}"`);
  return extractPart(world, part, { root: emptyDirectory(target), isWanted: isMatch, ...reading });
};

/**
 * Writes one file of the archive, or its dump (`database.bak`), to the new file `to`: three requests where the file lies
 * in one pack. @throws FileUnknown, ArchiveDamaged
 */
export const extractFile = async (
  world: Store,
  at: ArchivePlace,
  { path, to, ...reading }: Reading & { path: string; to: string },
): Promise<void> => {
  const { folders, database } = await findArchive(world, at.instance, at.archiveId);
  const part =
    path === DUMP_NAME
      ? { index: await readIndex(world, database), prefix: archiveKeys.database(at.instance) }
      : { index: await readIndex(world, folders), prefix: archiveKeys.packs(at.instance) };
  const row = rowsByPath(part.index).get(pathText(path));
  if (row === undefined) throw new OctoError('FileUnknown', `${at.archiveId} holds no file "${path}"`);
  await writeFiles(world, part, { ...reading, pathOf: (file) => (file === row ? to : null) });
};

const emptyDirectory = (target: string): string => {
  const root = resolve(target);
  mkdirSync(root, { recursive: true });
  if (readdirSync(root).length > 0) throw new OctoError('TargetNotEmpty', `the folder ${root} is not empty`);
  return root;
};
