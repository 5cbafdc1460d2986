import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
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

test('what cannot be taken is named and counted, and what is there all the same is a gap', async () => {
  const { world, server, pass, at } = setUp();
  plant(server, { 'Packages/a.zip': 'a', 'TaskLogs/1.txt': 'one' });
  // Deeper than the system takes a path: nobody can list what lies there, not even root.
  const deep = 'cd "$1"; for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do mkdir $2 && cd $2 || exit 0; done';
  execFileSync('sh', ['-c', deep, 'sh', join(server, 'TaskLogs'), 'd'.repeat(250)], { stdio: 'ignore' });
  onTestFinished(() => void execFileSync('rm', ['-rf', join(server, 'TaskLogs')]));
  expect(await pass('second')).toMatchObject({ fileCount: 2, problemCount: 1 });
  const section = await readSection(world, at, 'folders');
  expect(section?.lostCount).toBe(1);
  expect(section?.problems[0]?.what).toContain('ENAMETOOLONG');
});

test.skipIf(process.getuid?.() === 0)('a locked file is a gap', async () => {
  const { world, server, pass, at } = setUp();
  plant(server, { 'Packages/a.zip': 'a', 'TaskLogs/1.txt': 'one' });
  chmodSync(join(server, 'TaskLogs/1.txt'), 0);
  expect(await pass('second')).toMatchObject({ fileCount: 1, problemCount: 1 });
  expect((await readSection(world, at, 'folders'))?.lostCount).toBe(1);
});

test('a link is stored and never followed', async () => {
  const { world, server, pass, at } = setUp();
  plant(server, { 'Packages/a.zip': 'a', 'TaskLogs/1.txt': 'one' });
  symlinkSync('/etc', join(server, 'TaskLogs/etc'));
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
