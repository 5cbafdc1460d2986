import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkFiles } from '../../../lib/archive/restore/check-files.ts';
import { pathMatcher } from '../../../lib/archive/restore/match-paths.ts';
import { archiveKeys } from '../../../lib/domain/names.ts';
import { treeOf } from '../trees.ts';
import { archivedServer } from './target.ts';

test('a whole archive is found whole, with a copy or without', async () => {
  const { world, at, server, directory } = await archivedServer();
  const checked = await checkFiles(world, at, { into: null });
  expect(checked).toMatchObject({ fileCount: 5, damages: [] });
  const into = join(directory, 'scratch');
  mkdirSync(into);
  expect(await checkFiles(world, at, { into })).toEqual(checked);
  renameSync(join(server, 'Packages'), join(server, 'packages'));
  renameSync(join(server, 'TaskLogs'), join(server, 'task-logs'));
  expect(treeOf(into)).toEqual(treeOf(server));
});

test('each pack that is damaged or missing is named', async () => {
  const { world, at, directory } = await archivedServer();
  let packs = 0;
  for await (const { key } of world.archives.list(archiveKeys.packs('prod'))) {
    packs += 1;
    const path = join(directory, 'store', key);
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.alloc(bytes.length));
    expect((await checkFiles(world, at, { into: null })).damages).toMatchObject([{ key }]);
    rmSync(path);
    const into = join(directory, `scratch ${packs}`);
    mkdirSync(into);
    expect((await checkFiles(world, at, { into })).damages).toMatchObject([
      { key, what: expect.stringContaining('not in the store') },
    ]);
    writeFileSync(path, bytes);
  }
  expect(packs).toBeGreaterThan(1);
});

test('patterns mean what a person means by them', () => {
  const paths = [
    'packages/Spaces-1/a.1.0.zip',
    'packages/Spaces-1/feeds/a.2.0.zip',
    'task-logs/1.txt',
    'packages/b\\0040c.zip',
  ];
  const found = (wanted: string) => paths.filter(pathMatcher(wanted)).length;
  const counts = {
    'packages/Spaces-1/a.1.0.zip': 1,
    'packages/Spaces-1': 2,
    '/packages/': 3,
    'packages/**/a.*.zip': 2,
    'packages/*/a.*': 1,
    '**/a.2*': 1,
    '**': 4,
    'PACKAGES/**': 3,
    'packages/b c.zip': 1,
    'task-logs/?.txt': 1,
    'task-logs/.*': 0,
    logs: 0,
    'packages/Spaces': 0,
  };
  expect(Object.fromEntries(Object.keys(counts).map((wanted) => [wanted, found(wanted)]))).toEqual(counts);
});
