/** Which objects of the store the archives of an instance need: their own files, their indexes, and the packs these name. */
import { OctoError } from '../../domain/errors.ts';
import { archiveKeys, contentNameOf } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { listArchives } from '../../repository/catalog.ts';
import { packsOfIndex } from '../index/index-text.ts';
import { sha256Hex } from '../pack/packs.ts';

export type Needed = {
  /** Ids of the sealed archives. */
  archives: Set<string>;
  /** Keys of indexes and packs. */
  objects: Set<string>;
  /** SHA-256 of those. */
  names: Set<string>;
};

/**
 * What all archives together need. Known only when every manifest and every index can be read whole: what a damaged one
 * names is not known, so then nothing may be called unneeded.
 * @throws ArchiveDamaged, ArchiveTooNew, StoreDamaged
 */
export const neededObjects = async (
  world: Pick<World, 'archives' | 'clock'>,
  instance: string,
  onProgress: (archiveId: string) => Promise<void>,
): Promise<Needed> => {
  const needed: Needed = { archives: new Set(), objects: new Set(), names: new Set() };
  for await (const { archiveId, folders, database } of listArchives(world, instance)) {
    await onProgress(archiveId);
    needed.archives.add(archiveId);
    for (const [section, prefix] of [
      [folders, archiveKeys.packs(instance)],
      [database, archiveKeys.database(instance)],
    ] as const) {
      // Archives of unchanged folders share an index: it is read once.
      if (needed.objects.has(section.indexKey)) continue;
      for (const key of await packKeys(world, section, prefix)) needed.objects.add(key);
      needed.objects.add(section.indexKey);
    }
  }
  for (const key of needed.objects) needed.names.add(contentNameOf(instance, key) ?? key);
  return needed;
};

const packKeys = async (
  { archives }: Pick<World, 'archives'>,
  { indexKey, indexSha256 }: { indexKey: string; indexSha256: string },
  prefix: string,
): Promise<string[]> => {
  const index = await archives.read(indexKey);
  if (index === null || sha256Hex(index.bytes) !== indexSha256) {
    throw new OctoError('ArchiveDamaged', `the index ${indexKey} cannot be read`, { facts: { key: indexKey } });
  }
  return packsOfIndex(index.bytes).map(({ sha256 }) => `${prefix}${sha256}`);
};
