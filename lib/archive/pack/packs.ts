/**
 * Packs and indexes as objects of the store: named by the SHA-256 of their own bytes, so writing one that is there
 * already is success, and a run that was killed finds what it had stored.
 */
import { hash } from 'node:crypto';
import { OctoError, isOctoError } from '../../domain/errors.ts';
import { archiveKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import { decodeIndex } from '../index/index-text.ts';

type Store = Pick<World, 'archives'>;

/** The steps retry as a whole; this spares them the short hiccups. */
const TRIES = 4;
const PAUSE_MS = 250;

/** SHA-256 and size of every pack below `prefix`. */
export const listPacks = async ({ archives }: Store, prefix: string): Promise<Map<string, number>> => {
  const packs = new Map<string, number>();
  for await (const { key, sizeBytes } of archives.list(prefix)) packs.set(key.slice(prefix.length), sizeBytes);
  return packs;
};

type NamedBytes = { bytes: Uint8Array; sha256: string };

/**
 * What is stored for a pack: the pack, or, where one of its name was found damaged, the pack and zero bytes after its last
 * block. So the same content gets the same new name, however often the run is killed.
 */
export const besideDamaged = (pack: NamedBytes, damaged: ReadonlySet<string>): NamedBytes => {
  if (!damaged.has(pack.sha256)) return pack;
  const bytes = Buffer.concat([pack.bytes, Buffer.alloc(1)]);
  return besideDamaged({ bytes, sha256: sha256Hex(bytes) }, damaged);
};

/** Stores an object that is named by its content. `false` when it was there already. */
export const storeByContent = async (
  { archives, clock }: Store & Pick<World, 'clock'>,
  key: string,
  object: NamedBytes & { signal?: AbortSignal | undefined },
): Promise<boolean> => {
  const options = { sha256: object.sha256, ...(object.signal === undefined ? {} : { signal: object.signal }) };
  for (let attempt = 1; ; attempt++) {
    try {
      await archives.create(key, object.bytes, options);
      return true;
    } catch (thrown) {
      if (isOctoError(thrown, 'StoreKeyExists')) return false;
      if (attempt === TRIES || !isOctoError(thrown, 'StoreConflict', 'StoreUnavailable')) throw thrown;
      await clock.sleep(PAUSE_MS * attempt, object.signal);
    }
  }
};

/** Stores an encoded index; what names it. */
export const storeIndex = async (
  world: Store & Pick<World, 'clock'>,
  instance: string,
  bytes: Buffer,
): Promise<{ indexKey: string; indexSha256: string }> => {
  const indexSha256 = sha256Hex(bytes);
  const indexKey = archiveKeys.index(instance, indexSha256);
  await storeByContent(world, indexKey, { bytes, sha256: indexSha256 });
  return { indexKey, indexSha256 };
};

/** The index that a section names. @throws ArchiveDamaged */
export const readIndex = async (
  { archives }: Store,
  { indexKey, indexSha256 }: { indexKey: string; indexSha256: string },
): Promise<ArchiveIndex> => {
  const object = await archives.read(indexKey);
  if (object === null) throw new OctoError('ArchiveDamaged', `the index ${indexKey} is not in the store`);
  if (sha256Hex(object.bytes) !== indexSha256) {
    throw new OctoError('ArchiveDamaged', `the index ${indexKey} has another SHA-256`);
  }
  return decodeIndex(object.bytes);
};

export const sha256Hex = (bytes: Uint8Array): string => hash('sha256', bytes);
