import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { extractAll, extractFile } from '../../lib/archive/extract.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { backUp, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plantOddities } from './oddities.ts';
import { scratchDirectory } from './scratch.ts';
import { noise, treeOf } from './trees.ts';

const hasZstd = spawnSync('zstd', ['--version']).status === 0;

const archived = async () => {
  const directory = scratchDirectory();
  onTestFinished(() => void execFileSync('chmod', ['-R', 'u+w', directory]));
  const world = serverWorld(directory);
  const server = join(directory, 'server');
  plantOddities(server);
  const dump = Buffer.concat([noise(2_000_000, 7), Buffer.alloc(3_000_000, 'rows '), noise(12_345, 8)]);
  const at = await backUp(world, runOf(1), dump);
  renameSync(join(server, 'Packages'), join(server, 'packages'));
  renameSync(join(server, 'TaskLogs'), join(server, 'task-logs'));
  writeFileSync(join(server, 'database.bak'), dump);
  return { directory, world, at, expected: treeOf(server) };
};

test('everything comes back as it was', async () => {
  const { directory, world, at, expected } = await archived();
  const target = join(directory, 'target');
  await extractAll(world, at, { target });
  expect(treeOf(target)).toEqual(expected);
});

test('one file comes back with three requests', async () => {
  const { directory, world, at, expected } = await archived();
  let requests = 0;
  const counted = {
    ...world,
    archives: {
      ...world.archives,
      read: (...args: Parameters<typeof world.archives.read>) => {
        requests++;
        return world.archives.read(...args);
      },
    },
  };
  const to = join(directory, 'one');
  await extractFile(counted, at, { path: 'packages/many/123.txt', to });
  expect(readFileSync(to, 'utf8')).toBe('log 123\n'.repeat(123));
  expect(requests).toBeLessThanOrEqual(3);
  await extractFile(world, at, { path: 'database.bak', to: join(directory, 'dump') });
  expect(treeOf(directory)['dump']).toBe(expected['database.bak']);
});

test('equal content is stored once', async () => {
  const { world } = await archived();
  let storedBytes = 0;
  for await (const { sizeBytes } of world.archives.list(archiveKeys.packs('prod'))) storedBytes += sizeBytes;
  expect(storedBytes).toBeLessThan(300_000 + 9_500_001 + 100_000);
});

test('verify reads everything and finds nothing wrong', async () => {
  const { world, at } = await archived();
  const verified = await verifyArchive(world, at);
  expect(verified.damaged).toEqual([]);
  expect(verified.fileCount).toBe(313);
});

/** Runs the script of the archive as somebody who is not root: nothing may rely on root's rights. */
const byHand = (directory: string, script: string) => {
  const target = join(directory, 'by hand');
  mkdirSync(target);
  chmodSync(directory, 0o755);
  execFileSync('chmod', ['-R', 'a+rX,a-w', join(directory, 'store')]);
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  if (nobody.uid !== undefined) chownSync(target, nobody.uid, nobody.gid);
  const run = (...more: string[]) => spawnSync('sh', [script, target, ...more], { encoding: 'utf8', ...nobody });
  return { target, run };
};

const scriptOf = (directory: string, archiveId: string): string =>
  join(directory, 'store', archiveKeys.file('prod', archiveId, 'restore.sh'));

test.skipIf(!hasZstd)('the script in the archive takes it apart, from a store that cannot be written', async () => {
  const { directory, at, expected } = await archived();
  const { target, run } = byHand(directory, scriptOf(directory, at.archiveId));
  const ran = run();
  expect(ran.stderr).toContain('done');
  expect(ran.status).toBe(0);
  expect(treeOf(target)).toEqual(expected);
  const attributes = (path: string) => {
    const { mode, mtimeMs } = statSync(path);
    return { mode, mtimeMs };
  };
  for (const path of ['packages/large-text.json', 'packages/many/7.txt', 'task-logs/a.txt'])
    expect(attributes(join(target, path))).toEqual(attributes(join(directory, 'server', path)));
  expect(statSync(join(target, 'packages/locked')).mode & 0o777).toBe(0o555);
});

test.skipIf(!hasZstd)('the script names what stops it, and says so with its exit', async () => {
  const { directory, world, at } = await archived();
  const copy = join(directory, 'store');
  for await (const { key, sizeBytes } of world.archives.list(archiveKeys.packs('prod'))) {
    if (sizeBytes > 1_000_000) truncateSync(join(copy, key), sizeBytes - 100_000);
  }
  const { run } = byHand(directory, scriptOf(directory, at.archiveId));
  expect(run()).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/restore\.sh: damaged: packs\/[0-9a-f]{64}/),
  });
  expect(run()).toMatchObject({ status: 1, stderr: expect.stringContaining('is not empty') });
});

test('the page in the archive says how the database and its key come to another server', async () => {
  const { directory, at } = await archived();
  const page = readFileSync(join(directory, 'store', archiveKeys.file('prod', at.archiveId, 'RESTORE.md')), 'utf8');
  for (const needed of ['RESTORE FILELISTONLY', 'MOVE N', 'prod/master-key/0123456789abcdef', 'docs/runbook.md'])
    expect(page).toContain(needed);
});
