import { expect, test } from 'vitest';
import { stateKeys } from '../../lib/domain/names.ts';
import { heldArchives, holdArchive, readHold, releaseArchive } from '../../lib/repository/holds.ts';
import { makeWorld } from '../worker/support.ts';

const archiveId = 'arc_20260304T020000Z_7F3K9Q2M';
const at = { instance: 'prod', archiveId };
const holdOf = (by: string) => ({ by, reason: null, heldAt: '2026-03-04T03:00:00.000Z' });

test('of two who hold at once one stands, and both hear which', async () => {
  const world = makeWorld();
  const [ana, ben] = await Promise.all([holdArchive(world, at, holdOf('ana')), holdArchive(world, at, holdOf('ben'))]);
  expect(ana).toEqual(ben);
  expect(await readHold(world, at)).toEqual(ana);
  expect(await holdArchive(world, at, holdOf('cay'))).toEqual(ana);
});

test('what is held is known by instance, until it is released; releasing twice is no error', async () => {
  const world = makeWorld();
  await holdArchive(world, at, holdOf('ana'));
  await world.state.create(`${stateKeys.holds('prod')}readme.txt`, Buffer.from('not a hold'));
  expect(await heldArchives(world, 'prod')).toEqual(new Set([archiveId]));
  expect(await heldArchives(world, 'test')).toEqual(new Set());
  await releaseArchive(world, at);
  await releaseArchive(world, at);
  expect(await heldArchives(world, 'prod')).toEqual(new Set());
  expect(await readHold(world, at)).toBeNull();
});
