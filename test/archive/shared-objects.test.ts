/** What goes with an archive is what no other one names: with exactly that gone, the others are still whole. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { objectsOnlyIn } from '../../lib/archive/pack/shared-objects.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { readManifest } from '../../lib/repository/archives.ts';
import { backUp, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plant, scratchDirectory } from './scratch.ts';
import { noise } from './trees.ts';

test('the others are whole without it, and it is not', async () => {
  const directory = scratchDirectory();
  const world = serverWorld(directory);
  const server = join(directory, 'server');
  plant(server, { 'Packages/a.zip': noise(50_000, 1), 'TaskLogs/a.txt': 'log line\n'.repeat(2000) });
  const first = await backUp(world, runOf(1), noise(100_000, 2));
  plant(server, { 'Packages/b.zip': noise(40_000, 3) });
  const second = await backUp(world, runOf(2), noise(100_000, 4));
  const third = await backUp(world, runOf(3), noise(100_000, 2));

  const looked: string[] = [];
  const manifest = (await readManifest(world, second))!;
  const only = await objectsOnlyIn(world, manifest, { onProgress: (archiveId) => looked.push(archiveId) });
  expect(only.unreadable).toEqual([]);
  expect(looked.toSorted()).toEqual([first.archiveId, third.archiveId]);
  expect(only.sizes.size).toBeGreaterThan(0);
  for (const [key, sizeBytes] of only.sizes) {
    expect((await world.archives.head(key))?.sizeBytes).toBe(sizeBytes);
    await world.archives.delete(key);
  }
  for (const other of [first, third]) expect((await verifyArchive(world, other)).damaged).toEqual([]);
  expect((await verifyArchive(world, second)).damaged.length).toBeGreaterThan(0);
});
