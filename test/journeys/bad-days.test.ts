/**
 * Days on which something is wrong with Octopus, SQL Server, key or folders: each ends with what happened, what is safe and
 * what to do next; Octopus is open to its users, and every archive that is listed is whole.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { secretNames, stateKeys } from '../../lib/domain/names.ts';
import type { RunView } from '../../lib/domain/run.ts';
import { Settings } from '../../lib/domain/settings.ts';
import { listArchives } from '../../lib/repository/catalog.ts';
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
  const api = await place.world.octopusApi('prod');
  expect(await api.isInMaintenance()).toBe(false);
  expect((await api.nodes()).filter(({ isDraining }) => isDraining)).toEqual([]);
  expect(await listed()).toEqual(sealed);
});

const listed = async (): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { archiveId } of listArchives(place.world, 'prod')) ids.unshift(archiveId);
  return ids;
};

const begin = async (fault: string): Promise<string> => {
  mend = await place.fault(fault);
  return place.ask('ana', '/octo backup now');
};

/** The last edit of the run's card, which says how it ended. */
const cardOf = (runId: string): Promise<string> =>
  eventually('the last word on the card', async () => {
    const card = place.slack.api
      .messages()
      .find(({ visibleTo, blocks }) => visibleTo === null && JSON.stringify(blocks).includes(runId));
    const text = JSON.stringify(card?.blocks ?? []);
    return text.includes('Safe now') ? text : null;
  });

const ended = async (runId: string): Promise<RunView['run']> => {
  const { run } = await place.ended(runId);
  if (run.outcome?.backup) sealed.push(run.outcome.backup.archiveId);
  return run;
};

const isTriedAgain = ({ run, steps }: RunView): boolean =>
  run.status === 'ended' || steps.some(({ attempt }) => attempt > 0);

const changeWait = async (wait: Settings['wait']): Promise<void> => {
  const at = { key: stateKeys.settings('prod'), schema: Settings };
  await update(place.world.state, at, (settings) => ({ ...settings!, wait }));
};

describe('before anything is begun', () => {
  it.each([
    ['sql-login-refused', 'DatabaseLoginRefused'],
    ['octopus-answers=401', 'OctopusUnauthorized'],
    ['octopus-answers=403', 'OctopusForbidden'],
    ['octopus-proxy=200', 'OctopusAnswerInvalid'],
    ['key-unreadable', 'MasterKeyUnreadable'],
    ['folder-missing', 'Packages cannot be read'],
  ])('%s: the backup is refused', async (fault, reason) => {
    const run = await ended(await begin(fault));
    expect(run.outcome).toMatchObject({ word: 'refused', error: { code: 'PlanRefused', state: 'PlanRun' } });
    expect(run.outcome?.error?.message).toContain(reason);
    expect(run.outcome?.safeNow).toMatch(/^Nothing was changed\. There is no good archive/);
    const card = await cardOf(run.id);
    for (const said of ['Backup refused', 'PlanRefused', 'Do next']) expect(card).toContain(said);
  });

  it('octopus-answers=503: asked again, and good when it has passed', async () => {
    const runId = await begin('octopus-answers=503');
    await place.until(runId, isTriedAgain);
    await mend();
    expect((await ended(runId)).outcome).toMatchObject({ word: 'good', gaps: [] });
  });
});

describe('while it works', () => {
  it.each([
    ['folder-emptied', 'PackFolders', 'FolderEmptied'],
    ['maintenance-ignored', 'Quiesce', 'MaintenanceNotTaken'],
    ['drain-ignored', 'Quiesce', 'DrainNotTaken'],
    ['sql-share-denied', 'DumpDatabase', 'BackupFolderDenied'],
    ['sql-disk-full', 'DumpDatabase', 'DatabaseDiskFull'],
    ['sql-page-damaged', 'DumpDatabase', 'BackupDamaged'],
    ['key-wrong', 'ProveKey', 'KeyDoesNotOpenData'],
  ])('%s: %s fails, and everything is as it was', async (fault, state, code) => {
    const run = await ended(await begin(fault));
    expect(run.outcome).toMatchObject({ word: 'failed', error: { code, state }, backup: null });
    expect(run.outcome?.safeNow).toContain(`The newest good archive, ${sealed.at(-1)}, is`);
    const card = await cardOf(run.id);
    for (const said of ['Backup failed', code, 'Do next']) expect(card).toContain(said);
  });

  it('sql-connection-lost: the dump is made again', async () => {
    const runId = await begin('sql-connection-lost');
    await place.until(runId, isTriedAgain);
    await mend();
    expect((await ended(runId)).outcome).toMatchObject({ word: 'good', gaps: [] });
  });

  it('an Octopus that is away when it is to be opened again is waited for', async () => {
    const runId = await place.ask('ana', '/octo backup now');
    await place.until(runId, ({ steps }) => steps.some(({ state }) => state === 'PackChanges'));
    mend = await place.fault('octopus-answers=503');
    await place.until(runId, isTriedAgain);
    await mend();
    expect((await ended(runId)).outcome).toMatchObject({ word: 'good', gaps: [] });
  });
});

describe('Octopus at work', () => {
  it('task-endless: given up, with the task named', async () => {
    await changeWait({ minutes: 0, onTimeout: 'abort' });
    const { outcome } = await ended(await begin('task-endless'));
    expect(outcome).toMatchObject({ word: 'failed', error: { code: 'TasksStillRunning', state: 'Quiesce' } });
    expect(outcome?.error?.message).toMatch(/still at work: "Deploy .+" \(ServerTasks-\d+, 0 min\)/);
  });

  it('task-endless: or gone on online, where the settings say so', async () => {
    await changeWait({ minutes: 0, onTimeout: 'online' });
    const { outcome } = await ended(await begin('task-endless'));
    expect(outcome).toMatchObject({ word: 'good', backup: { consistency: 'online' } });
    expect(outcome?.notes.join()).toMatch(/went on online, after 0 min still at work: "Deploy/);
    await changeWait({ minutes: 30, onTimeout: 'abort' });
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
    expect(outcome?.safeNow).toMatch(/The newest good archive, arc_/);
  });
});

it('every archive that is listed is whole', async () => {
  expect(sealed.length).toBeGreaterThan(4);
  for (const archiveId of sealed) {
    const { damaged } = await verifyArchive(place.world, { instance: 'prod', archiveId }, {});
    expect(damaged).toEqual([]);
  }
});
