import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extractAll } from '../../lib/archive/extract.ts';
import { addFile, newIndex } from '../../lib/archive/archive-index.ts';
import { encodeIndex } from '../../lib/archive/index-text.ts';
import { storeIndex } from '../../lib/archive/packs.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { readManifest, writeManifest } from '../../lib/repository/archives.ts';
import { backUp, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plant, scratchDirectory } from './scratch.ts';
import { noise, treeOf } from './trees.ts';

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

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

test('each damaged or missing object is named, with every archive that needs it', async () => {
  const { directory, world, first, second } = await twoArchives();
  const own = archiveKeys.archive('prod', second.archiveId);
  const manifest = (await readManifest(world, second))!;
  const keys: string[] = [];
  for await (const { key } of world.archives.list('prod/')) keys.push(key);
  const firstOnly = new Set<string>();
  for (const key of keys) {
    if (key === `${own}manifest.json`) continue;
    const file = join(directory, 'store', key);
    const bytes = readFileSync(file);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length >> 1]! ^= 1;
    writeFileSync(file, flipped);
    const damaged = (await verifyArchive(world, second)).damaged;
    rmSync(file);
    const missing = (await verifyArchive(world, second)).damaged;
    writeFileSync(file, bytes);
    expect(missing.map((damage) => damage.key)).toEqual(damaged.map((damage) => damage.key));
    if (damaged.length === 0) firstOnly.add(key);
    else expect(damaged.map((damage) => damage.key)).toEqual([key]);
    if (key.startsWith(own)) expect(damaged[0]?.archives).toEqual([second.archiveId]);
  }
  // What is left lies in the other archive, or is an index that no archive names.
  const others = [...firstOnly].filter((key) => !key.startsWith(archiveKeys.archive('prod', first.archiveId)));
  expect(others).not.toContain(manifest.folders.indexKey);
  expect(others.filter((key) => key.startsWith(archiveKeys.packs('prod')))).toEqual([]);
  expect(others.filter((key) => key.startsWith(archiveKeys.database('prod'))).length).toBe(1);
});

test('a pack that two archives share is named for both, and neither is extracted', async () => {
  const { directory, world, first, second } = await twoArchives();
  const shared: string[] = [];
  for await (const { key } of world.archives.list(archiveKeys.packs('prod'))) {
    const file = join(directory, 'store', key);
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.alloc(bytes.length));
    const [damage] = (await verifyArchive(world, second)).damaged;
    if (damage!.archives.length === 2) {
      expect(damage!.archives).toEqual([second.archiveId, first.archiveId]);
      shared.push(key);
      const target = join(directory, `target ${shared.length}`);
      await expect(extractAll(world, first, { target })).rejects.toMatchObject({ code: 'ArchiveDamaged' });
    }
    writeFileSync(file, bytes);
  }
  expect(shared.length).toBe(2);
});

const HOSTILE = [
  '../evil',
  'packages/../../evil',
  '/evil',
  'packages//evil',
  './evil',
  'link/evil',
  '\\0056\\0056/evil',
  'a\\0000b',
];

test('paths that could lead out of the target are refused before anything is written', async () => {
  const { directory, world, first } = await twoArchives();
  const manifest = (await readManifest(world, first))!;
  for (const [n, path] of HOSTILE.entries()) {
    const index = newIndex(0);
    index.links.push({ target: '..', path: 'link' });
    addFile(index, { path, mode: 0o644, mtime: 0, size: 0, sha256: EMPTY_SHA256 });
    const folders = { ...manifest.folders, ...(await storeIndex(world, 'prod', encodeIndex(index))) };
    const archiveId = runOf(10 + n).archiveId!;
    await writeManifest(world, { ...manifest, archiveId, folders });
    const extracted = extractAll(world, { instance: 'prod', archiveId }, { target: join(directory, 'inner/target') });
    await expect(extracted, path).rejects.toMatchObject({ code: 'PathRefused', facts: { path } });
  }
  expect(Object.keys(treeOf(directory)).filter((name) => /evil|inner/.test(name))).toEqual([]);
});

test('files are only extracted into an empty folder', async () => {
  const { directory, world, first } = await twoArchives();
  const target = join(directory, 'server');
  const before = treeOf(target);
  await expect(extractAll(world, first, { target })).rejects.toMatchObject({ code: 'TargetNotEmpty' });
  expect(treeOf(target)).toEqual(before);
});
