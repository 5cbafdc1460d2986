import { expect, test } from 'vitest';
import { archiveKeys, stateKeys } from '../../lib/domain/names.ts';
import {
  archivesBeingRead,
  holdForReading,
  releaseReading,
  sweepReaderHolds,
} from '../../lib/repository/store-care/reader-holds.ts';
import { storeWorld } from './store-world.ts';

const archiveId = 'arc_20260304T020000Z_7F3K9Q2M';
const at = { instance: 'prod', archiveId };
const HOUR_MS = 3_600_000;

const worldWithArchive = async () => {
  const world = storeWorld();
  await world.archives.create(archiveKeys.manifest('prod', archiveId), Buffer.from('{}'));
  return world;
};

test('an archive is read until every reader is done, or their time is over', async () => {
  const world = await worldWithArchive();
  await holdForReading(world, at, { runId: 'run_1', hours: 2 });
  await holdForReading(world, at, { runId: 'run_2', hours: 5 });
  expect(await archivesBeingRead(world, 'prod')).toEqual(new Set([archiveId]));
  expect(await archivesBeingRead(world, 'test')).toEqual(new Set());
  await releaseReading(world, at, 'run_2');
  await releaseReading(world, at, 'run_2');
  expect(await archivesBeingRead(world, 'prod')).toEqual(new Set([archiveId]));
  await world.clock.advance(2 * HOUR_MS);
  expect(await archivesBeingRead(world, 'prod')).toEqual(new Set());
});

test('taken again, a hold lasts longer and never shorter', async () => {
  const world = await worldWithArchive();
  await holdForReading(world, at, { runId: 'run_1', hours: 4 });
  await holdForReading(world, at, { runId: 'run_1', hours: 1 });
  await world.clock.advance(3 * HOUR_MS);
  expect(await archivesBeingRead(world, 'prod')).toEqual(new Set([archiveId]));
  await holdForReading(world, at, { runId: 'run_1', hours: 4 });
  await world.clock.advance(3 * HOUR_MS);
  expect(await archivesBeingRead(world, 'prod')).toEqual(new Set([archiveId]));
});

test('what is gone cannot be held, and no hold is left on it', async () => {
  const world = await worldWithArchive();
  await world.archives.delete(archiveKeys.manifest('prod', archiveId));
  await expect(holdForReading(world, at, { runId: 'run_1', hours: 1 })).rejects.toMatchObject({
    code: 'ArchiveUnknown',
  });
  expect(await Array.fromAsync(world.state.list(stateKeys.readers('prod')))).toEqual([]);
});

test('nobody begins to read what is just being deleted', async () => {
  const world = await worldWithArchive();
  await world.state.create(stateKeys.deletion('prod', archiveId), Buffer.from('{}'));
  await expect(holdForReading(world, at, { runId: 'run_1', hours: 1 })).rejects.toMatchObject({
    code: 'ArchiveUnknown',
  });
  expect(await archivesBeingRead(world, 'prod')).toEqual(new Set());
});

test('sweeping forgets what has ended and nothing else', async () => {
  const world = await worldWithArchive();
  await holdForReading(world, at, { runId: 'run_1', hours: 1 });
  await holdForReading(world, at, { runId: 'run_2', hours: 3 });
  await world.clock.advance(HOUR_MS);
  await sweepReaderHolds(world, 'prod');
  const left = await Array.fromAsync(world.state.list(stateKeys.readers('prod')));
  expect(left.map(({ key }) => key)).toEqual([stateKeys.reader('prod', archiveId, 'run_2')]);
});
