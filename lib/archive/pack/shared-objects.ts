/** The objects an archive shares with others: its two indexes, and the packs these name. Answers what is lost or freed with which archive. */
import type { Manifest } from '../../domain/archives/archive.ts';
import { archiveKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { listArchives } from '../../repository/catalog.ts';
import { packsOfIndex } from '../index/index-text.ts';

/** Sizes by key. `unreadable` are the indexes that could not be read, so what they name is not known. */
export type SharedObjects = { sizes: Map<string, number>; unreadable: string[] };

/** What `manifest` needs, as far as its indexes can be read. */
export const sharedObjects = async (
  world: Pick<World, 'archives'>,
  { instance, folders, database }: Manifest,
): Promise<SharedObjects> => {
  const found: SharedObjects = { sizes: new Map(), unreadable: [] };
  const parts = [
    { indexKey: folders.indexKey, prefix: archiveKeys.packs(instance) },
    { indexKey: database.indexKey, prefix: archiveKeys.database(instance) },
  ];
  for (const { indexKey, prefix } of parts) {
    const bytes = (await world.archives.read(indexKey))?.bytes ?? null;
    found.sizes.set(indexKey, bytes?.length ?? 0);
    const packs = bytes && packsOrNull(bytes);
    if (packs === null) found.unreadable.push(indexKey);
    for (const { sha256, sizeBytes } of packs ?? []) found.sizes.set(`${prefix}${sha256}`, sizeBytes);
  }
  return found;
};

/** What only this archive needs: all other archives of its instance are looked into. */
export const objectsOnlyIn = async (
  world: Pick<World, 'archives' | 'clock'>,
  manifest: Manifest,
  { onProgress }: { onProgress?: (archiveId: string) => void } = {},
): Promise<SharedObjects> => {
  const only = await sharedObjects(world, manifest);
  for await (const other of listArchives(world, manifest.instance)) {
    if (other.archiveId === manifest.archiveId) continue;
    onProgress?.(other.archiveId);
    const { sizes, unreadable } = await sharedObjects(world, other);
    for (const key of sizes.keys()) only.sizes.delete(key);
    only.unreadable.push(...unreadable);
  }
  return only;
};

const packsOrNull = (bytes: Buffer) => {
  try {
    return packsOfIndex(bytes);
  } catch {
    return null;
  }
};
