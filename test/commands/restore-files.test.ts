import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { archiveKeys } from '../../lib/domain/names.ts';
import { perform } from '../../lib/commands/index.ts';
import type { Statement } from '../../lib/domain/runs/approval-policy.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { OctopusApi, OctopusProgram } from '../../lib/ports/octopus.ts';
import type { World } from '../../lib/ports/world.ts';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { backUp, serverWorld } from '../archive/backup.ts';
import { runOf } from '../archive/fixtures.ts';
import { plant, scratchDirectory } from '../archive/scratch.ts';
import { noise, treeOf } from '../archive/trees.ts';

const FILES = {
  'Packages/feeds/Payments.4.1.0.nupkg': noise(9_000, 1),
  'Packages/feeds/Payments.4.2.0.nupkg': noise(8_000, 2),
  'Packages/feeds/Orders.1.0.0.nupkg': noise(7_000, 3),
  'TaskLogs/servertasks-1.txt': 'one\n',
};

/** A server with one archive, and somebody who types; its API answers unless it `isDown`. */
const setUp = async ({ isDown = false, statements = [] as Statement[] } = {}) => {
  const directory = scratchDirectory();
  const base = serverWorld(directory);
  const server = join(directory, 'server');
  plant(server, FILES);
  const at = await backUp(base, runOf(1), noise(12_000, 4));
  const down = { serverFolders: () => Promise.reject(new OctoError('OctopusUnavailable', 'no answer')) };
  const world: World = {
    ...base,
    state: directoryObjectStore({ directory: join(directory, 'state') }),
    instanceNames: () => ['prod'],
    octopusProgram: () =>
      ({
        showConfiguration: async () => ({ settings: { 'Octopus.Home': join(directory, 'home') } }),
      }) as unknown as OctopusProgram,
    policy: { people: ['ana'], groups: {}, statements },
    octopusApi: async (name) => (isDown ? (down as unknown as OctopusApi) : base.octopusApi(name)),
  };
  const type = (text: string) =>
    perform(world, text, { by: { door: 'slack', person: 'ana', channel: 'C1' }, requestKey: text });
  return { directory, server, world, at, type, out: join(directory, 'out') };
};

test('a file, a folder or a pattern is copied to a folder of its own, with a count', async () => {
  const { type, out, server } = await setUp();
  const one = await type(`restore latest only:file path:packages/feeds/Payments.4.1.0.nupkg out:${out}/one`);
  expect(one.headline).toMatch(/^1 file of arc_\w+, 9\.0 kB, copied to /);
  expect(readFileSync(`${out}/one/packages/feeds/Payments.4.1.0.nupkg`)).toEqual(
    readFileSync(join(server, 'Packages/feeds/Payments.4.1.0.nupkg')),
  );
  const several = await type(`restore latest only:file path:"packages/**/payments.*" out:${out}/several`);
  expect(several.headline).toMatch(/^2 files of /);
  expect(Object.keys(treeOf(`${out}/several`)).filter((path) => path.endsWith('.nupkg')).length).toBe(2);
  await type(`restore latest only:file path:task-logs out:${out}/folder`);
  expect(readFileSync(`${out}/folder/task-logs/servertasks-1.txt`, 'utf8')).toBe('one\n');
  const dump = await type(`restore latest only:file path:database.bak out:${out}/dump`);
  expect(dump.json).toMatchObject({ fileCount: 1, sizeBytes: 12_000 });
});

test('without a path everything is copied', async () => {
  const { type, out } = await setUp();
  expect(await type(`restore latest only:file out:${out}`)).toMatchObject({ json: { fileCount: 5 } });
  expect(Object.keys(treeOf(out))).toEqual(expect.arrayContaining(['database.bak', 'packages', 'task-logs']));
});

test('what the archive does not hold, and a folder that is not empty, are named', async () => {
  const { type, out } = await setUp();
  const missing = type(`restore latest only:file path:packages/none.zip out:${out}`);
  await expect(missing).rejects.toMatchObject({ code: 'FileUnknown', message: expect.stringContaining('none.zip') });
  expect(existsSync(out)).toBe(false);
  mkdirSync(out);
  writeFileSync(join(out, 'mine'), 'mine');
  await expect(type(`restore latest only:file out:${out}`)).rejects.toMatchObject({ code: 'TargetNotEmpty' });
  await expect(type('restore latest only:file out:somewhere')).rejects.toMatchObject({ code: 'ArgumentInvalid' });
  await expect(type('restore latest only:file')).rejects.toMatchObject({ code: 'ArgumentInvalid' });
});

test.each([false, true])(
  'a folder that a server works with is refused, also through a link (server down: %s)',
  async (isDown) => {
    const { type, directory, server, world } = await setUp({ isDown });
    const before = treeOf(server);
    symlinkSync(server, join(directory, 'link'));
    const inUse = [
      'server/Packages/new',
      'server',
      'link/TaskLogs/new',
      'link',
      'share/new',
      'home/new',
      'server/../server/Packages/x',
    ];
    for (const folder of [...inUse.map((name) => join(directory, name)), `${world.hostDirectory}/new`, '/'])
      await expect(type(`restore latest only:file out:${folder}`)).rejects.toMatchObject({
        code: 'ServerFolderRefused',
      });
    expect(treeOf(server)).toEqual(before);
  },
);

test('a person to whom the policy denies restores gets no files either', async () => {
  const deny: Statement = { effect: 'deny', who: ['ana'], except: [], verbs: ['restore'], instances: null };
  const { type, out } = await setUp({ statements: [deny] });
  await expect(type(`restore latest only:file out:${out}`)).rejects.toMatchObject({ code: 'RequestNotAllowed' });
  expect(existsSync(out)).toBe(false);
});

test('a damaged archive gives no file', async () => {
  const { type, out, world, directory, at } = await setUp();
  for await (const { key } of world.archives.list(archiveKeys.packs('prod'))) {
    const path = join(directory, 'store', key);
    writeFileSync(path, Buffer.alloc(readFileSync(path).length));
  }
  const damaged = type(`restore ${at.archiveId} only:file path:task-logs out:${out}`);
  await expect(damaged).rejects.toMatchObject({ code: 'ArchiveDamaged' });
  rmSync(out, { recursive: true });
});
