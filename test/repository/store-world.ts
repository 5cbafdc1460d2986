/** Two stores in a directory and a clock that stands still, for tests of what is kept, deleted and verified. */
import { join } from 'node:path';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { newIndex } from '../../lib/archive/index/archive-index.ts';
import { encodeIndex } from '../../lib/archive/index/index-text.ts';
import { sha256Hex } from '../../lib/archive/pack/packs.ts';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { archiveIdOf, archiveKeys, runIdOf } from '../../lib/domain/names.ts';
import type { World } from '../../lib/ports/world.ts';
import { writeManifest } from '../../lib/repository/archives.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { type TestClock, testClock } from '../clock.ts';
import { temporaryDirectory } from '../worker/support.ts';

export type StoreWorld = Pick<World, 'archives' | 'state'> & { clock: TestClock };

/** Its clock is the machine's: stored objects are stamped by that one. */
export const storeWorld = (directory = temporaryDirectory()): StoreWorld => ({
  archives: directoryObjectStore({ directory: join(directory, 'archives') }),
  state: directoryObjectStore({ directory: join(directory, 'state') }),
  clock: testClock(new Date()),
});

/** Seals an archive of so many hours ago, with two empty indexes of its own. */
export const sealAged = async (
  world: StoreWorld,
  hours: number,
  changes: Partial<Manifest> = {},
): Promise<Manifest> => {
  const takenAt = new Date(world.clock.now().getTime() - hours * 3_600_000).toISOString();
  const id = runIdOf(takenAt);
  const manifest = manifestOf({ archiveId: archiveIdOf({ id, requestedAt: takenAt }), word: 'good' });
  return writeManifest(world, {
    ...manifest,
    takenAt,
    folders: { ...manifest.folders, ...(await storeEmptyIndex(world, takenAt, 0)) },
    database: { ...manifest.database, ...(await storeEmptyIndex(world, takenAt, 1)) },
    ...changes,
  });
};

const storeEmptyIndex = async (world: StoreWorld, takenAt: string, part: number) => {
  const bytes = encodeIndex(newIndex(Date.parse(takenAt) * 1000 + part));
  const indexSha256 = sha256Hex(bytes);
  const indexKey = archiveKeys.index('prod', indexSha256);
  await world.archives.create(indexKey, bytes);
  return { indexKey, indexSha256 };
};
