/**
 * Reads every file of an archive as a restore would, and tells what is wrong: the part of a drill that is about files.
 *
 * With a scratch folder the files are written there as well, so that those in pieces are compared as a whole; the caller
 * removes it. The dump is not read: it is proven by restoring it.
 */
import { archiveKeys } from '../../domain/names.ts';
import { isOctoError } from '../../domain/errors.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../../repository/sections.ts';
import { readIndex } from '../pack/packs.ts';
import { COMPARE_ALL, type Damage, readPacks, wantedPacks } from '../read-packs.ts';
import { openArchive } from './open-archive.ts';
import { assertSafe } from './safe-index.ts';
import { extractPart } from './extract-part.ts';
import type { Reading } from './write-files.ts';

export type CheckedFiles = { fileCount: number; sizeBytes: number; damages: Damage[] };

/** `into`: a scratch folder that is there, or `null` to write nothing. @throws PathRefused, ArchiveUnknown, ArchiveTooNew */
export const checkFiles = async (
  world: Pick<World, 'archives'>,
  at: ArchivePlace,
  { into, ...reading }: Reading & { into: string | null },
): Promise<CheckedFiles> => {
  const { folders } = await openArchive(world, at);
  const index = await readIndex(world, folders);
  assertSafe(index);
  const prefix = archiveKeys.packs(at.instance);
  const { fileCount, sizeBytes } = folders;
  if (into === null) {
    const packs = wantedPacks(index, prefix, COMPARE_ALL);
    return { fileCount, sizeBytes, damages: await readPacks({ world, packs, isWhole: false, ...reading }) };
  }
  try {
    await extractPart(world, { index, prefix }, { root: into, ...reading });
    return { fileCount, sizeBytes, damages: [] };
  } catch (thrown) {
    if (!isOctoError(thrown, 'ArchiveDamaged')) throw thrown;
    return {
      fileCount,
      sizeBytes,
      damages: [{ key: String(thrown.facts['key'] ?? folders.indexKey), what: thrown.message }],
    };
  }
};
