import { readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extractAll } from '../../../lib/archive/extract.ts';
import { addFile, type ArchiveIndex, newIndex } from '../../../lib/archive/index/archive-index.ts';
import { encodeIndex } from '../../../lib/archive/index/index-text.ts';
import { isSafePath } from '../../../lib/archive/index/path-text.ts';
import { storeIndex } from '../../../lib/archive/pack/packs.ts';
import { planPlaces } from '../../../lib/archive/restore/plan-places.ts';
import { assertSafe } from '../../../lib/archive/restore/safe-index.ts';
import { openRoots } from '../../../lib/archive/restore/stage.ts';
import { archiveKeys } from '../../../lib/domain/names.ts';
import type { World } from '../../../lib/ports/world.ts';
import { readManifest, writeManifest } from '../../../lib/repository/archives.ts';
import { type ArchivePlace, writeSection } from '../../../lib/repository/sections.ts';
import { runOf } from '../fixtures.ts';
import { treeOf } from '../trees.ts';
import { archivedServer, RUN, SMALL_TREE, stage } from './target.ts';

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const file = (path: string) => ({ path, mode: 0o644, mtime: 0, size: 0, sha256: EMPTY_SHA256 });

/** An archive like `at`, whose folders are those of a hostile index, with everything beside it in order. */
const forged = async (world: World, at: ArchivePlace, [n, fill]: [number, (index: ArchiveIndex) => void]) => {
  const index = newIndex(0);
  index.places.push({ name: 'packages', path: '/p' }, { name: 'task-logs', path: '/t' });
  fill(index);
  const manifest = (await readManifest(world, at))!;
  const folders = { ...manifest.folders, ...(await storeIndex(world, 'prod', encodeIndex(index))) };
  const place = { instance: 'prod', archiveId: runOf(10 + n).archiveId! };
  for (const name of ['source', 'keys', 'dump', 'verification', 'samples', 'database', 'proof', 'references'] as const)
    await writeSection(world, place, { name, section: manifest[name] });
  await writeSection(world, place, { name: 'folders', section: folders });
  await writeManifest(world, { ...manifest, archiveId: place.archiveId, folders, files: {} });
  return place;
};

const HOSTILE_PATHS = [
  '../evil',
  'packages/../../evil',
  '/evil',
  'packages//evil',
  './evil',
  'packages/link/evil',
  'packages/\\0056\\0056/evil',
  'packages/a\\0000b',
  'packages/file/below',
];
/** Harmless in a folder of their own, but of no place that the index names. */
const UNPLACED = ['C:/evil', 'elsewhere/evil', 'evil'];

const hostile = (path: string) => (index: ArchiveIndex) => {
  index.links.push({ target: 'below', path: 'packages/link' });
  for (const each of [path, 'packages/file', 'packages/good']) addFile(index, file(each));
};

test('an index that could write elsewhere is refused whole, before anything is written', async () => {
  const { world, server, at, directory } = await archivedServer(SMALL_TREE);
  for (const [n, path] of [...HOSTILE_PATHS, ...UNPLACED].entries()) {
    const before = treeOf(server);
    const place = await forged(world, at, [n, hostile(path)]);
    const refusal = { code: 'PathRefused', facts: { path } };
    await expect(stage(world, { at: place, server })).rejects.toMatchObject(refusal);
    for (const name of readdirSync(server).filter((name) => name.includes('.octo-'))) {
      expect(readdirSync(join(server, name))).toEqual([]);
      rmSync(join(server, name), { recursive: true });
    }
    expect(treeOf(server)).toEqual(before);
  }
  expect(Object.keys(treeOf(directory)).filter((name) => name.includes('evil'))).toEqual([]);
});

test('it is not taken apart elsewhere either', async () => {
  const { world, at, directory } = await archivedServer(SMALL_TREE);
  for (const [n, path] of HOSTILE_PATHS.entries()) {
    const place = await forged(world, at, [n, hostile(path)]);
    const extracted = extractAll(world, place, { target: join(directory, 'inner/target') });
    await expect(extracted).rejects.toMatchObject({ code: 'PathRefused', facts: { path } });
  }
  expect(Object.keys(treeOf(directory)).filter((name) => /evil|inner/.test(name))).toEqual([]);
});

test('a link out of its folder is only made where the target has the same one', async () => {
  const { world, server, at } = await archivedServer(SMALL_TREE);
  for (const [n, target] of ['/etc', '../../..', 'below/../../other', 'C:\\Windows', '\\\\nas\\share'].entries()) {
    const place = await forged(world, at, [n, (index) => index.links.push({ target, path: 'packages/out' })]);
    await expect(stage(world, { at: place, server })).rejects.toMatchObject({ code: 'LinkRefused', facts: { target } });
    symlinkSync(target, join(server, 'Packages/out'));
    await stage(world, { at: place, server });
    rmSync(join(server, 'Packages/out'));
  }
  const inner = await forged(world, at, [99, (index) => index.links.push({ target: '../a', path: 'packages/b/in' })]);
  await stage(world, { at: inner, server });
});

test('names that Windows understands otherwise are refused there', () => {
  const meant = ['C:/evil', 'a\\b', 'packages/NUL', 'packages/com1.txt', 'packages/a.txt:stream', 'packages/dot.'];
  const index = (path: string, other = 'x'): ArchiveIndex => {
    const made = newIndex(0);
    for (const each of [path, other]) addFile(made, file(each));
    return made;
  };
  const names = meant.map((path) => path.replaceAll('\\', '\\0134'));
  expect(names.map((path) => isSafePath(path, 'win32'))).toEqual(names.map(() => false));
  expect(names.map((path) => isSafePath(path, 'linux'))).toEqual(names.map(() => true));
  for (const path of ['packages/console.txt', 'packages/a.b.c', 'packages/nullable', 'packages/com10'])
    expect(isSafePath(path, 'win32')).toBe(true);
  expect(() => assertSafe(index('a/B.txt', 'a/b.TXT'), 'win32')).toThrow('names the path');
  expect(() => assertSafe(index('a/B.txt', 'a/b.TXT'), 'linux')).not.toThrow();
});

const NOT_THERE = { name: expect.stringMatching(/^Archive(Damaged|Unknown)$/) };
const namedDamage = (key: string) => ({ code: 'ArchiveDamaged', message: expect.stringContaining(key) });

test('every stored object that a restore needs is missed or found damaged, named, and nothing is changed', async () => {
  const { world, server, at, directory } = await archivedServer(SMALL_TREE);
  for (const path of ['Packages/a.zip', 'Packages/below', 'Packages/large.zip', 'TaskLogs/a.txt'])
    rmSync(join(server, path), { recursive: true });
  const manifest = (await readManifest(world, at))!;
  const before = treeOf(server);
  let objects = 0;
  for await (const { key } of world.archives.list('prod/')) {
    if (key.startsWith(archiveKeys.database('prod')) || key === manifest.database.indexKey) continue;
    objects += 1;
    const path = join(directory, 'store', key);
    const bytes = readFileSync(path);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length >> 1]! ^= 1;
    for (const damaged of [flipped, bytes.subarray(0, bytes.length >> 1), null]) {
      if (damaged === null) rmSync(path);
      else writeFileSync(path, damaged);
      const refused = stage(world, { at, server });
      const isManifest = key.endsWith('/manifest.json');
      const expected = isManifest ? NOT_THERE : namedDamage(key);
      await expect(refused).rejects.toMatchObject(expected);
      for (const name of readdirSync(server).filter((name) => name.includes('.octo-')))
        rmSync(join(server, name), { recursive: true });
      expect(treeOf(server)).toEqual(before);
    }
    writeFileSync(path, bytes);
  }
  expect(objects).toBeGreaterThan(14);
  await stage(world, { at, server });
}, 120_000);

test('a manifest that was edited, is of another instance or of a newer format is refused', async () => {
  const { world, server, at, directory } = await archivedServer(SMALL_TREE);
  const path = join(directory, 'store', archiveKeys.manifest('prod', at.archiveId));
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const refusals = [
    [{ ...manifest, keys: { ...manifest.keys, masterKeyFingerprint: 'f'.repeat(16) } }, 'ArchiveDamaged'],
    [{ ...manifest, folders: { ...manifest.folders, fileCount: 1 } }, 'ArchiveDamaged'],
    [{ ...manifest, database: { ...manifest.database, sha256: '0'.repeat(64) } }, 'ArchiveDamaged'],
    [{ ...manifest, instance: 'staging' }, 'ArchiveDamaged'],
    [{ ...manifest, archiveId: runOf(2).archiveId }, 'ArchiveDamaged'],
    [{ ...manifest, extra: true }, 'ArchiveDamaged'],
    [{ ...manifest, format: 2 }, 'ArchiveTooNew'],
  ] as const;
  for (const [content, code] of refusals) {
    writeFileSync(path, JSON.stringify(content));
    await expect(stage(world, { at, server })).rejects.toMatchObject({ code });
    const target = join(directory, 'out');
    await expect(extractAll(world, at, { target })).rejects.toMatchObject({ code });
  }
});

test('what does not fit on the disk is refused before anything is fetched', async () => {
  const { world, server, at } = await archivedServer(SMALL_TREE);
  const huge = await forged(world, at, [1, (index) => addFile(index, { ...file('packages/huge.zip'), size: 2 ** 52 })]);
  const message = expect.stringMatching(/^not enough space: the disk of .* needs 4503599\.6 GB, has /);
  await expect(stage(world, { at: huge, server })).rejects.toMatchObject({ code: 'FolderDiskFull', message });
});

test('a place that the archive does not hold is never exchanged for an empty one', async () => {
  const { world, server, at } = await archivedServer(SMALL_TREE);
  const places = openRoots(planPlaces([{ name: 'artifacts', path: join(server, 'Packages') }], RUN));
  await expect(stage(world, { at, server, places })).rejects.toMatchObject({ code: 'Bug' });
});
