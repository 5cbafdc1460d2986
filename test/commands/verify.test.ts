/** Verifying on request: marks what is damaged, lifts what is right again, and lets nobody delete the archive meanwhile. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { perform } from '../../lib/commands/index.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import type { World } from '../../lib/ports/world.ts';
import { latestGood } from '../../lib/repository/catalog.ts';
import { damagedNames } from '../../lib/repository/damage.ts';
import { archivesBeingRead } from '../../lib/repository/store-care/reader-holds.ts';
import { backUp, serverWorld } from '../archive/backup.ts';
import { runOf } from '../archive/fixtures.ts';
import { plant, scratchDirectory } from '../archive/scratch.ts';

/** Two archives that share the older one's files. */
const served = async () => {
  const directory = scratchDirectory();
  const world: World = { ...serverWorld(directory), instanceNames: () => ['prod'] };
  plant(join(directory, 'server'), { 'Packages/a.zip': 'a package', 'TaskLogs/1.txt': 'log' });
  const older = await backUp(world, runOf(1), Buffer.from('the database'));
  const newer = await backUp(world, runOf(2), Buffer.from('the database'));
  let typed = 0;
  const type = (text: string) =>
    perform(world, text, {
      by: { door: 'terminal', person: 'ana', channel: null },
      requestKey: `typed ${(typed += 1)}`,
    });
  const [pack] = await Array.fromAsync(world.archives.list(archiveKeys.packs('prod')), ({ key }) => key);
  return { world, older, newer, type, path: join(directory, 'store', pack!) };
};

test('marks are lifted by the verification that finds the object right again, each archive by its own', async () => {
  const { world, older, newer, type, path } = await served();
  const right = readFileSync(path);
  writeFileSync(path, right.toReversed());
  expect(await type('backup verify latest')).toMatchObject({ isBad: true, json: { lifted: [] } });
  expect((await damagedNames(world, 'prod')).size).toBe(3);
  expect(await latestGood(world, 'prod')).toBeNull();

  writeFileSync(path, right);
  const mended = await type(`backup verify ${newer.archiveId}`);
  expect(mended).toMatchObject({ isBad: false });
  expect(mended.lines.join('\n')).toContain('2 marks of damage lifted');
  expect(await damagedNames(world, 'prod')).toEqual(new Set([older.archiveId]));
  expect((await latestGood(world, 'prod'))?.archiveId).toBe(newer.archiveId);

  await type(`backup verify ${older.archiveId}`);
  expect(await damagedNames(world, 'prod')).toEqual(new Set());
});

test('what is right is lifted although the archive has another damage', async () => {
  const { world, newer, type, path } = await served();
  const right = readFileSync(path);
  writeFileSync(path, 'rotten');
  await type('backup verify latest');
  writeFileSync(path, right);
  await world.archives.delete(archiveKeys.file('prod', newer.archiveId, 'restore.sh'));
  expect(await type(`backup verify ${newer.archiveId}`)).toMatchObject({ isBad: true });
  const marked = await damagedNames(world, 'prod');
  expect([...marked].filter((name) => !name.startsWith('arc_'))).toEqual([]);
  expect(marked.has(newer.archiveId)).toBe(true);
});

test('the archive is held while it is read, and not after, also when it could not be read', async () => {
  const { world, newer, type } = await served();
  const { archives } = world;
  const seen: string[][] = [];
  const read: typeof archives.read = async (...args) => {
    seen.push([...(await archivesBeingRead(world, 'prod'))]);
    return archives.read(...args);
  };
  world.archives = { ...archives, read };
  await type('backup verify latest');
  expect(seen.filter((held) => held.includes(newer.archiveId)).length).toBeGreaterThan(5);
  expect(await archivesBeingRead(world, 'prod')).toEqual(new Set());

  const packs = archiveKeys.packs('prod');
  world.archives.read = (key, ...rest) =>
    key.startsWith(packs) ? Promise.reject(new Error('no store')) : archives.read(key, ...rest);
  await expect(type('backup verify latest')).rejects.toThrow('no store');
  expect(await archivesBeingRead(world, 'prod')).toEqual(new Set());
});
