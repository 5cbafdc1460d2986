/** What no archive needs is removed from the store in two passes; nothing that anybody needs ever is, broken off wherever. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectUnneeded, TRASH_HOURS } from '../../lib/archive/care/collect.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { archiveKeys, contentNameOf } from '../../lib/domain/names.ts';
import type { World } from '../../lib/ports/world.ts';
import { markDamaged } from '../../lib/repository/damage.ts';
import { holdForReading } from '../../lib/repository/store-care/reader-holds.ts';
import { listTrash, trashedNames } from '../../lib/repository/store-care/trash.ts';
import { unlistArchive } from '../../lib/repository/store-care/unlist.ts';
import { step as packFolders } from '../../lib/steps/pack-folders.ts';
import { testClock } from '../clock.ts';
import { breakingAfter } from '../repository/breaking.ts';
import { backUp, perform, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plant, scratchDirectory, scratchWorld } from './scratch.ts';
import { noise } from './trees.ts';

const HOUR_MS = 3_600_000;
const DUMP = Buffer.from('the database');

/** Files in the store are stamped by the machine's clock: this one begins there and moves on by itself. */
const served = (directory = scratchDirectory()) => {
  const clock = testClock(new Date());
  const world = serverWorld(directory, { ...scratchWorld(directory), clock });
  plant(join(directory, 'server'), { 'Packages/a.zip': noise(50_000, 1), 'TaskLogs/1.txt': 'log' });
  return { directory, world, pass: (hours: number) => clock.advance(hours * HOUR_MS) };
};

const collect = (world: World) => collectUnneeded(world, 'prod', async () => undefined);

const keys = async (world: World): Promise<string[]> =>
  (await Array.fromAsync(world.archives.list(''))).map(({ key }) => key);

/** Two archives that share one package, each with a package of its own; the older one is deleted. */
const withDeletedArchive = async () => {
  const { directory, world, pass } = served();
  plant(join(directory, 'server'), { 'Packages/old.zip': noise(60_000, 2) });
  const older = await backUp(world, runOf(1), DUMP);
  plant(join(directory, 'server'), { 'Packages/new.zip': noise(60_000, 3) });
  const newer = await backUp(world, runOf(2), Buffer.from('another database'));
  await unlistArchive(world, older, 'run_1');
  return { directory, world, pass, older, newer };
};

test('the data of a deleted archive goes, in two passes; what the other one shares with it stays', async () => {
  const { world, pass, older, newer } = await withDeletedArchive();
  expect(await collect(world)).toMatchObject({ namedCount: 0, deletedCount: 0 });
  await pass(25);
  const before = await keys(world);
  const { namedCount } = await collect(world);
  expect(namedCount).toBeGreaterThan(10);
  expect(await keys(world)).toEqual(before);

  await pass(TRASH_HOURS - 1);
  expect(await collect(world)).toMatchObject({ namedCount: 0, deletedCount: 0 });
  await pass(1);
  expect(await collect(world)).toMatchObject({ namedCount: 0, deletedCount: namedCount });
  const after = await keys(world);
  expect(after.length).toBe(before.length - namedCount);
  expect(after.filter((key) => key.includes(older.archiveId))).toEqual([]);
  expect(await Array.fromAsync(listTrash(world, 'prod'))).toEqual([]);
  expect(await verifyArchive(world, newer)).toMatchObject({ damaged: [] });
});

test('a backup takes over nothing that is named, and what it needs of the rest is not deleted', async () => {
  const { world, pass } = served();
  const only = await backUp(world, runOf(1), DUMP);
  await unlistArchive(world, only, 'run_1');
  await pass(25);
  await collect(world);
  const named = await trashedNames(world, 'prod');
  expect(named.size).toBeGreaterThan(2);

  // Same files, same dump, same host: without the trash it would all be taken over.
  const again = await backUp(world, runOf(2), DUMP);
  const fresh = (await keys(world)).filter((key) => !named.has(contentNameOf('prod', key) ?? ''));
  expect(fresh.filter((key) => contentNameOf('prod', key) !== null).length).toBe(5);
  await pass(TRASH_HOURS);
  expect((await collect(world)).deletedCount).toBeGreaterThan(named.size);
  expect(await verifyArchive(world, again)).toMatchObject({ damaged: [] });
});

test('what was named and is needed again by then, stays', async () => {
  const { world, pass } = served();
  const run = runOf(1);
  await perform(packFolders, world, { run, input: { pass: 'first' } });
  await pass(25);
  expect((await collect(world)).namedCount).toBe(3);
  // It had begun before its data was named, and is sealed after.
  await world.state.delete((await Array.fromAsync(world.state.list('trash/prod/')))[0]!.key);
  const sealed = await backUp(world, run, DUMP);
  const packs = (await keys(world)).filter((key) => key.startsWith(archiveKeys.packs('prod')));
  await world.state.create(
    'trash/prod/000000000001.json',
    Buffer.from(JSON.stringify({ namedAt: '2026-01-01T00:00:00.000Z', keys: packs })),
  );
  expect(await collect(world)).toMatchObject({ deletedCount: 0 });
  expect(await trashedNames(world, 'prod')).toEqual(new Set());
  expect(await verifyArchive(world, sealed)).toMatchObject({ damaged: [] });
});

test('leftovers of a run that failed go, but not in its first day', async () => {
  const { directory, world, pass } = served();
  await perform(packFolders, world, { run: runOf(1), input: { pass: 'first' } });
  plant(join(directory, 'server'), { 'Packages/a.zip': noise(50_001, 9), 'TaskLogs/1.txt': 'another log' });
  const sealed = await backUp(world, runOf(2), DUMP);
  await pass(23);
  expect((await collect(world)).namedCount).toBe(0);
  await pass(2);
  // The two packs and the index of the first run.
  expect((await collect(world)).namedCount).toBe(3);
  await pass(TRASH_HOURS);
  expect((await collect(world)).deletedCount).toBe(3);
  expect(await verifyArchive(world, sealed)).toMatchObject({ damaged: [] });
});

test('nothing is removed while an archive that was just deleted is read', async () => {
  const { world, pass, older } = await withDeletedArchive();
  await pass(25);
  await collect(world);
  await pass(TRASH_HOURS);
  // A hold from before it was deleted.
  const manifest = archiveKeys.manifest('prod', older.archiveId);
  await world.archives.create(manifest, Buffer.from('{}'));
  await holdForReading(world, older, { runId: 'run_R', hours: 10 });
  await world.archives.delete(manifest);
  expect(await collect(world)).toMatchObject({ deletedCount: 0, postponed: expect.stringContaining(older.archiveId) });
  await pass(10);
  expect(await collect(world)).toMatchObject({ postponed: null });
});

test('nothing is removed while it is not known what an archive needs', async () => {
  const { world, pass, newer } = await withDeletedArchive();
  await pass(25);
  await collect(world);
  await pass(TRASH_HOURS);
  for await (const { key } of world.archives.list(archiveKeys.indexes('prod'))) await world.archives.delete(key);
  expect(await collect(world)).toMatchObject({ deletedCount: 0, postponed: expect.stringContaining('index') });
  await unlistArchive(world, newer, 'run_2');
  expect((await collect(world)).deletedCount).toBeGreaterThan(0);
});

test('what the store locks stays named until its lock has ended', async () => {
  const { world, pass } = await withDeletedArchive();
  await pass(25);
  const { namedCount } = await collect(world);
  await pass(TRASH_HOURS);
  const now = world.clock.now().getTime();
  const lockedUntil = new Date(now + HOUR_MS).toISOString();
  const named = (await Array.fromAsync(listTrash(world, 'prod'))).flatMap((trash) => trash.keys);
  const head: World['archives']['head'] = async (key) => {
    const found = await world.archives.head(key);
    return found && (key === named[0] ? { ...found, lockedUntil } : found);
  };
  const locking = { ...world, archives: { ...world.archives, head } };
  expect(await collect(locking)).toMatchObject({ deletedCount: namedCount - 1 });
  expect((await Array.fromAsync(listTrash(world, 'prod'))).map((trash) => trash.keys)).toEqual([[named[0]]]);
  await pass(1);
  expect(await collect(locking)).toMatchObject({ deletedCount: 1 });
});

test('marks of damage go with what they are about', async () => {
  const { world, pass, older, newer } = await withDeletedArchive();
  const name = 'a'.repeat(64);
  const shared = (await keys(world)).find((key) => key.startsWith(archiveKeys.packs('prod')));
  await markDamaged(world, 'prod', [
    { key: `${archiveKeys.packs('prod')}${name}`, what: 'is not in the store', archives: [older.archiveId] },
    { key: shared!, what: 'has another SHA-256', archives: [newer.archiveId] },
  ]);
  await pass(25);
  await collect(world);
  await pass(TRASH_HOURS);
  await collect(world);
  const left = await Array.fromAsync(world.archives.list(archiveKeys.damages('prod')));
  expect(left.map(({ key }) => key).toSorted()).toEqual(
    [contentNameOf('prod', shared!)!, newer.archiveId].map((about) => archiveKeys.damage('prod', about)).toSorted(),
  );
});

test('broken off before any of its requests, it goes on the next time and ends the same', async () => {
  const built = await withDeletedArchive();
  const counts: number[] = [];
  for (let most = 0, isWhole = false; !isWhole; most++) {
    const directory = scratchDirectory();
    cpSync(built.directory, directory, { recursive: true, preserveTimestamps: true });
    const { world, pass } = served(directory);
    await pass(25);
    const broken = breakingAfter(world, most);
    const collectBroken = () =>
      collect(broken).then(
        () => true,
        () => false,
      );
    isWhole = await collectBroken();
    await collect(world);
    await pass(TRASH_HOURS);
    isWhole = (await collectBroken()) && isWhole;
    await collect(world);
    expect(await verifyArchive(world, built.newer)).toMatchObject({ damaged: [] });
    expect(await Array.fromAsync(listTrash(world, 'prod'))).toEqual([]);
    counts.push((await keys(world)).length);
  }
  expect(counts.length).toBeGreaterThan(10);
  expect(new Set(counts).size).toBe(1);
}, 60_000);
