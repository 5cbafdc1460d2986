import { rename, rm, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OctoError } from '../../lib/domain/errors.ts';
import { archiveKeys } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { octopusHttp } from '../../lib/adapters/octopus.http.ts';
import type { World } from '../../lib/ports/world.ts';
import { readPlan } from '../../lib/repository/approvals.ts';
import { releaseLock } from '../../lib/repository/lease/lock.ts';
import { readSection, requireSection } from '../../lib/repository/sections.ts';
import { archivePlace } from '../../lib/steps/parts/archive-place.ts';
import { step as planRun } from '../../lib/steps/plan-run.ts';
import { setProgramFaults } from '../../sandbox/octopus/program/faults.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

let on: StepWorld;
beforeAll(async () => {
  on = await openStepWorld();
});
afterAll(async () => on.close());

const plan = async (world: World = on.world, consistency = 'quiesced') =>
  perform<{ notes: string[] }>(planRun, { world, run: await on.newRun(), input: { consistency } });

const refusalOf = async (world: World = on.world): Promise<string> => {
  const thrown = await plan(world).then(
    () => null,
    (error: OctoError) => error,
  );
  expect(thrown?.code).toBe('PlanRefused');
  return thrown!.message;
};

describe('a plan that can succeed', () => {
  test('changes nothing, and leaves the server as it was found', async () => {
    const run = await on.newRun();
    const output = await perform(planRun, { world: on.world, run, input: { consistency: 'quiesced' } });
    expect(output).toEqual({ tolerance: { shrinkPercent: 10, growthPercent: 100 }, notes: [] });
    const source = await requireSection(on.world, archivePlace(run), 'source');
    expect(source).toMatchObject({ octopusVersion: '2024.4.7106', isInMaintenance: false });
    expect(source.nodes).toEqual([{ name: 'prod-1', version: '2024.4.7106', isDraining: false }]);
    const host = await on.world.archives.read(archiveKeys.file('prod', run.archiveId!, 'host.json'));
    expect(JSON.parse(host!.bytes.toString())).toMatchObject({
      host: 'prod-1',
      program: { instanceName: 'OctopusServer' },
    });
    expect(host!.bytes.toString()).not.toMatch(/Password=/i);
    const api = await on.world.octopusApi('prod');
    expect(await api.isInMaintenance()).toBe(false);
    // Again is the same.
    expect(await perform(planRun, { world: on.world, run, input: { consistency: 'quiesced' } })).toEqual(output);
  });

  test('says that maintenance mode was on already', async () => {
    const api = await on.world.octopusApi('prod');
    await api.setMaintenance(true);
    expect((await plan()).notes).toEqual(['maintenance mode was on already and stays on']);
    await api.setMaintenance(false);
  });
});

describe('the plan that an approver sees', () => {
  const input = { consistency: 'quiesced', isLast: false };

  test('is frozen before the run waits, and the server is described only after', async () => {
    const run = await on.newRun();
    expect(await perform(planRun, { world: on.world, run, input })).toMatchObject({ notes: [] });
    expect(await readPlan(on.world, run.id)).toMatchObject({
      run: run.id,
      octopus: { version: '2024.4.7106' },
      database: 'OctopusDeploy',
      destination: `prod/archives/${run.archiveId}/`,
      masterKeyFingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      folders: expect.arrayContaining([{ name: 'packages', path: join(on.seeded.home, 'Packages') }]) as unknown[],
    });
    expect(await readSection(on.world, archivePlace(run), 'source')).toBeNull();
    await perform(planRun, { world: on.world, run, input: { ...input, isLast: true } });
    expect(await readSection(on.world, archivePlace(run), 'source')).not.toBeNull();
  });

  test('is kept to: a server that is no longer as it says is refused', async () => {
    const run = await on.newRun();
    await perform(planRun, { world: on.world, run, input });
    const instance = on.world.instance('prod');
    const extraFolders = [{ name: 'secrets', path: on.share }];
    const world: World = { ...on.world, instance: () => ({ ...instance, extraFolders }) };
    await expect(perform(planRun, { world, run, input: { ...input, isLast: true } })).rejects.toMatchObject({
      code: 'PlanChanged',
      facts: { changed: ['folders'] },
    });
    expect(await readSection(on.world, archivePlace(run), 'source')).toBeNull();
  });
});

describe('refusals', () => {
  test('all at once', async () => {
    setProgramFaults(on.machine, { isKeyUnreadable: true });
    await rename(on.share, `${on.share}-away`);
    const packages = join(on.seeded.home, 'Packages');
    await rename(packages, `${packages}-away`);
    try {
      const message = await refusalOf();
      expect(message).toContain('MasterKeyUnreadable');
      expect(message).toContain(`the share ${on.share} cannot be used by the worker (ENOENT)`);
      expect(message).toContain(`folder ${packages} cannot be read (ENOENT)`);
    } finally {
      setProgramFaults(on.machine, {});
      await rename(`${on.share}-away`, on.share);
      await rename(`${packages}-away`, packages);
    }
  });

  test('a key that may only look cannot quiesce, but may back up online', async () => {
    const { url } = on.world.instance('prod').hosts[0]!;
    const apiKey = new Secret(on.seeded.readerApiKey);
    const world: World = { ...on.world, octopusApi: async () => octopusHttp({ url, apiKey, clock: on.world.clock }) };
    expect(await refusalOf(world)).toMatch(/lacks AdministerSystem/);
  });

  test('a wrong API key', async () => {
    const { url } = on.world.instance('prod').hosts[0]!;
    const apiKey = new Secret('API-WRONG');
    const world: World = { ...on.world, octopusApi: async () => octopusHttp({ url, apiKey, clock: on.world.clock }) };
    expect(await refusalOf(world)).toMatch(/OctopusUnauthorized/);
  });

  test('another database than the one Octopus uses', async () => {
    const instance = on.world.instance('prod');
    const database = { ...instance.database, name: 'OctopusTest' };
    const world: World = { ...on.world, instance: () => ({ ...instance, database }) };
    expect(await refusalOf(world)).toContain(
      'Octopus uses database "OctopusDeploy", the configuration names "OctopusTest"; SQL Server (',
    );
  });

  test('a database that is larger than the space on the share', async () => {
    const sqlServer = await on.world.sqlServer('prod');
    const huge = { ...(await sqlServer.database('OctopusDeploy'))!, allocatedBytes: 5e17 };
    const world: World = { ...on.world, sqlServer: async () => ({ ...sqlServer, database: async () => huge }) };
    expect(await refusalOf(world)).toMatch(/not enough space on .*: needs 500000000\.0 GB, has \d+\.\d GB/);
  });

  test('another run at work on the instance, which is named', async () => {
    const other = await on.newRun({ hasLock: true });
    expect(await refusalOf()).toContain(`${other.id} works on prod`);
    await releaseLock(on.world, other);
  });

  test('a file where a folder should be', async () => {
    const file = join(on.share, 'a-file');
    await mkdir(file);
    const instance = on.world.instance('prod');
    const world: World = { ...on.world, instance: () => ({ ...instance, extraFolders: [{ name: 'x', path: file }] }) };
    await plan(world);
    await rm(file, { recursive: true });
    expect(await refusalOf(world)).toContain(`folder ${file} cannot be read (ENOENT)`);
  });

  test('a server that does not answer is asked again later, when nothing else stands against the plan', async () => {
    on.octopus.faults.status = 503;
    try {
      await expect(plan()).rejects.toMatchObject({ code: 'OctopusUnavailable' });
    } finally {
      on.octopus.faults.status = null;
    }
  });
});
