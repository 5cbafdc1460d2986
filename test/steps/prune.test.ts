import { expect, test } from 'vitest';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { archiveKeys, stateKeys } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { newestEntries } from '../../lib/repository/audit.ts';
import { archiveIds } from '../../lib/repository/catalog.ts';
import { holdArchive } from '../../lib/repository/holds.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { holdForReading } from '../../lib/repository/store-care/reader-holds.ts';
import { step } from '../../lib/steps/prune.ts';
import { runOf } from '../archive/fixtures.ts';
import { sealAged, storeWorld, type StoreWorld } from '../repository/store-world.ts';
import { breakingAfter } from '../repository/breaking.ts';
import { perform } from './step-world.ts';

type Pruned = { keptUntil: string | null; notes: string[] };

/** Archives of every sixth hour, newest first, of which the three newest stay; the newest is this run's. */
const served = async (amount: number, word: Manifest['word'] = 'good') => {
  const world = storeWorld();
  const retention = { last: 3, daily: 0, weekly: 0, monthly: 0, yearly: 0, floor: 1 };
  await changeSettings(world, 'prod', (settings) => ({ ...settings, retention }));
  const sealed = [await sealAged(world, 0, { word })];
  for (let at = 1; at < amount; at++) sealed.push(await sealAged(world, at * 6));
  const prune = (run: Partial<RunRecord> = {}, beat = async () => {}) =>
    perform<Pruned>(step, {
      world: world as StoreWorld & World,
      run: { ...runOf(1), archiveId: sealed[0]!.archiveId, ...run },
      beat,
    });
  return { world, prune, ids: sealed.map(({ archiveId }) => archiveId) };
};

const listed = ({ archives, clock }: StoreWorld) => Array.fromAsync(archiveIds({ archives, clock }, 'prod'));

test('what no rule keeps leaves the list, the audit says so before and after, and the run says how many', async () => {
  const { world, prune, ids } = await served(5);
  const { notes, keptUntil } = await prune();
  expect(notes).toEqual(['2 older archives went by retention']);
  expect(await listed(world)).toEqual(ids.slice(0, 3));
  const entries = await Array.fromAsync(newestEntries(world));
  expect(entries.map(({ entry }) => [entry?.act, entry?.stage, entry?.detail['archives']])).toEqual([
    ['retention', 'done', ids.slice(3)],
    ['retention', 'intent', ids.slice(3)],
  ]);
  // Three more runs of the schedule, a day has seven.
  const hours = (Date.parse(keptUntil!) - world.clock.now().getTime()) / 3_600_000;
  expect(hours).toBeGreaterThan(4);
  expect(hours).toBeLessThan(16);
});

test('twice is once', async () => {
  const { world, prune, ids } = await served(5);
  await prune();
  expect((await prune()).notes).toEqual([]);
  expect(await listed(world)).toEqual(ids.slice(0, 3));
});

test.each(['gaps', 'suspicious'] as const)('after a backup that is %s nothing is touched', async (word) => {
  const { world, prune, ids } = await served(6, word);
  expect(await prune()).toEqual({ keptUntil: null, notes: [] });
  expect(await listed(world)).toEqual(ids);
  expect(await Array.fromAsync(world.state.list('trash/'))).toEqual([]);
});

test('an archive that somebody holds, or begins to read just then, stays', async () => {
  const { world, prune, ids } = await served(6);
  const [, , , held, readLate, going] = ids as [string, string, string, string, string, string];
  const hold = { by: 'ana', reason: null, heldAt: world.clock.now().toISOString() };
  await holdArchive(world, { instance: 'prod', archiveId: held }, hold);
  const begin = async () =>
    holdForReading(world, { instance: 'prod', archiveId: readLate }, { runId: 'run_R', hours: 1 });
  let isBegun = false;
  const { notes } = await prune({}, async () => {
    if (!isBegun) await begin();
    isBegun = true;
  });
  expect(notes).toEqual(['1 older archive went by retention']);
  expect(await listed(world)).toEqual(ids.filter((id) => id !== going));
});

test('a deletion that was broken off before it began holds nobody up', async () => {
  const { world, prune, ids } = await served(2);
  const at = { instance: 'prod', archiveId: ids[1]! };
  await world.state.create(stateKeys.deletion('prod', at.archiveId), Buffer.from('{}'));
  await expect(holdForReading(world, at, { runId: 'run_R', hours: 1 })).rejects.toMatchObject({
    code: 'ArchiveUnknown',
  });
  await prune();
  await holdForReading(world, at, { runId: 'run_R', hours: 1 });
  expect(await listed(world)).toEqual(ids);
});

test('their data follows on later days', async () => {
  const { world, prune, ids } = await served(4);
  const indexes = async () => (await Array.fromAsync(world.archives.list(archiveKeys.indexes('prod')))).length;
  await prune();
  expect(await listed(world)).toEqual(ids.slice(0, 3));
  for (const hours of [5, 20, 24, 20]) {
    await world.clock.advance(hours * 3_600_000);
    await prune();
    expect(await indexes()).toBe(8);
  }
  await world.clock.advance(24 * 3_600_000);
  await prune();
  expect(await indexes()).toBe(6);
});

test('broken off before any of its writes, it does the rest when it runs again', async () => {
  for (let most = 0, isWhole = false; !isWhole; most++) {
    const { world, ids } = await served(5);
    const run = { ...runOf(1), archiveId: ids[0]! };
    const broken = breakingAfter(world, most) as StoreWorld & World;
    isWhole = await perform(step, { world: broken, run }).then(
      () => true,
      () => false,
    );
    await perform(step, { world: world as StoreWorld & World, run });
    expect(await listed(world)).toEqual(ids.slice(0, 3));
    expect(await Array.fromAsync(world.state.list(stateKeys.deletions('prod')))).toEqual([]);
    const entries = await Array.fromAsync(newestEntries(world));
    expect(entries.map(({ entry }) => entry?.stage)).toContain('intent');
  }
});

test('data that may still be needed stays, and the run says why', async () => {
  const { world, prune } = await served(2);
  const [index] = await Array.fromAsync(world.archives.list(archiveKeys.indexes('prod')));
  await world.archives.delete(index!.key);
  expect((await prune()).notes).toEqual([expect.stringContaining(index!.key)]);
});
