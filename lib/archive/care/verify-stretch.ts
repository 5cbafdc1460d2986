/**
 * Reads a stretch of the store again: packs and indexes whose names lie on it are fetched whole and compared with the
 * SHA-256 that names them; archives whose ids lie on it are compared with their manifests, file by file and section by
 * section, and everything their indexes name must be there. Changes nothing.
 *
 * What vanishes while it works was removed by retention and is no damage. @see lib/domain/archives/verify-plan.ts
 */
import type { Manifest } from '../../domain/archives/archive.ts';
import { isOnStretch, type Stretch } from '../../domain/archives/verify-plan.ts';
import { isOctoError, OctoError } from '../../domain/errors.ts';
import { archiveKeys, contentNameOf } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { readManifest } from '../../repository/archives.ts';
import { archiveIds } from '../../repository/catalog.ts';
import { damagedNames, type DamageFound } from '../../repository/damage.ts';
import { packsOfIndex } from '../index/index-text.ts';
import { listPacks, sha256Hex } from '../pack/packs.ts';
import { sharedObjects } from '../pack/shared-objects.ts';
import type { Damage } from '../read-packs.ts';
import { damagesBeside } from '../verify.ts';

type Store = Pick<World, 'archives' | 'clock'>;

export type VerifiedStretch = { objectCount: number; readBytes: number; damaged: DamageFound[] };

/** What was read, and what of it is damaged and was not marked yet, with the archives that need it. */
export const verifyStretch = async (
  world: Store,
  instance: string,
  { stretch, signal }: { stretch: Stretch; signal?: AbortSignal },
): Promise<VerifiedStretch> => {
  const known = await damagedNames(world, instance);
  const read = { objectCount: 0, readBytes: 0 };
  const found: Damage[] = [];
  for await (const { key, sizeBytes } of contentOn(world, instance, stretch)) {
    signal?.throwIfAborted();
    const damage = await damageOf(world, instance, key);
    read.objectCount++;
    read.readBytes += sizeBytes;
    if (damage !== null && !known.has(contentNameOf(instance, key)!)) found.push(damage);
  }
  const archives: DamageFound[] = [];
  for await (const archiveId of archiveIds(world, instance)) {
    if (known.has(archiveId) || !isOnStretch(sha256Hex(Buffer.from(archiveId)), stretch)) continue;
    signal?.throwIfAborted();
    for (const damage of await damagesOfArchive(world, { instance, archiveId })) {
      const name = contentNameOf(instance, damage.key);
      if (name === null || known.has(name)) archives.push({ ...damage, archives: [archiveId] });
      else if (!found.some(({ key }) => key === damage.key)) found.push(damage);
    }
    read.objectCount++;
  }
  return { ...read, damaged: [...(await withArchives(world, instance, found)), ...archives] };
};

/** Packs and indexes of the stretch: stored by name, so a listing begins where the stretch does. */
const contentOn = async function* ({ archives }: Store, instance: string, stretch: Stretch) {
  for (const prefix of [archiveKeys.packs(instance), archiveKeys.database(instance), archiveKeys.indexes(instance)]) {
    for await (const object of archives.list(prefix, { after: `${prefix}${stretch.from}` })) {
      const name = contentNameOf(instance, object.key);
      if (name === null) continue;
      if (!isOnStretch(name, stretch)) break;
      yield object;
    }
  }
};

const damageOf = async ({ archives }: Store, instance: string, key: string): Promise<Damage | null> => {
  try {
    const object = await archives.read(key);
    const isRight = object === null || sha256Hex(object.bytes) === contentNameOf(instance, key);
    return isRight ? null : { key, what: 'its bytes have another SHA-256' };
  } catch (thrown) {
    if (isOctoError(thrown, 'StoreDamaged')) return { key, what: 'the store says that its bytes are damaged' };
    throw thrown;
  }
};

const damagesOfArchive = async (world: Store, at: { instance: string; archiveId: string }): Promise<Damage[]> => {
  const key = archiveKeys.manifest(at.instance, at.archiveId);
  const damages = await damagesOfSealed(world, at).catch((thrown: unknown) => {
    const { code, message } = OctoError.from(thrown);
    if (code !== 'ArchiveDamaged' && code !== 'StoreDamaged') throw thrown;
    return [{ key, what: message }];
  });
  // Deleted meanwhile, it needs nothing any more.
  return damages.length === 0 || (await world.archives.head(key)) === null ? [] : damages;
};

const damagesOfSealed = async (world: Store, at: { instance: string; archiveId: string }): Promise<Damage[]> => {
  const manifest = await readManifest(world, at);
  if (manifest === null) return [];
  return [...(await damagesBeside(world, manifest)), ...(await missingFrom(world, manifest))];
};

/** What the indexes name and the store does not have. What an unreadable index names is not known: it is damaged itself. */
const missingFrom = async (world: Store, { instance, folders, database }: Manifest): Promise<Damage[]> => {
  const damages: Damage[] = [];
  for (const [section, prefix] of [
    [folders, archiveKeys.packs(instance)],
    [database, archiveKeys.database(instance)],
  ] as const) {
    const index = await world.archives.read(section.indexKey);
    if (index === null || sha256Hex(index.bytes) !== section.indexSha256) {
      const what = index === null ? 'is not in the store' : 'its bytes have another SHA-256';
      damages.push({ key: section.indexKey, what });
      continue;
    }
    const present = await listPacks(world, prefix);
    for (const { sha256 } of packsOfIndex(index.bytes)) {
      if (!present.has(sha256)) damages.push({ key: `${prefix}${sha256}`, what: 'is not in the store' });
    }
  }
  return damages;
};

/** Looks into the archives only when something is damaged. */
const withArchives = async (world: Store, instance: string, damages: Damage[]): Promise<DamageFound[]> => {
  const found = damages.map((damage): DamageFound => ({ ...damage, archives: [] }));
  if (found.length === 0) return [];
  for await (const archiveId of archiveIds(world, instance)) {
    // One whose manifest cannot be read is damaged by itself.
    const manifest = await readManifest(world, { instance, archiveId }).catch(() => null);
    const sizes = manifest === null ? new Map<string, number>() : (await sharedObjects(world, manifest)).sizes;
    for (const { key, archives } of found) if (sizes.has(key)) archives.push(archiveId);
  }
  return found;
};
