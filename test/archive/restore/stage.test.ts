import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { planPlaces } from '../../../lib/archive/restore/plan-places.ts';
import { openRoots } from '../../../lib/archive/restore/stage.ts';
import { dropAsideFolders, swapFolders } from '../../../lib/archive/swap/swap-folders.ts';
import { restoreFolders } from '../../../lib/domain/names.ts';
import type { World } from '../../../lib/ports/world.ts';
import { plantOddities } from '../oddities.ts';
import { plant } from '../scratch.ts';
import { noise, treeOf } from '../trees.ts';
import { archivedServer, RUN, SMALL_TREE, stage, targetsIn } from './target.ts';

const note = async (): Promise<void> => undefined;

const stagedTrees = (server: string) => ({
  packages: treeOf(join(server, `Packages.octo-${RUN}`)),
  logs: treeOf(join(server, `TaskLogs.octo-${RUN}`)),
});

/** Counts the bytes of packs that the store hands out. */
const counted = (world: World) => {
  const count = { packBytes: 0 };
  const read: typeof world.archives.read = async (key, options) => {
    const found = await world.archives.read(key, options);
    if (key.includes('/packs/')) count.packBytes += found?.bytes.length ?? 0;
    return found;
  };
  return { count, world: { ...world, archives: { ...world.archives, read } } };
};

test('every place is written beside its target, which is not touched', async () => {
  const { world, server, at } = await archivedServer();
  const expected = { packages: treeOf(join(server, 'Packages')), logs: treeOf(join(server, 'TaskLogs')) };
  plant(server, { 'Packages/a.zip': 'changed', 'TaskLogs/new.txt': 'new' });
  rmSync(join(server, 'Packages/below'), { recursive: true });
  const before = treeOf(join(server, 'Packages'));
  const { staged } = await stage(world, { at, server });
  expect(stagedTrees(server)).toEqual(expected);
  expect(treeOf(join(server, 'Packages'))).toEqual(before);
  expect(staged).toMatchObject({ fileCount: 5, keptCount: 3 });
});

test('modes and times are as they were stored', async () => {
  const { world, server, at } = await archivedServer();
  const file = join(server, 'Packages/a.zip');
  const stored = statSync(file);
  chmodSync(file, 0o600);
  utimesSync(file, 1, 1);
  await stage(world, { at, server });
  const found = statSync(join(server, `Packages.octo-${RUN}`, 'a.zip'));
  expect({ mode: found.mode, mtimeMs: found.mtimeMs }).toEqual({ mode: stored.mode, mtimeMs: stored.mtimeMs });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('what is right on the target is not read from the store', async () => {
  const { server, at, ...rest } = await archivedServer();
  const { world, count } = counted(rest.world);
  const { staged } = await stage(world, { at, server });
  expect(count.packBytes).toBe(0);
  expect(staged).toMatchObject({ keptCount: 5, fetchedBytes: 0 });
  const linked = join(server, `Packages.octo-${RUN}`, 'a.zip');
  expect(lstatSync(linked).ino).toBe(lstatSync(join(server, 'Packages/a.zip')).ino);
  // A log may be written on: through a link the copy that is kept aside would change with it.
  const copied = join(server, `TaskLogs.octo-${RUN}`, 'a.txt');
  expect(lstatSync(copied).ino).not.toBe(lstatSync(join(server, 'TaskLogs/a.txt')).ino);
});

test('a file of the same size and time but other bytes is fetched', async () => {
  const { world, server, at } = await archivedServer();
  const file = join(server, 'Packages/a.zip');
  const { mtimeMs } = statSync(file);
  writeFileSync(file, noise(50_000, 77));
  utimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
  const { staged } = await stage(world, { at, server });
  expect(staged.fetchedBytes).toBe(50_000);
  expect(readFileSync(join(server, `Packages.octo-${RUN}`, 'a.zip')).equals(SMALL_TREE['Packages/a.zip'])).toBe(true);
  expect(readFileSync(file).equals(noise(50_000, 77))).toBe(true);
});

test('what a broken-off attempt has left is compared, kept where it is right and written anew where it is not', async () => {
  const { server, at, ...rest } = await archivedServer();
  const { world, count } = counted(rest.world);
  rmSync(join(server, 'Packages'), { recursive: true });
  mkdirSync(join(server, 'Packages'));
  const { places } = await stage(world, { at, server });
  const once = count.packBytes;
  const expected = stagedTrees(server);
  const beside = join(server, `Packages.octo-${RUN}`);
  truncateSync(join(beside, 'below/b.txt'), 10);
  rmSync(join(beside, 'a.zip'));
  symlinkSync('/etc/passwd', join(beside, 'a.zip'));
  writeFileSync(join(beside, 'large.zip'), noise(4_300_000, 6));
  await stage(world, { at, server, places });
  expect(stagedTrees(server)).toEqual(expected);
  expect(readFileSync('/etc/passwd', 'utf8')).toContain('root');
  await stage(world, { at, server, places });
  expect(count.packBytes).toBeLessThan(2 * once + 1);
});

test('the last look finds what was changed through a link, and fetches only that', async () => {
  const { server, at, ...rest } = await archivedServer();
  const { places } = await stage(rest.world, { at, server });
  const expected = stagedTrees(server);
  appendFileSync(join(server, 'Packages/a.zip'), 'written on');
  const { world, count } = counted(rest.world);
  const { staged } = await stage(world, { at, server, places, isLastLook: true });
  expect(staged.fetchedBytes).toBe(50_000);
  expect(stagedTrees(server)).toEqual(expected);
  expect(count.packBytes).toBeLessThan(60_000);
});

test('a target that is not there, below folders that are not there, gets its place', async () => {
  const { world, server, at, directory } = await archivedServer();
  const expected = treeOf(join(server, 'Packages'));
  const path = join(directory, 'new/home/Packages');
  const places = openRoots(planPlaces([{ name: 'packages', path }], RUN));
  const { staged } = await stage(world, { at, server, places });
  expect(treeOf(`${path}.octo-${RUN}`)).toEqual(expected);
  expect(staged.fileCount).toBe(3);
});

test('a folder that cannot be renamed is staged inside itself, and is whole after the swap', async () => {
  const { world, server, at } = await archivedServer();
  const expected = treeOf(server);
  plant(server, { 'Packages/new.zip': 'new' });
  const inside = planPlaces(targetsIn(server), RUN).map((place) => ({
    ...place,
    way: 'inside' as const,
    ...restoreFolders.inside(place.target, RUN),
  }));
  const { places } = await stage(world, { at, server, places: openRoots(inside) });
  await dropAsideFolders(await swapFolders(places, { note }));
  expect(treeOf(server)).toEqual(expected);
});

test.skipIf(process.platform !== 'linux')('a mount point is exchanged entry by entry', () => {
  const [place] = planPlaces([{ name: 'packages', path: '/dev/shm' }], RUN);
  expect(place).toMatchObject({ way: 'inside', beside: `/dev/shm/.octo-${RUN}/new`, wasThere: true });
});

/** Everything on the server goes, so that all has to be fetched. */
const emptied = async (fill?: (server: string) => void) => {
  const archived = await archivedServer({}, fill);
  const expected = treeOf(archived.server);
  for (const { path } of targetsIn(archived.server)) {
    rmSync(path, { recursive: true });
    mkdirSync(path);
  }
  return { ...archived, expected };
};

test.each(['fetched', 'taken over'])('whatever a server may hold comes back, %s', async (how) => {
  const { world, server, at, expected, directory } = await emptied(plantOddities);
  onTestFinished(() => void execFileSync('chmod', ['-R', 'u+w', directory]));
  // A link out of its folder is only made where the target has it.
  symlinkSync('/etc/passwd', join(server, 'TaskLogs/out of the tree'));
  if (how === 'taken over') {
    const first = await stage(world, { at, server });
    await dropAsideFolders(await swapFolders(first.places, { note }));
  }
  const { places, staged } = await stage(world, { at, server });
  expect(staged.fetchedBytes === 0).toBe(how === 'taken over');
  await stage(world, { at, server, places, isLastLook: true });
  await dropAsideFolders(await swapFolders(places, { note }));
  expect(treeOf(server)).toEqual(expected);
  expect(statSync(join(server, 'Packages/locked')).mode & 0o777).toBe(0o555);
});

test('a staging that is killed at any pack goes on where it was', async () => {
  const files = Object.fromEntries([1, 2, 3, 4].map((n) => [`Packages/${n}.zip`, noise(5_000_000, n)]));
  const { world, server, at, expected, directory } = await emptied((path) => plant(path, files));
  const child = new URL('stage-child.ts', import.meta.url).pathname;
  for (const pack of [0, 1, 2]) {
    const { signal } = spawnSync(process.execPath, [child, directory, at.archiveId, String(pack)]);
    expect(signal).toBe('SIGKILL');
  }
  const { places } = await stage(world, { at, server });
  await dropAsideFolders(await swapFolders(places, { note }));
  expect(treeOf(server)).toEqual(expected);
}, 60_000);
