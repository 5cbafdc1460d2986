import { expect, test } from 'vitest';
import { archiveIdFloor, archiveKeys } from '../../lib/domain/names.ts';
import { archiveIds, findArchive, latestGood, listArchives } from '../../lib/repository/catalog.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { scratchWorld } from '../archive/scratch.ts';
import { testClock } from '../clock.ts';

const NOW = '2026-03-04T02:00:00.000Z';
const DAY_MS = 86_400_000;
const idAt = (daysAgo: number): string => `${archiveIdFloor(new Date(Date.parse(NOW) - daysAgo * DAY_MS))}_7F3K9Q2M`;

/** A store with archives of these ages, and one that was begun and never sealed. */
const worldWith = async (archives: { daysAgo: number; word?: 'good' | 'gaps' | 'suspicious' }[]) => {
  const world = { ...scratchWorld(), clock: testClock(NOW) };
  const asked: string[] = [];
  for (const { daysAgo, word = 'good' } of archives) {
    const manifest = manifestOf({ archiveId: idAt(daysAgo), word });
    const key = archiveKeys.manifest('prod', manifest.archiveId);
    await world.archives.create(key, Buffer.from(JSON.stringify(manifest)));
    await world.archives.create(archiveKeys.section('prod', manifest.archiveId, 'proof'), Buffer.from('{}'));
  }
  await world.archives.create(archiveKeys.section('prod', idAt(0.01), 'proof'), Buffer.from('{}'));
  const read: typeof world.archives.read = (key, options) => (asked.push(key), world.archives.read(key, options));
  return { world: { ...world, archives: { ...world.archives, read } }, asked };
};

test('archives come newest first, over all windows, without those that were never sealed', async () => {
  const ages = [-0.5, 0, 0.4, 0.9, 1, 1.5, 3, 7.1, 40, 400, 2000];
  const { world } = await worldWith(ages.toReversed().map((daysAgo) => ({ daysAgo })));
  expect(await Array.fromAsync(archiveIds(world, 'prod'))).toEqual(ages.map(idAt));
  const manifests = await Array.fromAsync(listArchives(world, 'prod'));
  expect(manifests.map(({ archiveId }) => archiveId)).toEqual(ages.map(idAt));
});

test('the latest good one is found without reading what is older', async () => {
  const { world, asked } = await worldWith([
    { daysAgo: 0.1, word: 'suspicious' },
    { daysAgo: 0.2, word: 'gaps' },
    { daysAgo: 5 },
    { daysAgo: 6 },
    { daysAgo: 300 },
  ]);
  expect((await latestGood(world, 'prod'))?.archiveId).toBe(idAt(5));
  // Three manifests, and of the two that are not good whether somebody has accepted them.
  expect(asked.length).toBe(5);
  expect((await latestGood(world, 'prod', idAt(5)))?.archiveId).toBe(idAt(6));
  expect((await findArchive(world, 'prod', 'latest')).archiveId).toBe(idAt(5));
  expect((await findArchive(world, 'prod', idAt(0.2))).word).toBe('gaps');
});

test('an archive that is not there, or is no id at all, is unknown', async () => {
  const { world } = await worldWith([]);
  for (const wanted of ['latest', idAt(1), '../../secrets', '']) {
    await expect(findArchive(world, 'prod', wanted)).rejects.toMatchObject({ code: 'ArchiveUnknown' });
  }
  expect(await latestGood(world, 'prod')).toBeNull();
});
