/** Every precondition, against real stand-ins: all well on a sound installation, and each fault found, named and given an act. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { checkInstance, type Finding } from '../../lib/checks/index.ts';
import { compose } from '../../lib/compose.ts';
import { type Config, type InstanceConfig, readConfig } from '../../lib/config.ts';
import { type StandIns, startStandIns } from '../../sandbox/stand-ins.ts';

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

const check = async (change: (prod: InstanceConfig) => InstanceConfig = (prod) => prod, environment = {}) => {
  const config = readConfig(standIns.configFile);
  const changed: Config = { ...config, instances: { prod: change(config.instances['prod']!) } };
  const { world, close } = await compose({
    config: changed,
    environment,
    clock: systemClock,
    cloudStep: () => Promise.reject(new Error('nothing runs here')),
  });
  const findings = await checkInstance(world, 'prod');
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
  });

  it('finds an API key that may only look', async () => {
    const findings = await check((prod) => ({ ...prod, apiKey: 'env:KEY' }), { KEY: standIns.seeded.readerApiKey });
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

  it('finds a refused login', async () => {
    standIns.sqlServer.faults.isLoginRefused = true;
    const found = failures(await check());
    standIns.sqlServer.faults.isLoginRefused = false;
    expect(found).toContainEqual(expect.stringMatching(/^SQL Server: .*\(Database\w+\)/));
  });
});
