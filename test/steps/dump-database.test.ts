import { copyFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import { backupFileName, backupSetName, runIdOf } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { SqlServer } from '../../lib/ports/sql-server.ts';
import type { World } from '../../lib/ports/world.ts';
import { requireSection } from '../../lib/repository/sections.ts';
import { archivePlace } from '../../lib/steps/parts/archive-place.ts';
import { step as dumpDatabase } from '../../lib/steps/dump-database.ts';
import { step as saveKeys } from '../../lib/steps/save-keys.ts';
import type { StepContext } from '../../lib/steps/step.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

type Dumped = { consistency: string; fileBytes: number; gaps: string[] };

let on: StepWorld;
beforeAll(async () => {
  on = await openStepWorld();
});
afterEach(() => {
  Object.assign(on.sqlServer.faults, {
    diskFullAtPercent: null,
    dropAtPercent: null,
  });
});
afterAll(async () => on.close());

const fileOf = (run: RunRecord): string => join(on.share, backupFileName('prod', run.id));
const runWithKeys = async (): Promise<RunRecord> => {
  const run = await on.newRun();
  await perform(saveKeys, { world: on.world, run });
  return run;
};
const dump = (
  run: RunRecord,
  {
    world = on.world,
    consistency = 'online',
    ...context
  }: Partial<StepContext> & { world?: World; consistency?: string } = {},
) => perform<Dumped>(dumpDatabase, { world, run, input: { consistency }, ...context });

/** The world, with SQL Server watched or answered by the test. */
const withSqlServer = async (change: (real: SqlServer) => Partial<SqlServer>): Promise<World> => {
  const real = await on.world.sqlServer('prod');
  return { ...on.world, sqlServer: async () => ({ ...real, ...change(real) }) };
};

describe('a dump', () => {
  test('is a file on the share, described in the archive', async () => {
    const run = await runWithKeys();
    const progress: number[] = [];
    const beat = async (at: { percent?: number } = {}) => void progress.push(at.percent ?? -1);
    const dumped = await dump(run, { beat });
    expect(dumped).toEqual({ consistency: 'online', fileBytes: (await stat(fileOf(run))).size, gaps: [] });
    expect(Math.max(...progress)).toBe(100);

    const section = await requireSection(on.world, archivePlace(run), 'dump');
    expect(section).toMatchObject({
      database: 'OctopusDeploy',
      backupSetName: backupSetName(run.id),
      fileBytes: dumped.fileBytes,
    });
    expect(section.counts['Project']).toBeGreaterThan(0);
    expect(section.schema.scriptCount).toBeGreaterThan(0);
  });

  test('made twice is made once', async () => {
    const run = await runWithKeys();
    const first = await dump(run);
    const { mtimeMs } = await stat(fileOf(run));
    expect(await dump(run)).toEqual(first);
    expect((await stat(fileOf(run))).mtimeMs).toBe(mtimeMs);
  });

  test('asked for as quiet, but not quiet at its end, is called online and a gap', async () => {
    const run = await runWithKeys();
    expect(await dump(run, { consistency: 'quiesced' })).toMatchObject({
      consistency: 'online',
      gaps: ['Octopus was at work again before the dump had ended'],
    });
  });

  test('is quiesced while the server is quiet', async () => {
    const api = await on.world.octopusApi('prod');
    const world: World = {
      ...on.world,
      octopusApi: async () => ({
        ...api,
        isInMaintenance: async () => true,
        nodes: async () => [],
        activeTasks: async () => [],
      }),
    };
    expect(await dump(await runWithKeys(), { world, consistency: 'quiesced' })).toMatchObject({
      consistency: 'quiesced',
      gaps: [],
    });
  });
});

describe('what an earlier attempt left', () => {
  test('finished work is taken as it is', async () => {
    const run = await runWithKeys();
    const real = await on.world.sqlServer('prod');
    const request = { database: 'OctopusDeploy', path: fileOf(run), name: backupSetName(run.id), isCompressed: false };
    await real.backUp(request, {});
    let backups = 0;
    const world = await withSqlServer((real) => ({
      backUp: (...given) => {
        backups += 1;
        return real.backUp(...given);
      },
    }));
    await dump(run, { world });
    expect(backups).toBe(0);
  });

  test('a dead piece, or a file of something else, is made anew', async () => {
    for (const leave of [
      async (path: string) => writeFile(path, 'TAPE'),
      async (path: string, run: RunRecord) => {
        const real = await on.world.sqlServer('prod');
        await real.backUp({ database: 'OctopusDeploy', path, name: backupSetName(run.id), isCompressed: false }, {});
        await truncate(path, (await stat(path)).size - 70_000);
      },
      async (path: string) => {
        const other = await runWithKeys();
        await dump(other);
        await copyFile(fileOf(other), path);
      },
    ]) {
      const run = await runWithKeys();
      await leave(fileOf(run), run);
      await dump(run);
      const header = await (await on.world.sqlServer('prod')).readHeader(fileOf(run));
      expect(header.name).toBe(backupSetName(run.id));
    }
  });

  test('running work is awaited, then taken as it is', async () => {
    const slow = await openStepWorld({ dumpBytesPerSecond: 1_000_000 });
    try {
      const run = await slow.newRun();
      await perform(saveKeys, { world: slow.world, run });
      const real = await slow.world.sqlServer('prod');
      const path = join(slow.share, backupFileName('prod', run.id));
      const request = { database: 'OctopusDeploy', path, name: backupSetName(run.id), isCompressed: false };
      const earlier = real.backUp(request, {});
      while (!(await real.isBackingUp(request))) await turn();

      const texts = new Set<string>();
      const beat = async ({ text = '' } = {}) => void texts.add(text);
      await perform(dumpDatabase, { world: slow.world, run, input: { consistency: 'online' }, beat });
      await earlier;
      expect([...texts]).toEqual(['waiting for the dump that an earlier attempt began']);
    } finally {
      await slow.close();
    }
  });

  test('files of earlier runs go, other files stay', async () => {
    const old = join(on.share, backupFileName('prod', runIdOf('long ago')));
    const others = [join(on.share, backupFileName('test', runIdOf('another'))), join(on.share, 'nightly.bak')];
    await Promise.all([old, ...others].map((path) => writeFile(path, 'x')));
    await dump(await runWithKeys());
    const names = await readdir(on.share);
    expect(names.map((name) => join(on.share, name))).toEqual(expect.arrayContaining(others));
    expect(names).not.toContain(backupFileName('prod', runIdOf('long ago')));
  });
});

describe('a dump that fails', () => {
  test('with a full disk: the code says so, and nothing stays behind', async () => {
    on.sqlServer.faults.diskFullAtPercent = 40;
    const run = await runWithKeys();
    await expect(dump(run)).rejects.toMatchObject({ code: 'DatabaseDiskFull' });
    await expect(stat(fileOf(run))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('with its connection: the next attempt makes it', async () => {
    on.sqlServer.faults.dropAtPercent = 50;
    const run = await runWithKeys();
    const lost = await dump(run).then(
      () => null,
      (thrown: unknown) => thrown as OctoError,
    );
    expect(lost).toMatchObject({ canRetry: true });
    on.sqlServer.faults.dropAtPercent = null;
    expect(await dump(run, { attempt: 1 })).toMatchObject({ gaps: [] });
  });

  test('where the worker does not look: the two paths are named', async () => {
    const run = await runWithKeys();
    const instance = on.world.instance('prod');
    const share = { ...instance.database.share, workerPath: join(on.share, 'elsewhere') };
    const world: World = { ...on.world, instance: () => ({ ...instance, database: { ...instance.database, share } }) };
    await expect(dump(run, { world })).rejects.toMatchObject({ code: 'DumpMissing' });
  });

  test('because the run was cancelled: SQL Server is stopped, and the reason is told', async () => {
    const run = await runWithKeys();
    const beat = async ({ percent = 0 } = {}) => {
      if (percent > 10) throw new OctoError('Cancelled', 'stopped by ana');
    };
    await expect(dump(run, { beat })).rejects.toMatchObject({ code: 'Cancelled' });
    expect(
      await (await on.world.sqlServer('prod')).isBackingUp({ database: 'OctopusDeploy', name: backupSetName(run.id) }),
    ).toBe(false);
  });
});
