/**
 * Days on which something is wrong with Octopus, SQL Server, keys or folders: the run says what happened, what is safe and
 * what to do next; Octopus is open to its users; every archive that is listed is whole. What each bad day is covered by:
 *
 * Octopus 401, 403, 5xx, slow        here; steps/plan-run; steps/bad-days; contracts/octopus; adapters/octopus.http
 * Octopus gives no answer, a proxy   steps/plan-run; adapters/octopus.http; worker/lease-keeper
 * a task that never ends             here, given up and gone on online; steps/quiesce
 * a queued deployment                here; steps/quiesce (ran between two looks); steps/dump-database (no longer quiet)
 * maintenance already on             journeys/backup; steps/plan-run; worker/lease-keeper
 * drain, maintenance do not take     here; steps/quiesce
 * Octopus away on the way back       here; worker/lease-keeper
 * SQL login refused                  here; adapters/sql-server.tds
 * share not writable                 steps/bad-days; steps/plan-run; adapters/sql-server.tds (device errors by their numbers)
 * disk full, connection lost         here; steps/dump-database; adapters/sql-server.tds (SQL Server goes on alone)
 * backup killed or stalled           steps/bad-days; adapters/sql-server.tds (stalled)
 * file 0 bytes, short, damaged       steps/store-database; steps/verify-dump; steps/dump-database
 * key unreadable, wrong, rotated     here; steps/keys; steps/verify-dump (rotated meanwhile)
 * no encrypted values                here; steps/keys
 * folder missing, emptied            here; steps/pack-folders; archive/pack-folders
 * file locked, changing, vanishing   archive/bad-files
 * 0 bytes, 5 GB, odd names, links    archive/round-trip; archive/pack-folders (5 GB with OCTO_LIVE=1)
 * store full, slow, wrong bytes      journeys/bad-days-store; adapters/object-store.s3, .directory
 * second request                     journeys/backup; repository/lock
 * kill -9                            journeys/crashed; worker/kill; engine/kill; archive/pack-folders; adapters (stores)
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { secretNames, stateKeys } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { Settings } from '../../lib/domain/settings/settings.ts';
import { update } from '../../lib/repository/update.ts';
import { type Installation, eventually, install } from './installation.ts';

let place: Installation;
/** Archives that ought to be listed. */
const sealed: string[] = [];
let mend: () => Promise<void> = async () => {};

beforeAll(async () => {
  place = await install();
});
afterAll(() => place.remove());

afterEach(async () => {
  await mend();
  await expectNoHarm();
});

/** Octopus is open to its users, and what is listed is what was sealed. */
const expectNoHarm = async (): Promise<void> => {
  expect(await place.closedDoors()).toEqual([]);
  expect(await place.listed()).toEqual(sealed);
};

const begin = async (fault: string): Promise<string> => {
  mend = await place.fault(fault);
  return place.ask('ana', '/octo backup now');
};

const ended = async (runId: string): Promise<RunRecord> => {
  const { run } = await place.ended(runId);
  if (run.outcome?.backup) sealed.push(run.outcome.backup.archiveId);
  return run;
};

const changeWait = async (wait: Settings['wait']): Promise<void> => {
  const at = { key: stateKeys.settings('prod'), schema: Settings };
  await update(place.world.state, at, (settings) => ({ ...settings!, wait }));
};

describe('before anything is begun', () => {
  it.each([
    ['sql-login-refused', 'DatabaseLoginRefused'],
    ['octopus-answers=401', 'OctopusUnauthorized'],
    ['key-unreadable', 'MasterKeyUnreadable'],
    ['folder-missing', 'Packages cannot be read'],
  ])('%s: the backup is refused', async (fault, reason) => {
    const run = await ended(await begin(fault));
    expect(run.outcome).toMatchObject({ word: 'refused', error: { code: 'PlanRefused', state: 'PlanRun' } });
    expect(run.outcome?.error?.message).toContain(reason);
    expect(run.outcome?.safeNow).toMatch(/^Nothing was changed\. There is no good archive/);
    const card = await place.lastWord(run.id);
    for (const said of ['Backup refused', 'PlanRefused', 'Do next']) expect(card).toContain(said);
  });
});

describe('while it works', () => {
  it('sql-connection-lost: the dump is made again', async () => {
    const runId = await begin('sql-connection-lost');
    await place.until(runId, ({ steps }) => steps.some(({ attempt }) => attempt > 0));
    await mend();
    expect((await ended(runId)).outcome).toMatchObject({ word: 'good', gaps: [] });
  });

  it.each([
    ['folder-emptied', 'PackFolders', 'FolderEmptied'],
    ['drain-ignored', 'Quiesce', 'DrainNotTaken'],
    ['sql-page-damaged', 'VerifyDump', 'BackupDamaged'],
    ['key-wrong', 'ProveKey', 'KeyDoesNotOpenData'],
  ])('%s: %s fails, and everything is as it was', async (fault, state, code) => {
    const run = await ended(await begin(fault));
    expect(run.outcome).toMatchObject({ word: 'failed', error: { code, state }, backup: null });
    expect(run.outcome?.safeNow).toContain(`The newest good archive, ${sealed.at(-1)}, is`);
    const card = await place.lastWord(run.id);
    for (const said of ['Backup failed', code, 'Do next']) expect(card).toContain(said);
  });

  it('sql-disk-full, and an Octopus that is away on the way back: it is waited for', async () => {
    const runId = await begin('sql-stalled');
    await place.until(runId, ({ steps }) => steps.some(({ state }) => state === 'DumpDatabase'));
    const [away, isFull] = [await place.fault('octopus-answers=503'), await place.fault('sql-disk-full=1')];
    await mend();
    await place.until(runId, ({ steps }) => steps.some((at) => at.state === 'ResumeAfterFailure' && at.attempt > 0));
    await Promise.all([away(), isFull()]);
    const { outcome } = await ended(runId);
    expect(outcome).toMatchObject({ word: 'failed', error: { code: 'DatabaseDiskFull', state: 'DumpDatabase' } });
    expect(outcome?.safeNow).toMatch(/^Octopus is running, and its maintenance mode is as it was before\./);
  });
});

describe('Octopus at work', () => {
  afterEach(() => changeWait({ minutes: 30, onTimeout: 'abort' }));

  it('task-endless: given up, with the task named', async () => {
    await changeWait({ minutes: 0, onTimeout: 'abort' });
    const { outcome } = await ended(await begin('task-endless'));
    expect(outcome).toMatchObject({ word: 'failed', error: { code: 'TasksStillRunning', state: 'Quiesce' } });
    expect(outcome?.error?.message).toMatch(/still at work: "Deploy .+" \(ServerTasks-\d+, \d+ min\)/);
  });

  it('task-endless: or gone on online, where the settings say so', async () => {
    await changeWait({ minutes: 0, onTimeout: 'online' });
    const { outcome } = await ended(await begin('task-endless'));
    expect(outcome).toMatchObject({ word: 'good', backup: { consistency: 'online' } });
    expect(outcome?.notes.join()).toMatch(/went on online, after 0 min still at work: "Deploy/);
  });

  it('a deployment that is queued while it is quiet is left in the queue, and runs afterwards', async () => {
    const runId = await place.ask('ana', '/octo backup now');
    await place.until(runId, ({ steps }) => steps.some(({ text }) => text.startsWith('quiet')));
    const taskId = await place.octopus.deploy();
    expect((await ended(runId)).outcome).toMatchObject({ word: 'good', backup: { consistency: 'quiesced' } });
    const api = await place.world.octopusApi('prod');
    await eventually('the deployment to have run', async () =>
      (await api.activeTasks()).some(({ id }) => id === taskId) ? null : taskId,
    );
  });
});

describe('keys', () => {
  it('key-rotated: the archive names the new key, and both are kept', async () => {
    const keys = async () => (await place.world.secretStore.list(secretNames.masterKeys('prod'))).length;
    const before = await keys();
    const { outcome } = await ended(await begin('key-rotated'));
    expect(outcome).toMatchObject({ word: 'good', backup: { keyProof: { opened: 12, sampled: 12 } } });
    expect(await keys()).toBe(before + 1);
  });

  it('secrets-hidden: nothing to try the key on, although there are secrets, is a gap', async () => {
    const { outcome } = await ended(await begin('secrets-hidden'));
    expect(outcome?.word).toBe('gaps');
    expect(outcome?.gaps).toEqual([expect.stringMatching(/^no encrypted value could be read, although \d+ documents/)]);
    expect(outcome?.safeNow).toContain('The newest good archive, arc_');
  });
});

it('every archive that is listed is whole', async () => {
  expect(sealed).toHaveLength(5);
  for (const archiveId of sealed) {
    const { damaged } = await verifyArchive(place.world, { instance: 'prod', archiveId }, {});
    expect(damaged).toEqual([]);
  }
});
