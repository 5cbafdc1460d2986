import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extractFile } from '../../lib/archive/extract.ts';
import { storeDump } from '../../lib/archive/store-dump.ts';
import { backUp, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plant, scratchDirectory, scratchWorld } from './scratch.ts';
import { noise } from './trees.ts';

const PAGE = 8192;

const page = (seed: number): Buffer => noise(PAGE, seed);
const pages = (from: number, count: number): Buffer[] => Array.from({ length: count }, (_, n) => page(from + n));

const setUp = () => {
  const directory = scratchDirectory();
  const world = scratchWorld(directory);
  const path = join(directory, 'dump.bak');
  let run = 0;
  const store = (dump: Buffer, using = world) => {
    writeFileSync(path, dump);
    return storeDump(using, { instance: 'prod', runId: `run_${++run}`, path });
  };
  return { directory, world, store };
};

/** A header that is no multiple of a page, pages, a tail. */
const dumpOf = (header: number, body: Buffer[]): Buffer => Buffer.concat([noise(header, 99), ...body, noise(1000, 98)]);

test('the next dump stores only changed pages, also where extents were inserted and freed', async () => {
  const { store } = setUp();
  const body = pages(1000, 1500);
  const first = await store(dumpOf(3584, body));
  expect(first.reusedPercent).toBe(0);
  const changed = body.map((each, n) => (n % 50 === 7 ? page(9000 + n) : each));
  changed.splice(400, 0, ...pages(7000, 8));
  changed.splice(900, 16);
  const second = await store(dumpOf(3584, changed));
  expect(second.reusedPercent).toBeGreaterThanOrEqual(95);
  expect(second.addedBytes).toBeLessThan(first.addedBytes * 0.08);
});

test('pages are found at any multiple of 512, also when the shift changes on the way', async () => {
  const { store } = setUp();
  const body = pages(1000, 1000);
  await store(dumpOf(3584, body));
  const shifted = [
    ...body.slice(0, 300),
    noise(512 * 3, 5),
    ...body.slice(300, 700),
    noise(512 * 9, 6),
    ...body.slice(700),
  ];
  const second = await store(dumpOf(4608, shifted));
  expect(second.reusedPercent).toBeGreaterThanOrEqual(95);
});

test('a dump with little in common is stored in order, as if it were the first', async () => {
  const { store } = setUp();
  const body = pages(1000, 600);
  await store(dumpOf(3584, body));
  const second = await store(dumpOf(3584, [...body.slice(0, 200), ...pages(8000, 400)]));
  expect(second.reusedPercent).toBe(0);
});

test('dumps come back byte for byte, the third as well as the first', async () => {
  const directory = scratchDirectory();
  const world = serverWorld(directory);
  plant(join(directory, 'server'), { 'Packages/a.zip': noise(1000, 1), 'TaskLogs/a.txt': 'a' });
  const body = pages(1000, 700);
  const dumps = [
    dumpOf(3584, body),
    dumpOf(4096, [...body.slice(0, 100), ...pages(7000, 8), ...body.slice(100)]),
    dumpOf(512, [...body.slice(50, 400), Buffer.alloc(20 * PAGE), ...body.slice(400)]),
  ];
  const archives = [];
  for (const [n, dump] of dumps.entries()) archives.push(await backUp(world, runOf(n), dump));
  for (const [n, dump] of dumps.entries()) {
    const to = join(directory, `dump ${n}`);
    await extractFile(world, archives[n]!, { path: 'database.bak', to });
    expect(readFileSync(to).equals(dump)).toBe(true);
  }
});

test('the same dump twice, as after a kill, stores its packs once', async () => {
  const { directory, world, store } = setUp();
  const dump = dumpOf(3584, pages(1000, 600));
  await store(dump);
  const before = await Array.fromAsync(world.archives.list('prod/database/'));
  rmSync(join(directory, 'host'), { recursive: true });
  const again = await store(dump);
  expect(again.reusedPercent).toBe(0);
  expect(await Array.fromAsync(world.archives.list('prod/database/'))).toEqual(before);
});

test('a damaged page table is not believed, and packs that are gone are not relied on', async () => {
  const { directory, world, store } = setUp();
  const dump = dumpOf(3584, pages(1000, 600));
  await store(dump);
  const note = join(directory, 'host/archive/prod/database-pages.json');
  const { file } = JSON.parse(readFileSync(note, 'utf8')) as { file: string };
  const table = join(directory, 'host/archive/prod', file);
  const bytes = readFileSync(table);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(table, bytes);
  expect((await store(dump)).reusedPercent).toBe(0);
  expect((await store(dump)).reusedPercent).toBe(100);
  for await (const { key } of world.archives.list('prod/database/')) await world.archives.delete(key);
  expect((await store(dump)).reusedPercent).toBe(0);
});
