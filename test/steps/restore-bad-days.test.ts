/** Restores on days that are not like others: what is refused, what is kept, what is told. */
import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import { secretNames, stateKeys } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { latestGood } from '../../lib/repository/catalog.ts';
import { readHold } from '../../lib/repository/holds.ts';
import { readManifest } from '../../lib/repository/archives.ts';
import { liftDamage, markDamaged } from '../../lib/repository/damage.ts';
import { readLock, releaseLock, takeLock } from '../../lib/repository/lease/lock.ts';
import { readLease } from '../../lib/repository/lease/lease.ts';
import { readJournal } from '../../lib/repository/restore-journal.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { step as planRestore } from '../../lib/steps/plan-restore.ts';
import { step as returnTarget } from '../../lib/steps/return-target.ts';
import { step as wakeServer } from '../../lib/steps/wake-server.ts';
import { keepLeases } from '../../worker/host/lease-keeper.ts';
import { workADay } from '../../sandbox/octopus/change.ts';
import { rotateMasterKey } from '../../sandbox/octopus/key-faults.ts';
import { backUpBySteps, contentOf, newRestore, restoreBySteps } from './restore-steps.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

let on: StepWorld;
let archive: RunRecord;
let before: Awaited<ReturnType<typeof contentOf>>;

beforeAll(async () => {
  on = await openStepWorld({ queueMs: 20, taskSeconds: { min: 0, max: 0 } });
  archive = await backUpBySteps(on);
  before = await contentOf(on);
}, 120_000);
/** One that failed leaves the instance to the next. */
afterEach(async () => {
  const { holder } = await readLock(on.world, 'prod');
  if (holder !== null) await releaseLock(on.world, { id: holder.runId, instance: 'prod' });
});
afterAll(async () => on.close());

/** A day's work of people: other every time. */
const work = async (more: { releaseCount?: number; now?: Date } = {}): Promise<void> => {
  await workADay({ directory: on.machine, instanceName: on.seeded.instanceName, seed: String(Math.random()), ...more });
};

/** What stands against restoring the archive in this world. */
const refusalIn = async (changes: Partial<World>, options: RunRecord['options'] = {}): Promise<OctoError> => {
  const run = await newRestore(on, archive, options);
  const asked = perform(planRestore, { world: { ...on.world, ...changes }, run, input: { isLast: false } });
  return asked.then(
    () => new OctoError('Bug', 'the plan was not refused'),
    (thrown: unknown) => OctoError.from(thrown),
  );
};

const programWith = (changes: Partial<ReturnType<World['octopusProgram']>>): Partial<World> => ({
  octopusProgram: (instance) => ({ ...on.world.octopusProgram(instance), ...changes }),
});

describe('a plan is refused', () => {
  const named: [string, () => Promise<{ changes?: Partial<World>; options?: RunRecord['options'] }>, RegExp][] = [
    [
      'onto an older server, and names the build',
      async () => ({ changes: programWith({ version: async () => '2023.1.1' }) }),
      /the archive is of Octopus 20\S+, the target has 2023\.1\.1: install exactly 20/,
    ],
    [
      'onto a newer server',
      async () => ({ changes: programWith({ version: async () => '2030.1.1' }) }),
      /the target has 2030\.1\.1/,
    ],
    [
      'without the key of the archive',
      async () => ({ changes: { secretStore: { ...on.world.secretStore, read: async () => null } } }),
      /the secret store has no master key [0-9a-f]{16}/,
    ],
    [
      'to a quarantine on a production server',
      async () => ({ options: { as: 'quarantine' } }),
      /prod is a production instance/,
    ],
    [
      'when the API key may not administer',
      async () => ({
        changes: {
          octopusApi: async (instance) => ({
            ...(await on.world.octopusApi(instance)),
            canAdministerSystem: async () => false,
          }),
        },
      }),
      /lacks AdministerSystem/,
    ],
    [
      'when the API key is unknown',
      async () => ({
        changes: {
          octopusApi: async (instance) => ({
            ...(await on.world.octopusApi(instance)),
            nodes: () => Promise.reject(new OctoError('OctopusUnauthorized', 'the key is refused')),
          }),
        },
      }),
      /the key is refused \(OctopusUnauthorized: .*API key/,
    ],
  ];
  test.each(named)('%s', async (_what, arrange, words) => {
    const { changes = {}, options } = await arrange();
    const refusal = await refusalIn(changes, options);
    expect(refusal.code).toBe('PlanRefused');
    expect(refusal.message).toMatch(words);
  });

  test('naming everything at once', async () => {
    const { message } = await refusalIn(programWith({ version: async () => '2030.1.1' }), { as: 'quarantine' });
    expect(message).toMatch(/2030\.1\.1.*production instance/);
  });

  test('while another run works on the instance', async () => {
    const other = await on.newRun({ hasLock: true });
    onTestFinished(async () => void (await releaseLock(on.world, other)));
    expect((await refusalIn({})).message).toContain(`${other.id} works on prod`);
    const run = await newRestore(on, archive);
    await expect(takeLock(on.world, run)).rejects.toMatchObject({ code: 'LockHeld' });
  });

  test('when the archive was found damaged since', async () => {
    const archiveId = archive.archiveId!;
    onTestFinished(() => liftDamage(on.world, 'prod', [archiveId]));
    await markDamaged(on.world, 'prod', [
      { key: `${archiveId}/manifest.json`, what: 'is gone', archives: [archiveId] },
    ]);
    expect((await refusalIn({})).message).toContain('was found damaged');
  });
});

describe('what would be lost', { timeout: 120_000 }, () => {
  const planned = async (run: RunRecord, changes: Partial<World> = {}) =>
    perform<object>(planRestore, { world: { ...on.world, ...changes }, run, input: { isLast: false } });
  const newer = (count: number): Partial<World> => ({
    restoredDatabase: async (...of) => ({
      ...(await on.world.restoredDatabase(...of)),
      newerThan: async () => ({ deployments: count, releases: 0, users: 0, variableSets: 0, tasks: 0 }),
    }),
  });

  test('may grow within the bound while people decide, and no further', async () => {
    const run = await newRestore(on, archive);
    await planned(run, newer(41));
    await planned(run, newer(60));
    await expect(planned(run, newer(61))).rejects.toMatchObject({
      code: 'LossesBeyondPlan',
      message: expect.stringContaining('61 deployments instead of at most 60') as string,
    });
  });

  test('is one thing; another server than was approved is refused', async () => {
    const run = await newRestore(on, archive);
    await planned(run);
    await expect(
      planned(run, programWith({ showMasterKey: async () => new Secret('A'.repeat(22) + '==') })),
    ).rejects.toMatchObject({
      code: 'PlanChanged',
      message: expect.stringContaining('masterKey') as string,
    });
  });

  test('beyond the bound, when it is quiet, the approval is void and the server given back', async () => {
    let quietRun = '';
    const asked = restoreBySteps(on, archive, {
      hasSafety: false,
      before: {
        'load-database': () => work({ releaseCount: 40, now: new Date(Date.now() + 2 * 86_400_000) }),
        'count-losses': async (runId) => void (quietRun = runId),
      },
    });
    await expect(asked).rejects.toMatchObject({
      code: 'LossesBeyondPlan',
      message: expect.stringMatching(/releases instead of at most/) as string,
    });
    const run = (await readRun(on.world, quietRun))!;
    expect(await perform(returnTarget, { world: on.world, run })).toMatchObject({ how: 'untouched' });
    expect((await readLease(on.world, run.id))?.status).toBe('closed');
  });
});

describe('a run that fell silent', { timeout: 120_000 }, () => {
  test('over a server that is half exchanged: its worker puts it back, and the run reports that', async () => {
    const present = await contentOf(on);
    const run = await restoreBySteps(on, archive, { until: 'swap-folders', hasSafety: false });
    const stop = new AbortController();
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const later = { ...on.world.clock, now: () => new Date(Date.now() + 600_000), sleep: async () => stop.abort() };
    await keepLeases({ ...on.world, clock: later }, { signal: stop.signal, log });
    expect((await readLease(on.world, run.id))?.status).toBe('restored');
    expect(await contentOf(on)).toEqual(present);
    expect(await (await on.world.octopusApi('prod')).isInMaintenance()).toBe(false);
    expect(await perform(returnTarget, { world: on.world, run })).toMatchObject({ how: 'returned', notes: [] });
    expect(await readJournal(on.world, run.id)).toBeNull();
  });

  test('in the way back goes on with it, whatever it was that failed', async () => {
    const present = await contentOf(on);
    const run = await restoreBySteps(on, archive, { until: 'probe-server', hasSafety: false });
    const failing: Partial<World>[] = [
      programWith({ stopService: () => Promise.reject(new OctoError('OctopusProgramStalled', 'stop')) }),
      { sqlServer: () => Promise.reject(new OctoError('DatabaseUnreachable', 'gone')) },
      programWith({ startService: () => Promise.reject(new OctoError('OctopusProgramStalled', 'start')) }),
    ];
    for (const changes of failing)
      await expect(perform(returnTarget, { world: { ...on.world, ...changes }, run })).rejects.toThrow(
        /stop|gone|start/,
      );
    expect(await perform(returnTarget, { world: on.world, run })).toMatchObject({ how: 'returned' });
    expect(await contentOf(on)).toEqual(present);
  });

  test('after the point of no return: the restored server is given to its people', async () => {
    const run = await restoreBySteps(on, archive, { until: 'probe-server', hasSafety: false });
    const refusing = async (instance: string) => ({
      ...(await on.world.octopusApi(instance)),
      setDisabled: () => Promise.reject(new OctoError('OctopusUnavailable', 'no answer')),
    });
    await expect(perform(wakeServer, { world: { ...on.world, octopusApi: refusing }, run })).rejects.toThrow(
      'no answer',
    );
    expect((await readJournal(on.world, run.id))?.keptAt).not.toBeNull();
    expect(await perform(returnTarget, { world: on.world, run })).toMatchObject({ how: 'kept', notes: [] });
    const api = await on.world.octopusApi('prod');
    expect([await api.isInMaintenance(), (await api.nodes()).some(({ isDraining }) => isDraining)]).toEqual([
      false,
      false,
    ]);
    expect(await contentOf(on)).toMatchObject(before);
  });
});

describe('other restores', { timeout: 180_000 }, () => {
  test('onto a host whose key was rotated since: the archive brings its key along', async () => {
    const rotated = { directory: on.machine, instanceName: on.seeded.instanceName };
    const key = await on.world.octopusProgram('prod').showMasterKey();
    await rotateMasterKey(rotated);
    await work();
    const run = await restoreBySteps(on, archive);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], restore: { keyProof: { opened: 12, sampled: 12 } } });
    expect(await contentOf(on)).toMatchObject(before);
    expect((await on.world.octopusProgram('prod').showMasterKey()).equals(key)).toBe(true);
    const kept = await on.world.secretStore.list(secretNames.masterKeys('prod'));
    expect(kept.length).toBeGreaterThanOrEqual(2);
    const safety = await readManifest(on.world, { instance: 'prod', archiveId: run.archiveId! });
    expect(safety).toMatchObject({ archiveId: run.outcome?.restore?.safetyArchiveId, isSafety: true });
    expect(await readHold(on.world, safety!)).toMatchObject({ by: run.id });
    // Whoever says "latest" means none of what was overwritten.
    expect((await latestGood(on.world, 'prod'))?.archiveId).toBe(archive.archiveId);
    expect(await on.world.state.head(stateKeys.reader('prod', archive.archiveId!, run.id))).toBeNull();
    expect((await readLock(on.world, 'prod')).holder).toBeNull();
    expect(await readdir(on.share)).toEqual([]);
  });

  test('of the folders only leave the rows alone, of the database only the files', async () => {
    await work();
    const worked = await contentOf(on);
    const folders = await restoreBySteps(on, archive, { options: { only: 'folders' }, hasSafety: false });
    expect(folders.outcome).toMatchObject({ word: 'good', restore: { database: null, keyProof: null } });
    const half = await contentOf(on);
    expect(half.rows).toEqual(worked.rows);
    expect(half.files).toMatchObject(before.files);
    const database = await restoreBySteps(on, archive, { options: { only: 'database' }, hasSafety: false });
    expect(database.outcome).toMatchObject({ word: 'good', restore: { files: null } });
    expect(await contentOf(on)).toMatchObject(before);
  });

  test('onto a server that does not start: what it had is kept and named', async () => {
    await on.world.octopusProgram('prod').stopService();
    const run = await restoreBySteps(on, archive);
    const { outcome } = run;
    expect(outcome).toMatchObject({ word: 'good', restore: { safetyArchiveId: null } });
    const kept = outcome!.restore!.kept;
    expect(kept.filter((name) => name.startsWith('database '))).toHaveLength(1);
    expect(kept.filter((name) => name.startsWith('folder ')).length).toBeGreaterThan(2);
    for (const name of kept.filter((one) => one.startsWith('folder ')))
      expect((await readdir(name.slice('folder '.length))).length).toBeGreaterThanOrEqual(0);
    expect(outcome!.safeNow).toContain('kept on its host');
    expect(await contentOf(on)).toMatchObject(before);
  });
});
