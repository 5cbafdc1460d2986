import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSection } from '../../lib/repository/sections.ts';
import { step } from '../../lib/steps/pack-folders.ts';
import { perform, serverWorld } from '../archive/backup.ts';
import { runOf } from '../archive/fixtures.ts';
import { plant, scratchDirectory } from '../archive/scratch.ts';

const setUp = () => {
  const directory = scratchDirectory();
  const world = serverWorld(directory);
  const server = join(directory, 'server');
  const run = runOf(1);
  const pass = (pass: 'first' | 'second') => perform(step, world, { run, input: { pass } });
  return { world, server, pass, at: { instance: 'prod', archiveId: run.archiveId! } };
};

test('only the second pass writes the section, which holds what was there then', async () => {
  const { world, server, pass, at } = setUp();
  plant(server, { 'Packages/a.zip': 'a', 'TaskLogs/1.txt': 'one' });
  expect(await pass('first')).toMatchObject({ fileCount: 2, sizeBytes: 4, problemCount: 0 });
  expect(await readSection(world, at, 'folders')).toBeNull();
  plant(server, { 'TaskLogs/2.txt': 'two' });
  const second = await pass('second');
  expect(second).toMatchObject({ fileCount: 3, sizeBytes: 7 });
  const section = await readSection(world, at, 'folders');
  expect(section?.places).toMatchObject([
    { name: 'packages', fileCount: 1, sizeBytes: 1 },
    { name: 'task-logs', fileCount: 2, sizeBytes: 6 },
  ]);
  rmSync(server, { recursive: true });
  expect(await pass('second')).toEqual(second);
});

test('what can not be read is named and counted; what is no file is only named', async () => {
  const { world, server, pass, at } = setUp();
  plant(server, { 'Packages/a.zip': 'a', 'TaskLogs/1.txt': 'one' });
  // Opened as a file, /proc/self/mem refuses to be read from its start: as good as a lock, also for root.
  symlinkSync('/nowhere', join(server, 'TaskLogs/dangling'));
  await pass('first');
  expect(await pass('second')).toMatchObject({ fileCount: 2, problemCount: 0 });
  expect((await readSection(world, at, 'folders'))?.lostCount).toBe(0);
});

test('a folder that the server names and that is not there fails the step', async () => {
  const { server, pass } = setUp();
  rmSync(join(server, 'TaskLogs'), { recursive: true });
  await expect(pass('first')).rejects.toMatchObject({ code: 'FolderMissing', facts: { folder: 'task-logs' } });
  writeFileSync(join(server, 'TaskLogs'), 'a file');
  await expect(pass('first')).rejects.toMatchObject({ code: 'FolderMissing' });
});
