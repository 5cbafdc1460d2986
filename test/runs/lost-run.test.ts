import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import type { ExecutionDescription } from '../../lib/ports/workflow-runtime.ts';
import type { World } from '../../lib/ports/world.ts';
import { writeManifest } from '../../lib/repository/archives.ts';
import { latestGood } from '../../lib/repository/catalog.ts';
import { readLock, takeLock } from '../../lib/repository/lease/lock.ts';
import { readRun, writeStepNote } from '../../lib/repository/run-book.ts';
import { requestBackup, restartRequested } from '../../lib/runs/request.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { testClock } from '../clock.ts';

let directory: string;
let world: World;
/** How the workflow engine describes every run it was given. */
let status: ExecutionDescription['status'];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'octo-lost-'));
  status = 'RUNNING';
  const started = new Set<string>();
  world = {
    clock: testClock(),
    state: directoryObjectStore({ directory: join(directory, 'state') }),
    archives: directoryObjectStore({ directory: join(directory, 'archives') }),
    hostDirectory: join(directory, 'host'),
    policy: { people: ['ana'], groups: {}, statements: [] },
    instance: (name: string) => ({ name, isProduction: false, hosts: [{ name: 'prod-1' }] }),
    workflows: {
      start: async ({ runId }: { runId: string }) => void started.add(runId),
      describe: async (runId: string) =>
        started.has(runId) ? { runId, status, error: 'States.Timeout', cause: 'Report took too long' } : null,
    },
  } as unknown as World;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ask = (requestKey: string) =>
  requestBackup(world, {
    instance: 'prod',
    by: { door: 'terminal', person: 'ana', channel: null },
    requestKey,
    reason: null,
    consistency: 'quiesced',
  });

it('is joined while its workflow goes on', async () => {
  const { run } = await ask('first');
  await restartRequested(world);
  expect(await ask('second')).toMatchObject({ run: { id: run.id, status: 'running' }, isJoined: true });
});

it('is ended, and gives its instance back, when its workflow ended without a report', async () => {
  const { run } = await ask('first');
  await takeLock(world, run);
  status = 'TIMED_OUT';
  const second = await ask('second');
  expect(second).toMatchObject({ isJoined: false, run: { status: 'running' } });
  expect(second.run.id).not.toBe(run.id);
  expect((await readRun(world, run.id))?.outcome).toMatchObject({
    word: 'failed',
    error: { code: 'StepTimedOut', state: 'Report' },
    notes: ['the end of this run could not be written down when it came'],
  });
  expect((await readLock(world, 'prod')).holder).toBeNull();
});

it('keeps the word of an archive that was sealed before its workflow ended, so that it agrees with `latest`', async () => {
  const { run } = await ask('first');
  const archiveId = run.archiveId!;
  await writeManifest(world, manifestOf({ archiveId, word: 'good' }));
  status = 'TIMED_OUT';
  await restartRequested(world);
  const { outcome } = (await readRun(world, run.id))!;
  expect(outcome).toMatchObject({ word: 'good', error: null, backup: { archiveId, quietSeconds: 0 } });
  expect(outcome?.notes).toEqual([
    'the end of this run could not be written down when it came',
    'Report failed when the archive was whole already: Report ran out of time (StepTimedOut)',
  ]);
  expect((await latestGood(world, 'prod'))?.archiveId).toBe(archiveId);
});

it('tells which state had failed, also at the next start', async () => {
  const { run } = await ask('first');
  const at = world.clock.now().toISOString();
  const error = { code: 'StoreFull', message: 'write failed', advice: 'Free space.' };
  const times = { attempt: 0, startedAt: at, updatedAt: at, endedAt: at, percent: null, text: '' };
  const note = { state: 'PackFolders', step: 'pack-folders', status: 'failed' as const, error, ...times };
  await writeStepNote(world, run.id, note);
  status = 'FAILED';
  await restartRequested(world);
  expect((await readRun(world, run.id))?.outcome).toMatchObject({
    word: 'failed',
    error: { code: 'StoreFull', message: 'write failed', state: 'PackFolders' },
  });
});
