/** The archive's database brought in beside, proven and put to sleep: on stand-ins, repeated, failed and killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, truncateSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { loadFileName, loadSessionName, scratchDatabaseName } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { SqlServer } from '../../lib/ports/sql-server.ts';
import type { World } from '../../lib/ports/world.ts';
import { readJournal } from '../../lib/repository/restore-journal.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { discardScratch } from '../../lib/steps/parts/scratch-database.ts';
import { noFaults } from '../../sandbox/sql-server/instance.ts';
import type { StepOrder } from '../worker/step-child.ts';
import { openRestore, type Restoring } from './restore-world.ts';
import { openStepWorld, type StepWorld } from './step-world.ts';

let on: StepWorld;
let restoring: Restoring;
let sqlServer: SqlServer;
let run: RunRecord;
beforeAll(async () => {
  on = await openStepWorld();
  restoring = await openRestore(on);
  sqlServer = await on.world.sqlServer('prod');
});
afterEach(async () => {
  Object.assign(on.sqlServer.faults, noFaults());
  await discardScratch(on.world, run);
});
afterAll(async () => on.close());

const newRestore = async (wish?: Parameters<Restoring['newRestore']>[0]): Promise<RunRecord> => {
  run = await restoring.newRestore(wish);
  return run;
};
const scratch = async () => sqlServer.database(scratchDatabaseName(run.id));
const loadFile = (): string => join(on.share, loadFileName('prod', run.id));
const journal = async () => (await readJournal(on.world, run.id))!;

/** The world, with SQL Server watched or answered by the test. */
const withSqlServer = (change: (real: SqlServer) => Partial<SqlServer>): World => ({
  ...on.world,
  sqlServer: async () => ({ ...sqlServer, ...change(sqlServer) }),
});

describe('a database that is brought in', () => {
  test('is a copy beside, proven, asleep, and known to the journal', async () => {
    const before = (await sqlServer.database('OctopusDeploy'))!;
    const texts: string[] = [];
    const beat = async ({ text = '' } = {}) => void texts.push(text);
    const loaded = await restoring.load(await newRestore(), { beat });
    expect(loaded).toMatchObject({ keyProof: { opened: 12, sampled: 12 }, isChecked: true, gaps: [] });
    const { counts } = restoring.manifest.dump;
    expect(loaded.tables).toBe(Object.keys(counts).length);
    expect(texts).toContain('comparing the rows of the copy with the archive');

    expect(await sqlServer.database('OctopusDeploy')).toMatchObject({ guid: before.guid, state: 'ONLINE' });
    const { database, asleep } = await journal();
    expect(database).toMatchObject({ guid: before.guid, restoredGuid: (await scratch())!.guid });
    expect(asleep!.sleepers.length).toBeGreaterThan(0);
    expect(asleep!.unfinishedTasks.length).toBeGreaterThan(0);
    const copy = await on.world.restoredDatabase('prod', scratchDatabaseName(run.id));
    expect(await copy.awake()).toMatchObject({ sleepers: [], isInMaintenance: true });
    await copy.close();
    expect(existsSync(loadFile())).toBe(false);
  });

  test('twice is once: the same copy, the same sleepers', async () => {
    const first = await restoring.load(await newRestore());
    const [{ guid }, noted] = [(await scratch())!, await journal()];
    let restores = 0;
    const world = withSqlServer((real) => ({
      restore: (...given) => {
        restores += 1;
        return real.restore(...given);
      },
    }));
    expect(await restoring.load(run, { world })).toEqual(first);
    expect(restores).toBe(0);
    expect((await scratch())!.guid).toBe(guid);
    expect(await journal()).toEqual(noted);
  });

  test('has the bot’s keys of today, owner and switches of the present one', async () => {
    await sqlServer.configure('OctopusDeploy', { owner: 'sa', isTrustworthy: true, isBrokerEnabled: true });
    await restoring.load(await newRestore());
    expect(await scratch()).toMatchObject({ owner: 'sa', isTrustworthy: true, isBrokerEnabled: true });
    await sqlServer.configure('OctopusDeploy', { owner: 'octo', isTrustworthy: false, isBrokerEnabled: false });
  });

  test('in quarantine wakes nothing ever, and says what was done item by item', async () => {
    const instance = { ...on.world.instance('prod'), isProduction: false };
    const world = { ...on.world, instance: () => instance };
    run = await restoring.newRestore({ as: 'quarantine' }, world);
    const { notes } = await restoring.load(run);
    expect(notes).toContainEqual(expect.stringMatching(/^quarantine: Machine disabled \(\d+\)$/));
    // It ends with the restore, so it is no part of what makes the copy harmless.
    expect(notes.join('\n')).not.toContain('maintenance mode');
    expect((await journal()).asleep).toEqual({ sleepers: [], unfinishedTasks: [] });
    expect((await restoring.load(run)).notes).toEqual(notes);
  });

  test('is not looked through where the settings say so, and says that', async () => {
    await changeSettings(on.world, 'prod', (settings) => ({ ...settings, isRestoreChecked: false }));
    const loaded = await restoring.load(await newRestore());
    expect(loaded).toMatchObject({ isChecked: false });
    expect(loaded.notes).toContainEqual(expect.stringContaining('CHECKDB'));
    await changeSettings(on.world, 'prod', (settings) => ({ ...settings, isRestoreChecked: true }));
  });
});

describe('a copy that is not what the archive promises', () => {
  const rejected = async (world: World = on.world): Promise<unknown> =>
    restoring.load(await newRestore(), { world }).catch((thrown: unknown) => thrown);

  /** The copy's content as the test wants it. */
  const withContent = (change: object): World => ({
    ...on.world,
    octopusDatabase: async (...given) => ({ ...(await on.world.octopusDatabase(...given)), ...change }),
  });

  test('lacks rows', async () => {
    const counts = { ...restoring.manifest.dump.counts, Project: 3 };
    expect(await rejected(withContent({ counts: async () => counts }))).toMatchObject({
      code: 'RestoredCopyDiffers',
      facts: { tables: ['Project'] },
    });
    expect((await journal()).database).toMatchObject({ restoredGuid: null, proof: null });
  });

  test('is not opened by the key', async () => {
    const other = await on.world.octopusDatabase('prod');
    const values = (await other.encryptedValues(12)).map((value) => ({
      ...value,
      cipherText: { reveal: () => `${'A'.repeat(43)}=|${'A'.repeat(22)}==` },
    }));
    expect(await rejected(withContent({ encryptedValues: async () => values }))).toMatchObject({
      code: 'KeyDoesNotOpenData',
    });
  });

  test('has damaged pages', async () => {
    on.sqlServer.faults.corruptPrefix = 'octo_run_';
    expect(await rejected()).toMatchObject({ code: 'RestoredCopyDamaged' });
  });

  test('is another backup than the archive’s', async () => {
    const world = withSqlServer((real) => ({
      readHeader: async (path) => ({ ...(await real.readHeader(path)), name: 'octo-run_OTHER' }),
    }));
    expect(await rejected(world)).toMatchObject({ code: 'DumpNotTrusted' });
    expect(await scratch()).toBeNull();
  });

  test('has no room', async () => {
    const world = withSqlServer(() => ({ freeBytes: async () => ({ data: 1000, log: null }) }));
    expect(await rejected(world)).toMatchObject({
      code: 'RestoreRoomMissing',
      facts: { kind: 'data', freeBytes: 1000 },
    });
    expect(await scratch()).toBeNull();
  });
});

describe('what an earlier attempt left', () => {
  test('a broken-off restore is gone over', async () => {
    on.sqlServer.faults.dropAtPercent = 50;
    await expect(restoring.load(await newRestore())).rejects.toMatchObject({ code: 'DatabaseConnectionLost' });
    expect(await scratch()).toMatchObject({ state: 'RESTORING' });
    on.sqlServer.faults.dropAtPercent = null;
    await expect
      .poll(
        () =>
          restoring.load(run).then(
            () => 'done',
            () => 'busy',
          ),
        { timeout: 30_000 },
      )
      .toBe('done');
  });

  test('a dump on the share that is whole is not fetched again; one that is not, is', async () => {
    let reads = 0;
    const counting: World = {
      ...on.world,
      archives: {
        ...on.world.archives,
        read: (key, ...options) => {
          if (key.includes('/database/')) reads += 1;
          return on.world.archives.read(key, ...options);
        },
      },
    };
    on.sqlServer.faults.killAtPercent = 1;
    await expect(restoring.load(await newRestore(), { world: counting })).rejects.toMatchObject({
      code: 'BackupStopped',
    });
    expect(reads).toBeGreaterThan(0);
    const first = reads;
    await expect(restoring.load(run, { world: counting })).rejects.toMatchObject({ code: 'BackupStopped' });
    expect(reads).toBe(first);
    // SQL Server reads it under another account than the worker's.
    expect(statSync(loadFile()).mode & 0o777).toBe(0o644);
    truncateSync(loadFile(), 100_000);
    on.sqlServer.faults.killAtPercent = null;
    await restoring.load(run, { world: counting });
    expect(reads).toBe(first * 2);
  });

  test('a restore that still runs is awaited, then taken as it is', async () => {
    await newRestore();
    on.sqlServer.faults.stallAtPercent = 60;
    const stop = new AbortController();
    const earlier = restoring.load(run, { signal: stop.signal }).catch((thrown: unknown) => thrown);
    while (!(await sqlServer.isRestoring({ name: loadSessionName(run.id) }))) await turn();
    const texts = new Set<string>();
    const beat = async ({ text = '' } = {}) => {
      texts.add(text);
      on.sqlServer.faults.stallAtPercent = null;
    };
    await restoring.load(run, { beat });
    await earlier;
    expect(texts).toContain('waiting for the restore that an earlier attempt began');
  });

  test('a worker that was killed in it: the next attempt goes on', { timeout: 60_000 }, async () => {
    await newRestore();
    on.sqlServer.faults.stallAtPercent = 50;
    const order: StepOrder = {
      step: 'load-database',
      input: {},
      run,
      root: dirname(on.share),
      connectionString: on.connectionString,
    };
    const child = spawn(process.execPath, [join(import.meta.dirname, '../worker/step-child.ts')], {
      env: { ...process.env, OCTO_STEP: JSON.stringify(order) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    while (!(await sqlServer.isRestoring({ name: loadSessionName(run.id) }))) await turn();
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect(await scratch()).toMatchObject({ state: 'RESTORING' });
    on.sqlServer.faults.stallAtPercent = null;
    await expect
      .poll(
        () =>
          restoring.load(run).then(
            () => 'done',
            () => 'busy',
          ),
        { timeout: 30_000 },
      )
      .toBe('done');
    expect(existsSync(loadFile())).toBe(false);
  });

  test('is gone when the run is: copy and file', async () => {
    on.sqlServer.faults.killAtPercent = 50;
    await expect(restoring.load(await newRestore())).rejects.toMatchObject({ code: 'BackupStopped' });
    expect(existsSync(loadFile())).toBe(true);
    await discardScratch(on.world, run);
    await discardScratch(on.world, run);
    expect(existsSync(loadFile())).toBe(false);
    expect(await scratch()).toBeNull();
    await rm(loadFile(), { force: true });
  });
});
