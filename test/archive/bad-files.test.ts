/** Files that do not hold still, or may not be read: each has a stated outcome, and none of them stops a backup. */
import { appendFileSync, chmodSync, existsSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packFolders } from '../../lib/archive/pack-folders.ts';
import type { Place } from '../../lib/archive/pack/walk.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { plant, scratchDirectory, scratchWorld } from './scratch.ts';
import { noise } from './trees.ts';

/** Packs `places`; `meanwhile` happens when they have been listed and nothing has been read. */
const setUp = () => {
  const directory = scratchDirectory();
  const world = scratchWorld(directory);
  const pack = (runId: string, places: Place[], meanwhile: () => void = () => {}) => {
    const list: typeof world.archives.list = (prefix, options) => {
      if (prefix === archiveKeys.packs('prod')) meanwhile();
      return world.archives.list(prefix, options);
    };
    const archives = { ...world.archives, list };
    return packFolders({ ...world, archives }, { instance: 'prod', runId, pass: 'first', places });
  };
  return { server: join(directory, 'server'), pack };
};

test('what changes or vanishes before it is read is said, and read again next time', async () => {
  const { server, pack } = setUp();
  plant(server, {
    'a.txt': 'stays',
    'gone.txt': 'gone',
    'grown.txt': 'short',
    'cut.zip': noise(5_000, 1),
    'large.json': Buffer.alloc(9_000_000, 'row '),
    'replaced.txt': 'mine',
  });
  const places = [{ name: 'task-logs', path: server }];
  const first = await pack('run_A', places, () => {
    rmSync(join(server, 'gone.txt'));
    appendFileSync(join(server, 'grown.txt'), ' and more');
    truncateSync(join(server, 'cut.zip'), 1_000);
    appendFileSync(join(server, 'large.json'), 'one more row');
    rmSync(join(server, 'replaced.txt'));
    symlinkSync('/etc/passwd', join(server, 'replaced.txt'));
  });
  expect(first.problems.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { path: 'task-logs/gone.txt', what: 'vanished before it was read', isLost: false },
    { path: 'task-logs/grown.txt', what: 'changed while it was read; taken as it was read', isLost: false },
    { path: 'task-logs/replaced.txt', what: 'could not be opened (ELOOP)', isLost: true },
  ]);
  // A file that got shorter, or is large, was read to its present end.
  expect(first).toMatchObject({ fileCount: 4, sizeBytes: 'stays'.length + 'short'.length + 1_000 + 9_000_012 });

  const next = await pack('run_B', places);
  expect(next).toMatchObject({ problems: [], fileCount: 4, readCount: 3 });
  expect(next.sizeBytes).toBe('stays'.length + 'short and more'.length + 1_000 + 9_000_012);
});

/** A file that nobody may read, not even root. */
const WRITE_ONLY = '/proc/sys/net/ipv4/route/flush';
const isRoot = process.getuid?.() === 0;

test.skipIf(isRoot && !existsSync(WRITE_ONLY))('a locked file is named, and the others are taken', async () => {
  const { server, pack } = setUp();
  plant(server, { 'a.txt': 'a', flush: 'locked' });
  if (!isRoot) chmodSync(join(server, 'flush'), 0);
  const packed = await pack('run_A', [
    { name: 'task-logs', path: server },
    ...(isRoot ? [{ name: 'locked', path: join(WRITE_ONLY, '..') }] : []),
  ]);
  expect(packed.problems.filter(({ isLost }) => isLost)).toEqual([
    { path: isRoot ? 'locked/flush' : 'task-logs/flush', what: 'could not be opened (EACCES)', isLost: true },
  ]);
  expect(packed.places[0]?.fileCount).toBe(isRoot ? 2 : 1);
});
