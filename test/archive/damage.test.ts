import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extractAll } from '../../lib/archive/extract.ts';
import { packsOfIndex } from '../../lib/archive/index/index-text.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import type { World } from '../../lib/ports/world.ts';
import { readManifest } from '../../lib/repository/archives.ts';
import type { ArchivePlace } from '../../lib/repository/sections.ts';
import { backUp, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plant, scratchDirectory } from './scratch.ts';
import { noise, treeOf } from './trees.ts';

const twoArchives = async () => {
  const directory = scratchDirectory();
  const world = serverWorld(directory);
  const server = join(directory, 'server');
  plant(server, { 'Packages/a.zip': noise(50_000, 1), 'TaskLogs/a.txt': 'log line\n'.repeat(2000) });
  const first = await backUp(world, runOf(1), noise(100_000, 2));
  plant(server, { 'Packages/b.zip': noise(40_000, 3) });
  const second = await backUp(world, runOf(2), noise(100_000, 4));
  return { directory, world, first, second };
};

/** Every object that an archive needs, but its manifest. */
const needs = async (world: World, at: ArchivePlace): Promise<Set<string>> => {
  const own = archiveKeys.archive('prod', at.archiveId);
  const manifest = (await readManifest(world, at))!;
  const keys = await Array.fromAsync(world.archives.list(own), ({ key }) => key);
  const parts = [
    [manifest.folders.indexKey, archiveKeys.packs('prod')],
    [manifest.database.indexKey, archiveKeys.database('prod')],
  ] as const;
  for (const [indexKey, prefix] of parts) {
    const index = (await world.archives.read(indexKey))!.bytes;
    keys.push(indexKey, ...packsOfIndex(index).map(({ sha256 }) => `${prefix}${sha256}`));
  }
  return new Set(keys.filter((key) => key !== `${own}manifest.json`));
};

test('each damaged or missing object is named, with every archive that needs it', async () => {
  const { directory, world, first, second } = await twoArchives();
  const [byFirst, bySecond] = [await needs(world, first), await needs(world, second)];
  const missing: { found: object[]; expected: object[] }[] = [];
  const damagesOf = async () =>
    (await verifyArchive(world, second)).damaged.map(({ key, archives }) => ({ key, archives }));
  for await (const { key } of world.archives.list('prod/')) {
    if (key.endsWith('/manifest.json')) continue;
    const archives = byFirst.has(key) ? [second.archiveId, first.archiveId] : [second.archiveId];
    const expected = bySecond.has(key) ? [{ key, archives }] : [];
    const file = join(directory, 'store', key);
    const bytes = readFileSync(file);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length >> 1]! ^= 1;
    writeFileSync(file, flipped);
    expect(await damagesOf()).toEqual(expected);
    rmSync(file);
    if (!key.includes('/archives/')) missing.push({ found: await damagesOf(), expected });
    writeFileSync(file, bytes);
  }
  expect(missing.map(({ found }) => found)).toEqual(missing.map(({ expected }) => expected));
  expect([...bySecond].filter((key) => byFirst.has(key)).length).toBe(2);
});

test('nothing is extracted from a damaged pack', async () => {
  const { directory, world, first, second } = await twoArchives();
  const byFirst = await needs(world, first);
  const shared = [...(await needs(world, second))].filter((key) => byFirst.has(key));
  for (const [n, key] of shared.entries()) {
    const file = join(directory, 'store', key);
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.alloc(bytes.length));
    const extracted = extractAll(world, first, { target: join(directory, `target ${n}`) });
    await expect(extracted).rejects.toMatchObject({ code: 'ArchiveDamaged', facts: { key } });
    writeFileSync(file, bytes);
  }
});

test('files are only extracted into an empty folder', async () => {
  const { directory, world, first } = await twoArchives();
  const target = join(directory, 'server');
  const before = treeOf(target);
  await expect(extractAll(world, first, { target })).rejects.toMatchObject({ code: 'TargetNotEmpty' });
  expect(treeOf(target)).toEqual(before);
});
