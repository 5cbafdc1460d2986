import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import { archiveKeys, backupFileName } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { World } from '../../lib/ports/world.ts';
import { readSection } from '../../lib/repository/sections.ts';
import { archivePlace } from '../../lib/steps/parts/archive-place.ts';
import { step as dumpDatabase } from '../../lib/steps/dump-database.ts';
import { step as saveKeys } from '../../lib/steps/save-keys.ts';
import type { StepContext } from '../../lib/steps/step.ts';
import { step as verifyDump } from '../../lib/steps/verify-dump.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

let on: StepWorld;
beforeAll(async () => {
  on = await openStepWorld();
});
afterEach(() => {
  on.sqlServer.faults.damagedPage = null;
});
afterAll(async () => on.close());

const fileOf = (run: RunRecord): string => join(on.share, backupFileName('prod', run.id));
const dumpedRun = async (): Promise<RunRecord> => {
  const run = await on.newRun();
  await perform(saveKeys, { world: on.world, run });
  await perform(dumpDatabase, { world: on.world, run, input: { consistency: 'online' } });
  return run;
};
const verify = (run: RunRecord, { world = on.world, ...context }: Partial<StepContext> & { world?: World } = {}) =>
  perform<{ verifiedAt: string }>(verifyDump, { world, run, ...context });
const sectionOf = (run: RunRecord) => readSection(on.world, archivePlace(run), 'verification');

describe('a dump that is whole', () => {
  test('is verified, told with progress, and its logins are in the archive', async () => {
    const run = await dumpedRun();
    const progress: number[] = [];
    const verified = await verify(run, { beat: async ({ percent = -1 } = {}) => void progress.push(percent) });
    expect(progress[0]).toBe(0);
    expect(progress.at(-1)).toBe(100);
    expect(await sectionOf(run)).toEqual(verified);
    expect(verified.verifiedAt).toBe(on.world.clock.now().toISOString());
    const logins = await on.world.archives.read(archiveKeys.file('prod', run.archiveId!, 'logins.json'));
    expect(JSON.parse(logins!.bytes.toString())).toMatchObject({
      database: 'OctopusDeploy',
      logins: expect.arrayContaining([expect.objectContaining({ user: 'dbo' })]) as unknown,
    });
  });

  test('is verified once: again, and without its file, the first answer stands', async () => {
    const run = await dumpedRun();
    const verified = await verify(run);
    await rm(fileOf(run));
    expect(await verify(run, { attempt: 1 })).toEqual(verified);
  });
});

describe('a dump that is not', () => {
  test.each([
    ['with a damaged byte', 'BackupDamaged', flipByte],
    ['cut short', 'BackupIncomplete', async (path: string) => truncate(path, (await stat(path)).size - 70_000)],
    ['of no bytes', 'BackupUnreadable', (path: string) => truncate(path, 0)],
    ['gone', 'BackupFileMissing', (path: string) => rm(path)],
  ])('%s: is a failed backup', async (_what, code, spoil) => {
    const run = await dumpedRun();
    await spoil(fileOf(run));
    await expect(verify(run)).rejects.toMatchObject({ code, canRetry: false });
    expect(await sectionOf(run)).toBeNull();
  });

  test('written with a damaged page: the dump ends well, the verification finds it', async () => {
    on.sqlServer.faults.damagedPage = 3;
    const run = await dumpedRun();
    await expect(verify(run)).rejects.toMatchObject({ code: 'BackupDamaged' });
  });
});

test('a key that was rotated meanwhile is no backup', async () => {
  const run = await dumpedRun();
  const rotated = new Secret(Buffer.alloc(32, 9).toString('base64'));
  const program = { ...on.world.octopusProgram('prod'), showMasterKey: async () => rotated };
  const world: World = { ...on.world, octopusProgram: () => program };
  await expect(verify(run, { world })).rejects.toMatchObject({ code: 'KeyRotatedDuringBackup' });
  expect(await sectionOf(run)).toBeNull();
});

test('a cancelled run stops SQL Server and tells why', async () => {
  const run = await dumpedRun();
  const beat = async ({ percent = 0 } = {}) => {
    if (percent > 10) throw new OctoError('Cancelled', 'stopped by ana');
  };
  await expect(verify(run, { beat })).rejects.toMatchObject({ code: 'Cancelled' });
  expect(await sectionOf(run)).toBeNull();
});

/** In the middle: in the pages, behind the header. */
async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = bytes[middle]! ^ 1;
  await writeFile(path, bytes);
}
