/** A pack that was found damaged: no later backup relies on it, nothing that needs it is good, and the next one is whole. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extractAll } from '../../lib/archive/extract.ts';
import { besideDamaged, sha256Hex } from '../../lib/archive/pack/packs.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { archiveKeys, contentNameOf } from '../../lib/domain/names.ts';
import type { World } from '../../lib/ports/world.ts';
import { latestGood } from '../../lib/repository/catalog.ts';
import { damagedNames, markDamaged } from '../../lib/repository/damage.ts';
import type { ArchivePlace } from '../../lib/repository/sections.ts';
import { backUp, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plant, scratchDirectory } from './scratch.ts';
import { noise, treeOf } from './trees.ts';

/** Full packs, so that one in place of another has to be longer than a pack may get by its content. */
const LARGE = 16 << 20;

const served = async () => {
  const directory = scratchDirectory();
  const world = serverWorld(directory);
  const server = join(directory, 'server');
  plant(server, { 'Packages/large.zip': noise(LARGE, 1), 'TaskLogs/a.txt': 'log line\n'.repeat(2000) });
  const dump = noise(100_000, 2);
  return { directory, world, server, dump, first: await backUp(world, runOf(1), dump) };
};

const flipByte = (file: string): void => {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
};

/** Damages every pack and index, and marks them all: more than one look finds, as a damaged index hides its packs. */
const damageAll = async (directory: string, { world, first }: { world: World; first: ArchivePlace }): Promise<void> => {
  const keys: string[] = [];
  for await (const { key } of world.archives.list('prod/')) if (contentNameOf('prod', key) !== null) keys.push(key);
  for (const key of keys) flipByte(join(directory, 'store', key));
  const found = keys.map((key) => ({ key, what: 'damaged', archives: [first.archiveId] }));
  await markDamaged(world, 'prod', found);
};

const verifyAndMark = async (world: World, at: ArchivePlace): Promise<string[]> => {
  const { damaged } = await verifyArchive(world, at);
  await markDamaged(world, 'prod', damaged);
  return damaged.map(({ key }) => key);
};

test('everything that was damaged is stored anew by the next backup of the same content', async () => {
  const { directory, world, dump, first } = await served();
  await damageAll(directory, { world, first });
  expect(await latestGood(world, 'prod')).toBeNull();

  const second = await backUp(world, runOf(2), dump);
  expect((await verifyArchive(world, second)).damaged).toEqual([]);
  expect((await latestGood(world, 'prod'))?.archiveId).toBe(second.archiveId);
  const target = join(directory, 'target');
  await extractAll(world, second, { target });
  expect(treeOf(target)['packages/large.zip']).toBe(treeOf(join(directory, 'server'))['Packages/large.zip']);
  expect(readFileSync(join(target, 'database.bak')).equals(dump)).toBe(true);
});

test('also on a host that has nothing of its own', async () => {
  const { directory, world, dump, first } = await served();
  await damageAll(directory, { world, first });
  rmSync(world.hostDirectory, { recursive: true });
  const second = await backUp(world, runOf(2), dump);
  expect((await verifyArchive(world, second)).damaged).toEqual([]);
});

test('a backup that relies on what is found damaged meanwhile is refused', async () => {
  const { world, server, dump, first } = await served();
  plant(server, { 'Packages/b.zip': noise(40_000, 3) });
  const [key] = await Array.fromAsync(world.archives.list(archiveKeys.packs('prod')), (object) => object.key);
  const archives = {
    ...world.archives,
    create: async (...args: Parameters<typeof world.archives.create>) => {
      const written = await world.archives.create(...args);
      // The last section before Seal.
      if (args[0].endsWith('/database.json'))
        await markDamaged(world, 'prod', [{ key: key!, what: 'damaged', archives: [first.archiveId] }]);
      return written;
    },
  };
  await expect(backUp({ ...world, archives }, runOf(2), dump)).rejects.toMatchObject({
    code: 'PackDamaged',
    facts: { names: [contentNameOf('prod', key!)] },
  });
  expect(await latestGood(world, 'prod')).toBeNull();
});

test('what verify finds is marked once, with every archive that needs it', async () => {
  const { directory, world, dump, first } = await served();
  plant(join(directory, 'server'), { 'TaskLogs/b.txt': 'more' });
  const second = await backUp(world, runOf(2), dump);
  const [key] = await Array.fromAsync(world.archives.list(archiveKeys.packs('prod')), (object) => object.key);
  flipByte(join(directory, 'store', key!));
  expect([await verifyAndMark(world, first), await verifyAndMark(world, second)]).toEqual([[key], [key]]);
  const marked = [contentNameOf('prod', key!), first.archiveId, second.archiveId];
  expect(await damagedNames(world, 'prod')).toEqual(new Set(marked));
  expect(await latestGood(world, 'prod')).toBeNull();
});

test('a pack in place of damaged ones has the same name each time, and none of theirs', () => {
  const bytes = Buffer.from('pack');
  const once = besideDamaged({ bytes, sha256: sha256Hex(bytes) }, new Set([sha256Hex(bytes)]));
  const twice = besideDamaged({ bytes, sha256: sha256Hex(bytes) }, new Set([sha256Hex(bytes), once.sha256]));
  expect(Buffer.from(once.bytes)).toEqual(Buffer.from('pack\0'));
  expect(Buffer.from(twice.bytes)).toEqual(Buffer.from('pack\0\0'));
  expect(twice.sha256).toBe(sha256Hex(Buffer.from('pack\0\0')));
});
