/** Bad days of Octopus and SQL Server that a single step survives; the others are in the tests of the steps and adapters. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { releaseLock } from '../../lib/repository/lease/lock.ts';
import { step as dumpDatabase } from '../../lib/steps/dump-database.ts';
import { step as quiesce } from '../../lib/steps/quiesce.ts';
import { step as resume } from '../../lib/steps/resume.ts';
import { step as saveKeys } from '../../lib/steps/save-keys.ts';
import { noFaults } from '../../sandbox/octopus/node/running-node.ts';
import { noFaults as noSqlFaults } from '../../sandbox/sql-server/instance.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

let on: StepWorld;

beforeAll(async () => {
  on = await openStepWorld({ sizeMegabytes: 1, queueMs: 50, taskSeconds: { min: 0.1, max: 0.2 } });
});
afterAll(() => on.close());
afterEach(() => {
  Object.assign(on.octopus.faults, noFaults());
  Object.assign(on.sqlServer.faults, noSqlFaults());
});

test('a slow Octopus is made quiet and given back', async () => {
  on.octopus.faults.delayMs = 30;
  const run = await on.newRun({ hasLock: true });
  const { world } = on;
  expect(await perform(quiesce, { world, run })).toMatchObject({ consistency: 'quiesced' });
  await perform(resume, { world, run });
  await releaseLock(world, run);
  expect(await (await world.octopusApi('prod')).isInMaintenance()).toBe(false);
});

test('an Octopus that fails while it is made quiet is asked again later, and given back', async () => {
  const run = await on.newRun({ hasLock: true });
  const { world } = on;
  let beats = 0;
  const beat = async () => {
    beats += 1;
    on.octopus.faults.status = beats === 2 ? 503 : null;
  };
  await expect(perform(quiesce, { world, run, beat })).rejects.toMatchObject({
    code: 'OctopusUnavailable',
    canRetry: true,
  });
  on.octopus.faults.status = null;
  await perform(resume, { world, run });
  await releaseLock(world, run);
  const api = await world.octopusApi('prod');
  expect(await api.isInMaintenance()).toBe(false);
  expect((await api.nodes()).some(({ isDraining }) => isDraining)).toBe(false);
});

test('a dump that somebody kills is made again', async () => {
  const run = await on.newRun();
  const { world } = on;
  await perform(saveKeys, { world, run });
  const input = { consistency: 'online' };
  on.sqlServer.faults.killAtPercent = 50;
  await expect(perform(dumpDatabase, { world, run, input })).rejects.toMatchObject({
    code: 'BackupStopped',
    canRetry: true,
  });
  on.sqlServer.faults.killAtPercent = null;
  expect(await perform(dumpDatabase, { world, run, input, attempt: 1 })).toMatchObject({ gaps: [] });
});

test('a share that SQL Server may not write to is told from a full disk', async () => {
  const run = await on.newRun();
  const { world } = on;
  await perform(saveKeys, { world, run });
  on.sqlServer.faults.isFolderDenied = true;
  await expect(perform(dumpDatabase, { world, run, input: { consistency: 'online' } })).rejects.toMatchObject({
    code: 'BackupFolderDenied',
    canRetry: false,
  });
});
