import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { archiveKeys, backupFileName } from '../../lib/domain/names.ts';
import { readManifest } from '../../lib/repository/archives.ts';
import { writeArchiveFile } from '../../lib/repository/sections.ts';
import { step as packFolders } from '../../lib/steps/pack-folders.ts';
import { step } from '../../lib/steps/seal-archive.ts';
import { step as storeDatabase } from '../../lib/steps/store-database.ts';
import { perform, serverWorld, writeOtherSections } from '../archive/backup.ts';
import { runOf } from '../archive/fixtures.ts';
import { plant, scratchDirectory } from '../archive/scratch.ts';
import { noise } from '../archive/trees.ts';

/** Everything but the seal. */
const setUp = (directory = scratchDirectory()) => {
  const world = serverWorld(directory);
  const server = join(directory, 'server');
  plant(server, { 'Packages/a.zip': noise(50_000, 1), 'TaskLogs/a.txt': 'log' });
  const prepare = async (n: number, dumpBytes = 100_000) => {
    const run = runOf(n);
    await perform(packFolders, world, { run, input: { pass: 'second' } });
    await writeOtherSections(world, run, dumpBytes);
    writeFileSync(join(directory, 'share', backupFileName('prod', run.id)), noise(dumpBytes, n));
    await perform(storeDatabase, world, { run, input: {} });
    const seal = (gaps: string[] = []) =>
      perform(step, world, { run, input: { gaps, tolerance: { sizePercent: 30, filePercent: 10 } } });
    return { seal, at: { instance: 'prod', archiveId: run.archiveId! } };
  };
  return { world, server, prepare };
};

test('a whole archive is good; sealing it again changes nothing', async () => {
  const { world, prepare } = setUp();
  const { seal, at } = await prepare(1);
  await writeArchiveFile(world, at, { name: 'host.json', bytes: Buffer.from('{}') });
  const sealed = await seal();
  expect(sealed).toMatchObject({ word: 'good', gaps: [], totalBytes: 150_003, databaseBytes: 100_000, fileCount: 2 });
  const manifest = await readManifest(world, at);
  expect(Object.keys(manifest!.files).sort()).toEqual(['RESTORE.md', 'host.json', 'restore.sh']);
  expect(await seal(['something else'])).toEqual(sealed);
  expect(await readManifest(world, at)).toEqual(manifest);
});

test('gaps are kept word for word', async () => {
  const { world, prepare } = setUp();
  const { seal, at } = await prepare(1);
  expect(await seal(['2 packages are missing'])).toMatchObject({ word: 'gaps', gaps: ['2 packages are missing'] });
  expect((await readManifest(world, at))?.gaps).toEqual(['2 packages are missing']);
});

test('a shape beyond the tolerance is suspicious, and not compared with what was suspicious itself', async () => {
  const { server, prepare } = setUp();
  expect(await (await prepare(1)).seal()).toMatchObject({ word: 'good' });
  expect(await (await prepare(2, 60_000)).seal()).toMatchObject({
    word: 'suspicious',
    gaps: [expect.stringMatching(/^the database shrank by 40 % since arc_/)],
  });
  expect(await (await prepare(3, 120_000)).seal()).toMatchObject({ word: 'good' });
  plant(server, { 'TaskLogs/b.txt': 'b', 'TaskLogs/c.txt': 'c' });
  expect(await (await prepare(4, 120_000)).seal()).toMatchObject({
    word: 'suspicious',
    gaps: [expect.stringMatching(/^the number of files grew by 100 %/)],
  });
});

test('nothing is sealed whose objects are not all there, or whose steps have not all finished', async () => {
  const { world, prepare } = setUp();
  const { seal, at } = await prepare(1);
  const kept = new Map<string, Buffer>();
  for (const prefix of [archiveKeys.packs('prod'), archiveKeys.database('prod'), 'prod/indexes/']) {
    for await (const { key } of world.archives.list(prefix)) kept.set(key, (await world.archives.read(key))!.bytes);
  }
  expect(kept.size).toBeGreaterThanOrEqual(4);
  for (const [key, bytes] of kept) {
    await world.archives.delete(key);
    await expect(seal()).rejects.toMatchObject({ code: 'PackMissing', facts: { keys: [key] } });
    await world.archives.create(key, bytes.subarray(1));
    await expect(seal()).rejects.toMatchObject({ code: 'PackMissing', facts: { keys: [key] } });
    await world.archives.delete(key);
    await world.archives.create(key, bytes);
  }
  const section = archiveKeys.section('prod', at.archiveId, 'proof');
  await world.archives.delete(section);
  await expect(seal()).rejects.toMatchObject({ code: 'SectionMissing' });
  expect(await readManifest(world, at)).toBeNull();
});
