/** Every precondition, against real stand-ins: all well on a sound installation, and each fault found, named and given an act. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { checkInstance, type Finding } from '../../lib/checks/index.ts';
import { compose } from '../../lib/compose.ts';
import { type Config, type InstanceConfig, readConfig } from '../../lib/config.ts';
import { archiveIdOf } from '../../lib/domain/names.ts';
import type { Clock } from '../../lib/ports/clock.ts';
import type { SqlServer } from '../../lib/ports/sql-server.ts';
import type { World } from '../../lib/ports/world.ts';
import { writeManifest } from '../../lib/repository/archives.ts';
import { type StandIns, startStandIns } from '../../sandbox/stand-ins.ts';
import { manifestOf } from '../archive/fixtures.ts';

let directory: string;
let standIns: StandIns;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'octo-checks-'));
  standIns = await startStandIns({ directory, seed: 'checks', sizeMegabytes: 1, port: 0 });
});
afterAll(async () => {
  await standIns.close();
  rmSync(directory, { recursive: true, force: true });
});

const composed = (clock: Clock, { config = readConfig(standIns.configFile), environment = {} } = {}) =>
  compose({
    config,
    environment,
    clock,
    cloudStep: () => Promise.reject(new Error('nothing runs here')),
  });

const filesOnShare = () => readdir(readConfig(standIns.configFile).instances['prod']!.database.share.workerPath);

type Asked = { environment?: NodeJS.ProcessEnv; clock?: Clock; seen?: (world: World) => World };

const check = async (
  change: (prod: InstanceConfig) => InstanceConfig = (prod) => prod,
  { environment = {}, clock = systemClock, seen = (world) => world }: Asked = {},
) => {
  const config = readConfig(standIns.configFile);
  const changed: Config = { ...config, instances: { prod: change(config.instances['prod']!) } };
  const { world, close } = await composed(clock, { config: changed, environment });
  const findings = await checkInstance(seen(world), 'prod');
  await close();
  return findings;
};

const failures = (findings: Finding[]): string[] =>
  findings.filter(({ verdict }) => verdict === 'FAIL').map(({ subject, text, act }) => `${subject}: ${text} | ${act}`);

describe('checkInstance', () => {
  it('finds a sound installation ready', async () => {
    const findings = await check();
    expect(failures(findings)).toEqual([]);
    expect(findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['Octopus API', 'API key rights', 'master key', 'SQL rights', 'share', 'secret store']),
    );
    const told = Object.fromEntries(findings.map(({ subject, verdict, text }) => [subject, `${verdict} ${text}`]));
    expect(told['SQL Server on the share']).toMatch(/^OK writes to .*, the worker reads it$/);
    expect(told['clock']).toBe('OK agrees with that of SQL Server');
    expect(told['room for archives']).toMatch(/^OK \d+\.\d GB free, the newest archive added 0\.0 GB$/);
    expect(await filesOnShare()).toEqual([]);
  });

  it('finds an API key that may only look', async () => {
    const findings = await check((prod) => ({ ...prod, apiKey: 'env:KEY' }), {
      environment: { KEY: standIns.seeded.readerApiKey },
    });
    expect(failures(findings)).toContainEqual(expect.stringMatching(/^API key rights: lacks AdministerSystem \| Give/));
  });

  it('finds a missing program, a missing share and a wrong database, all at once', async () => {
    const nowhere = join(directory, 'nowhere');
    const found = failures(
      await check((prod) => ({
        ...prod,
        hosts: prod.hosts.map((host) => ({ ...host, program: { ...host.program, path: nowhere } })),
        database: { ...prod.database, name: 'Elsewhere', share: { ...prod.database.share, workerPath: nowhere } },
      })),
    );
    expect(found).toContainEqual(expect.stringMatching(/^Octopus\.Server program: .*OctopusProgramMissing/));
    expect(found).toContainEqual(expect.stringMatching(/^share: /));
    expect(found).toContainEqual(expect.stringMatching(/^database: there is no "Elsewhere" \| Correct database\.name/));
  });

  it('finds a share that SQL Server may not write to, and one that is not the folder it writes to', async () => {
    standIns.sqlServer.faults.isFolderDenied = true;
    const denied = failures(await check());
    standIns.sqlServer.faults.isFolderDenied = false;
    expect(denied).toEqual([expect.stringMatching(/^SQL Server on the share: .*\(BackupFolderDenied\)/)]);

    const sqlServerPath = mkdtempSync(join(directory, 'other-'));
    const found = failures(
      await check((prod) => ({
        ...prod,
        database: { ...prod.database, share: { ...prod.database.share, sqlServerPath } },
      })),
    );
    expect(found).toEqual([expect.stringMatching(/^SQL Server on the share: wrote .*octo-check-prod\.bak, but the/)]);
  });

  it('says what it could not try: the login may not back model up', async () => {
    const withoutModel = (world: World): World => ({
      ...world,
      sqlServer: async (instance) => {
        const sqlServer = await world.sqlServer(instance);
        const rights: SqlServer['rights'] = async (database) =>
          database === 'model'
            ? { ...(await sqlServer.rights(database)), canBackUp: false }
            : sqlServer.rights(database);
        return { ...sqlServer, rights };
      },
    });
    const findings = await check(undefined, { seen: withoutModel });
    expect(findings.find(({ subject }) => subject === 'SQL Server on the share')).toMatchObject({
      verdict: 'WARN',
      text: 'not tried: the login may not back up "model"',
    });
  });

  it('warns of a clock that is not SQL Server’s, and of a store that lacks room for another archive', async () => {
    const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + 300_000) };
    const full = (world: World): World => ({ ...world, archives: { ...world.archives, freeBytes: async () => 5 } });
    const { world, close } = await composed(clock);
    await writeManifest(
      world,
      manifestOf({
        archiveId: archiveIdOf({ id: 'run_7F3K9Q2M', requestedAt: new Date().toISOString() }),
        word: 'good',
      }),
    );
    await close();
    const warned = (await check(undefined, { clock, seen: full })).filter(({ verdict }) => verdict === 'WARN');
    expect(warned).toContainEqual(
      expect.objectContaining({ subject: 'clock', text: expect.stringMatching(/^\d{3} s apart/) as string }),
    );
    expect(warned).toContainEqual(
      expect.objectContaining({ subject: 'room for archives', text: '0.0 GB free, the newest archive added 0.0 GB' }),
    );
  });

  it('finds a refused login', async () => {
    standIns.sqlServer.faults.isLoginRefused = true;
    const found = failures(await check());
    standIns.sqlServer.faults.isLoginRefused = false;
    expect(found).toContainEqual(expect.stringMatching(/^SQL Server: .*\(Database\w+\)/));
  });
});
