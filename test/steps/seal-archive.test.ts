import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import { archiveKeys, backupFileName } from '../../lib/domain/names.ts';
import { readManifest } from '../../lib/repository/archives.ts';
import { writeArchiveFile } from '../../lib/repository/sections.ts';
import { step as packFolders } from '../../lib/steps/pack-folders.ts';
import { step } from '../../lib/steps/seal-archive.ts';
import { step as storeDatabase } from '../../lib/steps/store-database.ts';
import { perform, serverWorld, writeOtherSections } from '../archive/backup.ts';
import { contextOf, runOf } from '../archive/fixtures.ts';
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
      perform(step, world, { run, input: { gaps, tolerance: { shrinkPercent: 10, growthPercent: 100 } } });
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
  const { world, server, prepare } = setUp();
  expect(await (await prepare(1)).seal()).toMatchObject({ word: 'good' });
  expect(await (await prepare(2, 60_000)).seal()).toMatchObject({
    word: 'suspicious',
    gaps: [],
    unusual: [expect.stringMatching(/^the database shrank by 40 % since arc_\w+ \(tolerance 10 %\)/)],
  });
  expect(await (await prepare(3, 120_000)).seal()).toMatchObject({ word: 'good' });
  // A server that doubles has a busy day; more than that is worth a look, and stands in the manifest.
  plant(server, { 'TaskLogs/b.txt': 'b', 'TaskLogs/c.txt': 'c' });
  expect(await (await prepare(4, 120_000)).seal()).toMatchObject({ word: 'good' });
  plant(server, Object.fromEntries(['d', 'e', 'f', 'g', 'h'].map((name) => [`TaskLogs/${name}.txt`, name])));
  const grown = await prepare(5, 120_000);
  expect(await grown.seal(['2 packages are missing'])).toMatchObject({ word: 'suspicious' });
  expect(await readManifest(world, grown.at)).toMatchObject({
    gaps: ['2 packages are missing'],
    unusual: [expect.stringMatching(/^the number of files grew by 125 % since arc_\w+ \(tolerance 100 %\)/)],
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

test('a run that was given up while it sealed leaves no archive behind', async () => {
  const { world, prepare } = setUp();
  const { at } = await prepare(1);
  const lost = new OctoError('FenceLost', 'prod is held by run_00000002');
  const input = { instance: 'prod', gaps: [], tolerance: { shrinkPercent: 10, growthPercent: 100 } };
  const context = { ...contextOf(runOf(1)), beat: () => Promise.reject(lost) };
  await expect(step.perform(world, input, context)).rejects.toBe(lost);
  expect(await readManifest(world, at)).toBeNull();
});
