/** The shortcut for a tree that is as it was: taken when nothing changed, never when anything did. */
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packFolders } from '../../lib/archive/pack-folders.ts';
import { readIndex } from '../../lib/archive/pack/packs.ts';
import { type ArchiveIndex, fileAt } from '../../lib/archive/index/archive-index.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { LONG_AGO, plant, scratchDirectory, scratchWorld } from './scratch.ts';

const setUp = () => {
  const directory = scratchDirectory();
  const server = join(directory, 'server');
  plant(server, { 'a.txt': 'a', 'b/c.txt': 'c' });
  symlinkSync('a.txt', join(server, 'link'));
  const world = scratchWorld(directory);
  const packOn = (host: string, runId: string, pass: 'first' | 'second' = 'first') =>
    packFolders(
      { ...world, hostDirectory: join(directory, host) },
      { instance: 'prod', runId, pass, places: [{ name: 'packages', path: server }] },
    );
  const note = join(directory, 'host/archive/prod/folders.json');
  return { server, world, packOn, note };
};

const changes: Record<string, (server: string) => void> = {
  'a new file': (server) => plant(server, { 'b/d.txt': 'd' }),
  'a file less': (server) => rmSync(join(server, 'b/c.txt')),
  'another time': (server) => utimesSync(join(server, 'a.txt'), LONG_AGO + 1, LONG_AGO + 1),
  'another size': (server) => plant(server, { 'a.txt': 'aa' }),
  'another mode': (server) => chmodSync(join(server, 'a.txt'), 0o600),
  'another mode of a folder': (server) => chmodSync(join(server, 'b'), 0o700),
  'an empty folder': (server) => mkdirSync(join(server, 'e')),
  'another target of a link': (server) => {
    rmSync(join(server, 'link'));
    symlinkSync('b/c.txt', join(server, 'link'));
  },
};

test.each(Object.entries(changes))('%s is in the next index', async (_what, change) => {
  const { server, world, packOn } = setUp();
  await packOn('host', 'run_A');
  change(server);
  const next = await packOn('host', 'run_B');
  const afresh = await packOn('another host', 'run_C');
  const told = async (packed: typeof next) => {
    const { files, directories, links } = await readIndex(world, packed);
    const rows = files.paths.map((_path, row) => fileAt({ files } as ArchiveIndex, row));
    return { directories, links, files: rows.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
  };
  expect(await told(next)).toEqual(await told(afresh));
});

test('a note that is torn, or tells of another index, is not believed', async () => {
  const { server, packOn, note } = setUp();
  const first = await packOn('host', 'run_A');
  const ofFirst = readFileSync(note, 'utf8');
  plant(server, { 'b/d.txt': 'd' });
  const second = await packOn('host', 'run_B');
  rmSync(join(server, 'b/d.txt'));
  utimesSync(join(server, 'b'), LONG_AGO, LONG_AGO);
  for (const text of [ofFirst, ofFirst.slice(0, -9), '']) {
    writeFileSync(note, text);
    expect(await packOn('host', 'run_C')).toMatchObject({ fileCount: first.fileCount, readCount: 0 });
  }
  expect(second.fileCount).toBe(3);
});

test('a second pass without a first one asks the store itself', async () => {
  const { world, packOn } = setUp();
  await packOn('host', 'run_A');
  for await (const { key } of world.archives.list(archiveKeys.packs('prod'))) await world.archives.delete(key);
  expect(await packOn('host', 'run_B', 'second')).toMatchObject({ readCount: 2 });
});

test('what a run has added is told again by its later passes, and not by other runs', async () => {
  const { packOn } = setUp();
  const { addedBytes } = await packOn('host', 'run_A');
  expect(addedBytes).toBeGreaterThan(0);
  expect(await packOn('host', 'run_A', 'second')).toMatchObject({ addedBytes, readCount: 0 });
  expect(await packOn('host', 'run_B')).toMatchObject({ addedBytes: 0, readCount: 0 });
  expect(await packOn('host', 'run_A')).toMatchObject({ addedBytes, readCount: 0 });
});

test('an index that someone deleted is stored again', async () => {
  const { world, packOn } = setUp();
  const { indexKey } = await packOn('host', 'run_A');
  await world.archives.delete(indexKey);
  expect(await packOn('host', 'run_B')).toMatchObject({ indexKey, readCount: 0 });
  expect(await world.archives.head(indexKey)).not.toBeNull();
});
