/** What runs leave behind goes, also after `kill -9`; nothing goes that a run may still want. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import {
  asideDatabaseName,
  backupFileName,
  backupSetName,
  loadFileName,
  runIdOf,
  scratchDatabaseName,
} from '../../lib/domain/names.ts';
import type { Outcome, RunRecord } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { releaseLock, takeLock } from '../../lib/repository/lease/lock.ts';
import { endRun } from '../../lib/repository/run-book.ts';
import { writeSection } from '../../lib/repository/sections.ts';
import { archivePlace } from '../../lib/steps/parts/archive-place.ts';
import { step as storeDatabase } from '../../lib/steps/store-database.ts';
import { keepSwept } from '../../worker/host/sweeper.ts';
import { otherSections } from '../archive/fixtures.ts';
import { noise } from '../archive/trees.ts';
import { testClock } from '../clock.ts';
import { openStepWorld, perform, type StepWorld } from '../steps/step-world.ts';
import type { StepOrder } from './step-child.ts';
import { advanceUntil, memoryLog } from './support.ts';

const HOUR_MS = 3_600_000;

let on: StepWorld;
beforeAll(async () => {
  on = await openStepWorld({ dumpBytesPerSecond: 400_000 });
});
afterAll(async () => on.close());

let log: ReturnType<typeof memoryLog>;
beforeEach(() => {
  log = memoryLog();
});

/** One look, so much later than now. */
const look = async (laterMs = 0, changes: Partial<World> = {}): Promise<void> => {
  const stop = new AbortController();
  const clock = { now: () => new Date(Date.now() + laterMs), sleep: async () => stop.abort() };
  await keepSwept({ ...on.world, ...changes, clock }, { signal: stop.signal, log });
};

const FAILED: Outcome = { word: 'failed', gaps: [], notes: [], error: null, safeNow: '', doNext: '', backup: null };
const end = async (run: RunRecord): Promise<void> => {
  await releaseLock(on.world, run);
  await endRun(on.world, run.id, FAILED);
};

const fileOf = (run: { id: string }): string => join(on.share, backupFileName('prod', run.id));
const leave = (path: string, agoMs = 0): string => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'left behind');
  const written = new Date(Date.now() - agoMs);
  utimesSync(path, written, written);
  return path;
};

/** Starts the step in a process of its own; what is awaited before the kill is the test's. */
const begin = (step: string, { run, input }: { run: RunRecord; input: unknown }): ChildProcess => {
  const order: StepOrder = { step, input, run, root: dirname(on.share), connectionString: on.connectionString };
  return spawn(process.execPath, [join(import.meta.dirname, 'step-child.ts')], {
    env: { ...process.env, OCTO_STEP: JSON.stringify(order) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
};

const kill = async (child: ChildProcess): Promise<void> => {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  expect((await exit)[1]).toBe('SIGKILL');
};

describe('a dump on the share', () => {
  it('of a worker that was killed in it stays while its run goes on, and goes when it has ended', async () => {
    const run = await on.newRun({ hasLock: true });
    const sqlServer = await on.world.sqlServer('prod');
    const dump = { database: 'OctopusDeploy', name: backupSetName(run.id) };
    const child = begin('dump-database', { run, input: { consistency: 'online' } });
    while (!(await sqlServer.isBackingUp(dump))) await turn();
    await kill(child);
    while (await sqlServer.isBackingUp(dump)) await turn();
    expect(existsSync(fileOf(run))).toBe(true);

    await look(24 * HOUR_MS);
    expect(existsSync(fileOf(run))).toBe(true);
    await end(run);
    await look();
    expect(existsSync(fileOf(run))).toBe(false);
    expect(log.lines).toEqual([expect.stringContaining(run.id)]);
  });

  it('that SQL Server still writes for a run that has ended goes when it is done', async () => {
    const run = await on.newRun();
    await end(run);
    const sqlServer = await on.world.sqlServer('prod');
    const request = { database: 'OctopusDeploy', path: fileOf(run), name: backupSetName(run.id), isCompressed: false };
    const writing = sqlServer.backUp(request, {});
    while (!(await sqlServer.isBackingUp(request))) await turn();
    await look(24 * HOUR_MS);
    expect(existsSync(fileOf(run))).toBe(true);
    await writing;
    await look();
    expect(existsSync(fileOf(run))).toBe(false);
  });

  it('of a run that nobody knows goes when it is an hour old; what is not ours stays', async () => {
    const [young, old] = [runIdOf('young'), runIdOf('old')].map((id) => fileOf({ id })) as [string, string];
    leave(young, HOUR_MS / 2);
    leave(old, 2 * HOUR_MS);
    const others = ['nightly.bak', backupFileName('test', runIdOf('other'))].map((name) => join(on.share, name));
    for (const path of others) leave(path, 48 * HOUR_MS);
    await look();
    expect([young, old, ...others].map(existsSync)).toEqual([true, false, true, true]);
    await look(HOUR_MS);
    expect([young, ...others].map(existsSync)).toEqual([false, true, true]);
  });

  it('stays while nobody can say whether it is wanted, and the log says so', async () => {
    const run = await on.newRun();
    await end(run);
    leave(fileOf(run));
    const away = async () => {
      throw new OctoError('DatabaseUnreachable', 'no answer');
    };
    await look(0, { sqlServer: away });
    expect(existsSync(fileOf(run))).toBe(true);
    expect(log.lines).toContainEqual(expect.stringMatching(`could not be removed.*${run.id}.*DatabaseUnreachable`));
    await look();
    expect(existsSync(fileOf(run))).toBe(false);
  });
});

describe('a restored copy in SQL Server', () => {
  const named = async (): Promise<string[]> =>
    (await (await on.world.sqlServer('prod')).databases('octo_')).map(({ name }) => name);
  /** Databases under these names, as restores leave them. */
  const restoredAs = async (...names: string[]): Promise<void> => {
    const sqlServer = await on.world.sqlServer('prod');
    const path = join(on.share, 'any.bak');
    await sqlServer.backUp({ database: 'OctopusDeploy', path, name: 'any', isCompressed: false }, {});
    for (const database of names) await sqlServer.restore({ path, database, name: 'any load' }, {});
    rmSync(path);
  };

  it('goes with its file when its run has ended, and stays before', async () => {
    const run = await on.newRun({ hasLock: true });
    const file = leave(join(on.share, loadFileName('prod', run.id)));
    await restoredAs(scratchDatabaseName(run.id));
    await look(24 * HOUR_MS);
    expect(await named()).toEqual([scratchDatabaseName(run.id)]);
    expect(existsSync(file)).toBe(true);
    await end(run);
    await look();
    expect(await named()).toEqual([]);
    expect(existsSync(file)).toBe(false);
    for (const gone of [`database ${scratchDatabaseName(run.id)}`, file])
      expect(log.lines).toContainEqual(expect.stringMatching(`removed what a run had left behind.*${gone}`));
  });

  it('of a run that nobody knows stays, and so does what a restore has put aside', async () => {
    const run = await on.newRun();
    await end(run);
    const unknown = runIdOf('of another installation');
    const kept = [scratchDatabaseName(unknown), asideDatabaseName('octo_deploy', run.id)].toSorted();
    await restoredAs(...kept);
    const young = leave(join(on.share, loadFileName('prod', unknown)), HOUR_MS / 2);
    await look();
    expect(await named()).toEqual(kept);
    expect(existsSync(young)).toBe(true);
    await look(HOUR_MS);
    expect(existsSync(young)).toBe(false);
    for (const name of kept) await (await on.world.sqlServer('prod')).drop(name);
  });
});

describe('on the disk of the host', () => {
  const tables = (): string[] => {
    const folder = join(on.world.hostDirectory, 'archive/prod');
    return readdirSync(folder).filter((name) => name.endsWith('.sqlite'));
  };
  const dumped = async (bytes: number): Promise<RunRecord> => {
    const run = await on.newRun();
    await takeLock(on.world, run);
    writeFileSync(fileOf(run), noise(bytes, bytes));
    await writeSection(on.world, archivePlace(run), { name: 'dump', section: otherSections(bytes).dump });
    return run;
  };

  it('the page table of a killed worker goes an hour after its run; that of the last dump stays', async () => {
    const good = await dumped(100_000);
    await perform(storeDatabase, { world: on.world, run: good, input: { instance: 'prod' } });
    await end(good);
    const [present] = tables();

    const run = await dumped(9_000_000);
    const child = begin('store-database', { run, input: { instance: 'prod' } });
    await once(child.stdout!, 'data');
    await kill(child);
    expect(tables()).toHaveLength(2);

    await look(24 * HOUR_MS);
    expect(tables()).toHaveLength(2);
    expect(existsSync(fileOf(run))).toBe(true);
    await end(run);
    await look();
    expect(existsSync(fileOf(run))).toBe(false);
    expect(tables()).toHaveLength(2);
    await look(2 * HOUR_MS);
    expect(tables()).toEqual([present]);
  });

  it('half-written records go when they are an hour old, whole ones stay', async () => {
    const at = (name: string) => join(on.world.hostDirectory, name);
    const young = leave(at('tasks/prod-1/a.json.1.tmp'), HOUR_MS / 2);
    const old = leave(at('tasks/prod-1/b.json.2.tmp'), 2 * HOUR_MS);
    const lease = leave(at('leases/run_00000000.json.1.tmp'), 2 * HOUR_MS);
    const whole = leave(at('tasks/prod-1/b.json'), 2 * HOUR_MS);
    await look();
    expect([young, old, lease, whole].map(existsSync)).toEqual([true, false, false, true]);
  });
});

it('looks at once, and again every hour', async () => {
  const clock = testClock(new Date());
  const stop = new AbortController();
  const run = await on.newRun();
  await end(run);
  leave(fileOf(run));
  const done = keepSwept({ ...on.world, clock }, { signal: stop.signal, log });
  await expect.poll(() => clock.sleeping()).toBe(1);
  expect(existsSync(fileOf(run))).toBe(false);
  leave(fileOf(run));
  await clock.advance(HOUR_MS - 1000);
  expect(existsSync(fileOf(run))).toBe(true);
  await advanceUntil(clock, () => expect(existsSync(fileOf(run))).toBe(false));
  stop.abort();
  await done;
});
