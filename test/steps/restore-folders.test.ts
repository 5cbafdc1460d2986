import { appendFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { isOctoError, OctoError } from '../../lib/domain/errors.ts';
import type { RestorePlan } from '../../lib/domain/runs/plan.ts';
import type { OctopusApi } from '../../lib/ports/octopus.ts';
import type { World } from '../../lib/ports/world.ts';
import { freezePlan } from '../../lib/repository/approvals.ts';
import { readJournal } from '../../lib/repository/restore-journal.ts';
import { clearFolders, discardFolders, keptFolders, returnFolders } from '../../lib/steps/parts/folders-back.ts';
import { folderNotes, folderRefusals } from '../../lib/steps/parts/restore-checks-folders.ts';
import { step as stageStep } from '../../lib/steps/stage-folders.ts';
import { step as swapStep } from '../../lib/steps/swap-folders.ts';
import { backUp, serverWorld } from '../archive/backup.ts';
import { contextOf, runOf } from '../archive/fixtures.ts';
import { plant, scratchDirectory } from '../archive/scratch.ts';
import { noise, treeOf } from '../archive/trees.ts';

const FILES = {
  'Packages/a.zip': noise(30_000, 1),
  'Packages/b/c.zip': noise(9_000, 2),
  'TaskLogs/a.txt': 'log\n'.repeat(300),
};

const planFor = (run: string, archiveId: string, folders: RestorePlan['folders']): RestorePlan => ({
  version: 1,
  run,
  workflow: 'restore',
  instance: 'prod',
  archive: { archiveId, instance: 'prod', takenAt: '2026-03-04T02:00:00.000Z', word: 'good' },
  parts: 'folders',
  as: 'same',
  octopus: { version: '2024.4.7106', installationId: 'b3d0', isRunning: true },
  database: null,
  folders,
  pointed: [],
  masterKey: { archive: '0123456789abcdef', target: '0123456789abcdef', isReplaced: false },
  safety: 'backup',
  losses: [],
  checked: [],
  warnings: [],
});

/** A server that has changed since it was archived, and a run that is to bring its folders back. */
const setUp = async () => {
  const directory = scratchDirectory();
  const world: World = {
    ...serverWorld(directory),
    state: directoryObjectStore({ directory: join(directory, 'state') }),
    instanceNames: () => ['prod'],
  };
  const server = join(directory, 'server');
  plant(server, FILES);
  const at = await backUp(world, runOf(1), noise(12_000, 3));
  const archived = treeOf(server);
  plant(server, { 'Packages/new.zip': noise(5_000, 4) });
  rmSync(join(server, 'Packages/b'), { recursive: true });
  appendFileSync(join(server, 'TaskLogs/a.txt'), 'one more line\n');
  const changed = treeOf(server);
  const run = { ...runOf(2), workflow: 'restore' as const };
  const targets = [
    { name: 'packages', path: join(server, 'Packages') },
    { name: 'task-logs', path: join(server, 'TaskLogs') },
  ];
  await freezePlan(world, planFor(run.id, at.archiveId, targets));
  const does = (step: typeof stageStep, signal?: AbortSignal) => step.perform(world, {}, contextOf(run, signal));
  return { directory, world, server, at, run, targets, archived, changed, does };
};

test('staged, swapped and kept: the folders are as they were archived, and nothing else is left', async () => {
  const { world, server, run, archived, does } = await setUp();
  const staged = await does(stageStep);
  expect(staged).toEqual({ fileCount: 3, sizeBytes: 40_200, writtenBytes: 9_000 + 1_200, notes: [] });
  expect(await does(swapStep)).toEqual({ notes: [] });
  expect((await keptFolders(world, run)).length).toBe(2);
  await clearFolders(world, run);
  expect(treeOf(server)).toEqual(archived);
  await clearFolders(world, run);
  expect(await keptFolders(world, run)).toEqual([]);
});

test('staged, swapped and returned: the folders are as they were found', async () => {
  const { world, server, run, changed, does } = await setUp();
  await does(stageStep);
  await does(swapStep);
  await returnFolders(world, run);
  await returnFolders(world, run);
  await discardFolders(world, run);
  expect(treeOf(server)).toEqual(changed);
});

test('a run that goes no further than staging leaves nothing', async () => {
  const { world, server, run, changed, does } = await setUp();
  await does(stageStep);
  await discardFolders(world, run);
  await discardFolders(world, run);
  expect(treeOf(server)).toEqual(changed);
});

test('a run that has begun nothing has nothing to put back', async () => {
  const { world, server, run, changed } = await setUp();
  await discardFolders(world, run);
  expect(treeOf(server)).toEqual(changed);
});

test('both steps find their own finished work', async () => {
  const { world, server, run, archived, does } = await setUp();
  const staged = await does(stageStep);
  expect(await does(stageStep)).toEqual(staged);
  await does(swapStep);
  await does(swapStep);
  await clearFolders(world, run);
  expect(treeOf(server)).toEqual(archived);
});

test('a staging that was broken off is continued', async () => {
  const { world, server, run, archived, does } = await setUp();
  const stop = new AbortController();
  const read = world.archives.read;
  world.archives.read = async (key, options) => {
    if (key.includes('/packs/')) stop.abort(new OctoError('WorkerStopping', 'the worker stops'));
    return read(key, options);
  };
  await expect(does(stageStep, stop.signal)).rejects.toMatchObject({ code: 'WorkerStopping' });
  world.archives.read = read;
  expect((await readJournal(world, run.id))?.folders?.summary).toBeNull();
  await does(stageStep);
  await does(swapStep);
  await clearFolders(world, run);
  expect(treeOf(server)).toEqual(archived);
});

test('what changed after the staging does not come into the restored folders, and is named', async () => {
  const { world, server, run, archived, does } = await setUp();
  await does(stageStep);
  // Linked into the staged folder, and written on in place.
  appendFileSync(join(server, 'Packages/a.zip'), 'more');
  writeFileSync(join(server, 'TaskLogs/late.txt'), 'late');
  const { notes } = (await does(swapStep)) as { notes: string[] };
  expect(notes.join()).toContain('task-logs/late.txt');
  expect(notes.join()).toContain('packages/a.zip');
  await clearFolders(world, run);
  expect(treeOf(server)).toEqual(archived);
});

test('swapping needs a staging that is whole', async () => {
  const { does } = await setUp();
  await expect(does(swapStep)).rejects.toMatchObject({ code: 'Bug' });
});

const asked = ({ at, run, targets }: Awaited<ReturnType<typeof setUp>>) => ({
  at,
  instance: 'prod',
  runId: run.id,
  targets,
});

test('nothing stands against folders that can be exchanged, and asking changes nothing', async () => {
  const server = await setUp();
  expect(await folderRefusals(server.world, asked(server))).toEqual([]);
  expect(folderNotes(asked(server))).toEqual([]);
  expect(treeOf(server.server)).toEqual(server.changed);
});

test('folders in each other, a file in a folder’s place and a lack of room are told at once', async () => {
  const server = await setUp();
  const [packages, logs] = server.targets;
  const nested = [packages!, { ...logs!, path: join(packages!.path, 'logs') }];
  const refusals = await folderRefusals(server.world, { ...asked(server), targets: nested });
  expect(refusals).toEqual([expect.stringContaining('only one of them can be restored at a time')]);
  const file = join(server.server, 'Packages/new.zip');
  const inTheWay = [{ ...packages!, path: file }, logs!];
  expect(await folderRefusals(server.world, { ...asked(server), targets: inTheWay })).toEqual([
    `${file} is not a folder`,
  ]);
});

test('the folders of another instance on the same host are refused', async () => {
  const server = await setUp();
  const prod = server.world.instance('prod');
  const other = { ...prod, name: 'test', extraFolders: [] };
  const world = {
    ...server.world,
    instanceNames: () => ['prod', 'test'],
    instance: (name: string) => (name === 'test' ? other : prod),
  };
  const refusals = await folderRefusals(world, asked(server));
  expect(refusals).toEqual([
    expect.stringMatching(/Packages is one that instance test works with$/),
    expect.stringMatching(/TaskLogs is one that instance test works with$/),
  ]);
  const elsewhere = { ...other, hosts: [{ ...other.hosts[0]!, name: 'test-1' }] };
  const apart = { ...world, instance: (name: string) => (name === 'test' ? elsewhere : prod) };
  expect(await folderRefusals(apart, asked(server))).toEqual([]);
});

test('a damaged archive is refused before anything is made', async () => {
  const server = await setUp();
  const { world, directory } = server;
  rmSync(join(directory, 'store/prod/indexes'), { recursive: true });
  const thrown = await folderRefusals(world, asked(server)).catch((reason: unknown) => reason);
  expect(isOctoError(thrown, 'ArchiveDamaged')).toBe(true);
  await expect(server.does(stageStep)).rejects.toMatchObject({ code: 'ArchiveDamaged' });
  await discardFolders(world, server.run);
  expect(treeOf(server.server)).toEqual(server.changed);
});

test.skipIf(process.getuid?.() !== 0)('restored files belong to whom the folder belongs to', async () => {
  const { chownSync, statSync } = await import('node:fs');
  const { server, world, run, does } = await setUp();
  chownSync(join(server, 'Packages'), 1234, 1235);
  await does(stageStep);
  await does(swapStep);
  const owner = (path: string) => `${statSync(join(server, path)).uid}:${statSync(join(server, path)).gid}`;
  expect(['Packages', 'Packages/b', 'Packages/b/c.zip'].map(owner)).toEqual(['1234:1235', '1234:1235', '1234:1235']);
  expect(owner('TaskLogs/a.txt')).toBe('0:0');
  await clearFolders(world, run);
  expect(readdirSync(server)).toEqual(['Packages', 'TaskLogs']);
  expect(existsSync(join(server, 'Packages/b/c.zip'))).toBe(true);
});

test('a server that does not answer is still known by its newest archive', async () => {
  const server = await setUp();
  const prod = server.world.instance('prod');
  const down = { serverFolders: () => Promise.reject(new OctoError('OctopusUnavailable', 'no answer')) };
  const world = {
    ...server.world,
    instanceNames: () => ['prod', 'test'],
    instance: (name: string) => ({ ...prod, name }),
    octopusApi: async () => down as unknown as OctopusApi,
  };
  // As seen from `test`, which is to be restored onto the folders of `prod`.
  const refusals = await folderRefusals(world, { ...asked(server), instance: 'test' });
  expect(refusals.length).toBe(2);
});
