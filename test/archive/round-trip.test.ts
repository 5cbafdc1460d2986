import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { extractAll, extractFile } from '../../lib/archive/extract.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { backUp, serverWorld } from './backup.ts';
import { runOf } from './fixtures.ts';
import { plant, scratchDirectory } from './scratch.ts';
import { noise, treeOf } from './trees.ts';

const hasZstd = spawnSync('zstd', ['--version']).status === 0;

/** Every kind of file that has a stated outcome, and all of them come back. */
const plantOddities = (server: string): void => {
  plant(server, {
    'Packages/feeds/Payments.4.1.0.nupkg': noise(300_000, 1),
    'Packages/copy/Payments.4.1.0.nupkg': noise(300_000, 1),
    'Packages/large.zip': noise(9_500_001, 2),
    'Packages/large-text.json': Buffer.alloc(5_000_000, '{"name":"value"},\n'),
    'TaskLogs/a.txt': 'one line\n',
    'TaskLogs/empty.txt': '',
    'TaskLogs/ümläut 文件 & "quotes" $HOME `x`.txt': 'non-ASCII\n',
    'TaskLogs/back\\slash\ttab\nnewline\n': 'odd\n',
    'TaskLogs/-n': 'looks like an option\n',
    [`TaskLogs/${'d'.repeat(120)}/${'e'.repeat(200)}/${'f'.repeat(200)}.log`]: 'long\n',
  });
  for (let n = 0; n < 300; n++) plant(server, { [`TaskLogs/many/${n}.txt`]: `log ${n % 250}\n`.repeat(n) });
  writeFileSync(Buffer.concat([Buffer.from(`${server}/TaskLogs/`), Buffer.of(0xff, 0xfe, 0x41)]), 'not UTF-8\n');
  mkdirSync(join(server, 'TaskLogs/empty folder'));
  symlinkSync('/etc/passwd', join(server, 'TaskLogs/out of the tree'));
  symlinkSync('a.txt', join(server, 'TaskLogs/link'));
  chmodSync(join(server, 'TaskLogs/a.txt'), 0o640);
};

const archived = async () => {
  const directory = scratchDirectory();
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
  await extractFile(counted, at, { path: 'task-logs/many/123.txt', to });
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
  expect(verified.fileCount).toBe(312);
});

test.skipIf(!hasZstd)('the script in the archive takes it apart, from a store that cannot be written', async () => {
  const { directory, at, expected } = await archived();
  const store = join(directory, 'store');
  execFileSync('chmod', ['-R', 'a-w', store]);
  const script = join(store, archiveKeys.file('prod', at.archiveId, 'restore.sh'));
  const target = join(directory, 'by hand');
  const ran = spawnSync('sh', [script, target], { encoding: 'utf8' });
  execFileSync('chmod', ['-R', 'u+w', store]);
  expect(ran.stderr).toContain('done');
  expect(treeOf(target)).toEqual(expected);
});
