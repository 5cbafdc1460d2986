import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backupFileName } from '../../lib/domain/names.ts';
import { step } from '../../lib/steps/store-database.ts';
import { perform, serverWorld, writeOtherSections } from '../archive/backup.ts';
import { runOf } from '../archive/fixtures.ts';
import { scratchDirectory } from '../archive/scratch.ts';
import { noise } from '../archive/trees.ts';

const setUp = async (fileBytes: number) => {
  const directory = scratchDirectory();
  const world = serverWorld(directory);
  const run = runOf(1);
  await writeOtherSections(world, run, fileBytes);
  const path = join(directory, 'share', backupFileName('prod', run.id));
  return { path, store: () => perform(step, world, { run, input: {} }) };
};

test('the dump is taken into the store and leaves the share; again is the same', async () => {
  const { path, store } = await setUp(100_000);
  writeFileSync(path, noise(100_000, 1));
  const stored = await store();
  expect(stored).toMatchObject({ sizeBytes: 100_000, reusedPercent: 0 });
  expect(existsSync(path)).toBe(false);
  expect(await store()).toEqual(stored);
  // As after a kill between the section and the removal.
  writeFileSync(path, 'left behind');
  expect(await store()).toEqual(stored);
  expect(existsSync(path)).toBe(false);
});

test('a dump that is not there, empty or short is refused and left where it is', async () => {
  const { path, store } = await setUp(100_000);
  await expect(store()).rejects.toMatchObject({ code: 'DumpMissing' });
  for (const length of [0, 99_999]) {
    writeFileSync(path, noise(length, 1));
    await expect(store()).rejects.toMatchObject({ code: 'DumpTruncated', facts: { sizeBytes: length } });
    expect(existsSync(path)).toBe(true);
  }
});
