import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { packFolders } from '../../lib/archive/pack-folders.ts';
import { readIndex } from '../../lib/archive/pack/packs.ts';
import { indexText } from '../../lib/archive/index/index-text.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import type { ScratchWorld } from './backup.ts';
import { plant, scratchDirectory, scratchWorld } from './scratch.ts';
import { noise } from './trees.ts';

const setUp = () => {
  const directory = scratchDirectory();
  const server = join(directory, 'the server');
  mkdirSync(server);
  const world = scratchWorld(directory);
  const pack = (runId: string, pass: 'first' | 'second' = 'first', using: ScratchWorld = world) =>
    packFolders(using, { instance: 'prod', runId, pass, places: [{ name: 'packages', path: server }] });
  return { directory, server, world, pack };
};

/** A store that counts what is asked of it. */
const counting = (world: ScratchWorld) => {
  const asked: string[] = [];
  let writtenBytes = 0;
  const store = world.archives;
  const archives: typeof world.archives = {
    ...store,
    read: (key, options) => (asked.push(`read ${key}`), store.read(key, options)),
    head: (key) => (asked.push(`head ${key}`), store.head(key)),
    list: (prefix, options) => (asked.push(`list ${prefix}`), store.list(prefix, options)),
    create: async (key, bytes, options) => {
      asked.push(`create ${key}`);
      const written = await store.create(key, bytes, options);
      writtenBytes += bytes.length;
      return written;
    },
  };
  return { world: { ...world, archives }, asked, writtenBytes: () => writtenBytes };
};

test('an unchanged tree is neither read nor stored, and costs three requests for both passes', async () => {
  const { server, world, pack } = setUp();
  plant(server, { 'a.zip': noise(100_000, 1), 'b.txt': 'text', 'c/d.txt': 'more' });
  const first = await pack('run_A');
  const counted = counting(world);
  const second = await pack('run_B', 'first', counted.world);
  const third = await pack('run_B', 'second', counted.world);
  expect(second).toMatchObject({ readCount: 0, addedBytes: 0, indexSha256: first.indexSha256, fileCount: 3 });
  expect(third).toMatchObject({ readCount: 0, addedBytes: 0, indexSha256: first.indexSha256, fileCount: 3 });
  const marks = `list ${archiveKeys.damages('prod')}`;
  expect(counted.asked).toEqual([marks, `list ${archiveKeys.packs('prod')}`, `head ${first.indexKey}`]);
  expect(counted.writtenBytes()).toBe(0);
});

test('the second pass reads only what changed since the first', async () => {
  const { server, pack } = setUp();
  for (let n = 0; n < 50; n++) plant(server, { [`logs/${n}.txt`]: `log ${n}` });
  await pack('run_A');
  plant(server, { 'logs/7.txt': 'log 7 has grown', 'logs/new.txt': 'new' });
  rmSync(join(server, 'logs/9.txt'));
  const second = await pack('run_A', 'second');
  expect(second).toMatchObject({ readCount: 2, fileCount: 50, problems: [] });
});

test('a moved file is read, but not stored again', async () => {
  const { server, pack } = setUp();
  plant(server, { 'here/a.zip': noise(1_000_000, 1), 'here/large.zip': noise(9_000_000, 2) });
  await pack('run_A');
  rmSync(join(server, 'here'), { recursive: true });
  plant(server, { 'there/a.zip': noise(1_000_000, 1), 'there/large.zip': noise(9_000_000, 2) });
  expect(await pack('run_B')).toMatchObject({ readCount: 2, fileCount: 2, addedBytes: 0 });
});

test('a file that changed just before the walk is read again next time', async () => {
  const { server, pack } = setUp();
  plant(server, { 'old.txt': 'old', 'new.txt': 'new' });
  writeFileSync(join(server, 'new.txt'), 'now');
  await pack('run_A');
  expect(await pack('run_B')).toMatchObject({ readCount: 1 });
});

test('packs that someone deleted are stored again', async () => {
  const { server, world, pack } = setUp();
  plant(server, { 'a.zip': noise(100_000, 1), 'large.zip': noise(5_000_000, 2) });
  const first = await pack('run_A');
  for await (const { key } of world.archives.list(archiveKeys.packs('prod'))) await world.archives.delete(key);
  const second = await pack('run_B');
  expect(second).toMatchObject({ readCount: 2, fileCount: 2 });
  expect(second.addedBytes).toBeGreaterThan(5_100_000);
  expect(first.fileCount).toBe(2);
});

test('a host that lost its cache, or has a torn one, goes on from the store or from the files', async () => {
  const { directory, server, world, pack } = setUp();
  plant(server, { 'a.zip': noise(100_000, 1) });
  const first = await pack('run_A');
  const cache = join(directory, 'host/archive/prod/folders.zst');
  truncateSync(cache, readFileSync(cache).length - 3);
  const second = await pack('run_B');
  expect(second).toMatchObject({ readCount: 1, sizeBytes: first.sizeBytes });
  const packs = await Array.fromAsync(world.archives.list(archiveKeys.packs('prod')));
  expect(packs.length).toBe(1);
});

test('what a killed pass had stored is found again, whatever the end of its journal looks like', async () => {
  const { directory, server, world, pack } = setUp();
  for (let n = 0; n < 5; n++) plant(server, { [`${n}.zip`]: noise(9_000_000 + n, n) });
  const child = spawn(process.execPath, [join(import.meta.dirname, 'pack-child.ts'), directory, '3'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const journal = join(directory, 'host/archive/prod/folders.journal');
  while (!existsSync(journal)) await setTimeout(10);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const stored = await Array.fromAsync(world.archives.list(archiveKeys.packs('prod')));
  expect(stored.length).toBe(3);
  appendFileSync(journal, 'octo-index 1 123\nK torn');

  const counted = counting(world);
  const resumed = await pack('run_A', 'first', counted.world);
  expect(resumed).toMatchObject({ fileCount: 5, problems: [] });
  // Whatever was stored before the kill is not written again: the sum of both runs is one backup.
  const packs = await Array.fromAsync(world.archives.list(archiveKeys.packs('prod')));
  const packBytes = packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(packBytes).toBe(45_000_010);
  const storedBytes = stored.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(counted.writtenBytes() - packBytes + storedBytes).toBeLessThan(10_000);
  const index = await readIndex(world, resumed);
  expect(indexText(index).match(/^M /gm)).toHaveLength(5);
});

test('a folder that is missing, or was emptied, fails the backup', async () => {
  const { directory, server, world, pack } = setUp();
  plant(server, { 'a.txt': 'a' });
  await pack('run_A');
  rmSync(join(server, 'a.txt'));
  await expect(pack('run_B')).rejects.toMatchObject({ code: 'FolderEmptied' });
  rmSync(server, { recursive: true });
  await expect(pack('run_B')).rejects.toMatchObject({ code: 'FolderMissing' });
  const elsewhere = { ...world, hostDirectory: join(directory, 'other host') };
  await expect(pack('run_B', 'first', elsewhere)).rejects.toMatchObject({ code: 'FolderMissing' });
});

test('a run that is stopped stops, and the next one completes', async () => {
  const { server, world, pack } = setUp();
  for (let n = 0; n < 4; n++) plant(server, { [`${n}.zip`]: noise(9_000_000, n) });
  const stop = new AbortController();
  const places = [{ name: 'packages', path: server }];
  const request = { instance: 'prod', runId: 'run_A', pass: 'first' as const, places };
  const stopped = packFolders(world, request, {
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('stopped')),
  });
  await expect(stopped).rejects.toThrow('stopped');
  expect(await pack('run_A')).toMatchObject({ fileCount: 4 });
});

const isLive = process.env['OCTO_LIVE'] === '1';

test.each([0.3e9, ...(isLive ? [5e9] : [])])('a sparse file of %d bytes takes no room', async (sizeBytes) => {
  const { server, pack } = setUp();
  plant(server, { 'sparse.bin': 'head' });
  truncateSync(join(server, 'sparse.bin'), sizeBytes);
  const packed = await pack('run_A');
  expect(packed).toMatchObject({ sizeBytes, problems: [] });
  expect(packed.addedBytes).toBeLessThan(100_000);
});
