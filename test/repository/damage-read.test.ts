/** What a restore or drill found damaged is remembered, so that `latest` leads somewhere else the next time. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { latestGood } from '../../lib/repository/catalog.ts';
import { damagedNames } from '../../lib/repository/damage.ts';
import { markDamageRead } from '../../lib/repository/outcomes/damage-read.ts';
import { sealAged, type StoreWorld, storeWorld } from './store-world.ts';

const PACK = 'ab'.repeat(32);

let world: StoreWorld;
let older: Manifest;
let newest: Manifest;

beforeEach(async () => {
  world = storeWorld();
  older = await sealAged(world, 48);
  newest = await sealAged(world, 24);
});

const failing = (state: string, error: 'ArchiveDamaged' | 'DatabaseDiskFull', key: string | null) => {
  const thrown = new OctoError(error, 'not what was stored', key === null ? {} : { facts: { key } });
  return { state, error, cause: JSON.stringify(thrown) };
};
const reading = () => ({
  workflow: 'restore' as const,
  instance: 'spare',
  options: { archive: newest.archiveId, from: 'prod' },
});

describe('what a run found damaged', () => {
  it('is marked with the archive that it read, which counts as good no more', async () => {
    const key = `${archiveKeys.packs('prod')}${PACK}`;
    await markDamageRead(world, reading(), failing('StageFolders', 'ArchiveDamaged', key));
    expect(await damagedNames(world, 'prod')).toEqual(new Set([PACK, newest.archiveId]));
    expect((await latestGood(world, 'prod'))?.archiveId).toBe(older.archiveId);
  });

  it('is the archive where no object was named', async () => {
    await markDamageRead(world, reading(), failing('LoadDatabase', 'ArchiveDamaged', null));
    expect(await damagedNames(world, 'prod')).toEqual(new Set([newest.archiveId]));
  });

  it.each([
    ['in the archive that it makes of its target', failing('CheckReferences', 'ArchiveDamaged', null)],
    ['not at all', failing('StageFolders', 'DatabaseDiskFull', null)],
    ['not at all, since nothing failed', null],
  ])('%s marks nothing of the one it reads', async (_what, failure) => {
    await markDamageRead(world, reading(), failure);
    expect((await latestGood(world, 'prod'))?.archiveId).toBe(newest.archiveId);
  });
});
