/** Drills of an archive of the stand-ins: what they prove, what they find, and that nothing of them stays. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import type { DrillRecord } from '../../lib/domain/drills/drill.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { archiveKeys, SCRATCH_PREFIX } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { World } from '../../lib/ports/world.ts';
import { latestGood } from '../../lib/repository/catalog.ts';
import { damagedNames, liftDamage } from '../../lib/repository/damage.ts';
import { releaseLock, takeLock } from '../../lib/repository/lease/lock.ts';
import { drillsOf, listDrills } from '../../lib/repository/outcomes/drill-records.ts';
import { endRun, readRun } from '../../lib/repository/run-book.ts';
import { archivesBeingRead } from '../../lib/repository/store-care/reader-holds.ts';
import { drillWorld } from '../../lib/steps/drilling/drill-world.ts';
import { sweepDrills } from '../../lib/steps/drilling/sweep-drills.ts';
import { loadStep } from '../../lib/steps/index.ts';
import { sweepScratch } from '../../lib/steps/parts/scratch-database.ts';
import { noFaults } from '../../sandbox/sql-server/instance.ts';
import { drillBySteps, type DrillHooks, newDrill } from './drill-steps.ts';
import { openRestore } from './restore-world.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

let on: StepWorld;
let manifest: Manifest;

beforeAll(async () => {
  on = await openStepWorld({ sizeMegabytes: 1 });
  ({ manifest } = await openRestore(on));
}, 60_000);
afterEach(() => void Object.assign(on.sqlServer.faults, noFaults()));
afterAll(() => on.close());

/** What a drill could have left anywhere. */
const leftovers = async (): Promise<string[]> => [
  ...(await (await on.world.sqlServer('prod')).databases(SCRATCH_PREFIX)).map(({ name }) => name),
  ...(await readdir(on.share)),
  ...(await readdir(on.world.drillPlace!.folder).catch(() => [])),
  ...(await archivesBeingRead(on.world, 'prod')),
];

describe('a drill', () => {
  test('restores the archive on trial, proves it, writes that down beside it, and leaves nothing', async () => {
    const run = await drillBySteps(on.world, manifest.archiveId);
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    const [drill] = await listDrills(on.world, 'prod', { limit: 9 });
    expect(drill).toMatchObject({
      runId: run.id,
      archive: { archiveId: manifest.archiveId, takenAt: manifest.takenAt },
      word: 'good',
      dumpBytes: manifest.database.sizeBytes,
      proven: {
        tables: Object.keys(manifest.dump.counts).length,
        keyProof: { opened: 12, sampled: 12 },
        references: { listed: manifest.references.packagesListed + manifest.references.artifactsListed, missing: 0 },
      },
      files: { count: manifest.folders.fileCount, sizeBytes: manifest.folders.sizeBytes },
      error: null,
    });
    expect(Object.keys(drill!.seconds).toSorted()).toEqual(['DrillDatabase', 'DrillFiles', 'DrillProof']);
    expect(await drillsOf(on.world, manifest)).toEqual([drill]);
    expect(run.outcome!.drill).toEqual(drill);
    expect(await leftovers()).toEqual([]);
  }, 60_000);
});

/** The drill's word and error; that nothing stayed is looked at each time. */
const drilled = async ({ world = on.world, ...hooks }: { world?: World } & DrillHooks = {}): Promise<{
  drill: DrillRecord | null;
  word: string;
  code: string | null;
  safeNow: string;
  message: string;
}> => {
  const { outcome } = await drillBySteps(world, manifest.archiveId, hooks);
  expect(await leftovers()).toEqual([]);
  const { word, error, drill = null, safeNow } = outcome!;
  return { drill, word, code: error?.code ?? null, safeNow, message: error?.message ?? '' };
};

/** The copy's content as the test wants it. */
const withContent = (change: object): World => ({
  ...on.world,
  octopusDatabase: async (...given) => ({ ...(await on.world.octopusDatabase(...given)), ...change }),
});

describe('a drill that speaks against its archive', () => {
  test('rows are missing', async () => {
    const counts = async () => ({ ...manifest.dump.counts, Project: 3 });
    const found = await drilled({ world: withContent({ counts }) });
    expect(found).toMatchObject({
      word: 'failed',
      code: 'RestoredCopyDiffers',
      safeNow: expect.stringContaining(`Do not rely on ${manifest.archiveId}`),
      drill: { word: 'failed', dumpBytes: manifest.database.sizeBytes, proven: null, files: null },
    });
    expect(found.drill!.error).toMatchObject({ state: 'DrillProof', code: 'RestoredCopyDiffers' });
  });

  test('DBCC CHECKDB finds damage, also where restores leave it out', async () => {
    on.sqlServer.faults.corruptPrefix = 'octo_run_';
    expect(await drilled()).toMatchObject({ code: 'RestoredCopyDamaged', drill: { word: 'failed' } });
  });

  test('the key does not open it', async () => {
    const cipherText = new Secret(`${'A'.repeat(43)}=|${'A'.repeat(22)}==`);
    const encryptedValues = async () =>
      Array.from({ length: 12 }, (_, n) => ({
        table: 'T',
        id: `T-${n}`,
        path: 'V',
        kind: 'text' as const,
        cipherText,
      }));
    const found = await drilled({ world: withContent({ encryptedValues }) });
    expect(found).toMatchObject({ code: 'KeyDoesNotOpenData', drill: { word: 'failed' } });
  });

  test('the key is not in the secret store', async () => {
    const world = { ...on.world, secretStore: { ...on.world.secretStore, read: async () => null } };
    expect(await drilled({ world })).toMatchObject({ code: 'SecretNotKept', drill: { word: 'failed' } });
  });

  test('a pack is damaged: it is marked, and the archive counts as good no more', async () => {
    const folder = join(dirname(on.machine), 'archives', archiveKeys.packs('prod'));
    const [pack] = await readdir(folder);
    const bytes = await readFile(join(folder, pack!));
    const broken = Buffer.from(bytes);
    const middle = broken.length >> 1;
    broken.writeUInt8(broken.readUInt8(middle) ^ 0xff, middle);
    await writeFile(join(folder, pack!), broken);
    try {
      expect(await drilled()).toMatchObject({
        code: 'ArchiveDamaged',
        drill: { word: 'failed', proven: { keyProof: { opened: 12 } }, error: { state: 'DrillFiles' } },
      });
      const damaged = await damagedNames(on.world, 'prod');
      expect(damaged).toEqual(new Set([pack, manifest.archiveId]));
      expect(await latestGood(on.world, 'prod')).toBeNull();
      expect(await drilled()).toMatchObject({ word: 'refused', code: 'PlanRefused' });
    } finally {
      await writeFile(join(folder, pack!), bytes);
      await liftDamage(on.world, 'prod', [pack!, manifest.archiveId]);
    }
  });

  test('none of them is kept beside the archive as a proof', async () => {
    const drills = await drillsOf(on.world, manifest);
    expect(drills.map(({ word }) => word)).toEqual(['good']);
    expect((await listDrills(on.world, 'prod', { limit: 20 })).length).toBeGreaterThan(4);
  });
});

test('files that the copy lists and the archive lacks are a gap, if they were not one already', async () => {
  const packages = async function* () {
    yield { id: 'P-1', packageId: 'Lost', version: '1.0', spaceId: null, fileExtension: '.zip', createdAt: null };
  };
  const { word, drill } = await drilled({ world: withContent({ packages }) });
  expect(word).toBe('gaps');
  expect(drill).toMatchObject({ word: 'gaps', proven: { references: { missing: 1 } } });
  expect(drill!.gaps).toEqual([expect.stringContaining('package Lost 1.0')]);
});

describe('a drill that says nothing of its archive', () => {
  test('stopped by a person in any step', async () => {
    for (const step of ['drill-database', 'drill-proof', 'drill-files']) {
      let isStopped = false;
      const found = await drilled({
        before: { [step]: async () => void (isStopped = true), 'drill-clear': async () => void (isStopped = false) },
        beat: async () => {
          if (isStopped) throw new OctoError('Cancelled', 'stopped by ana');
        },
        ...(step === 'drill-files' ? { signal: AbortSignal.abort(new OctoError('Cancelled', 'stopped')) } : {}),
      });
      expect(found).toMatchObject({ word: 'failed', drill: { word: 'unfinished' } });
      expect(found.safeNow).toContain('ended before it could say anything');
    }
  });

  test('SQL Server runs out of disk', async () => {
    on.sqlServer.faults.diskFullAtPercent = 50;
    expect(await drilled()).toMatchObject({ word: 'failed', drill: { word: 'unfinished', dumpBytes: null } });
  });
});

describe('a drill on the SQL Server of the instance is refused', () => {
  test('where it would not leave room to spare', async () => {
    on.sqlServer.faults.freeBytes = Math.ceil(manifest.dump.fileBytes * 1.5);
    const found = await drilled();
    expect(found).toMatchObject({ word: 'refused', drill: null });
    expect(found.message).toContain('leaves room to spare');
  });

  test('where there is no room at all, also on a server of its own', async () => {
    on.sqlServer.faults.freeBytes = 1000;
    const { own: _own, ...place } = on.world.drillPlace!;
    const own = {
      host: { name: 'drill-1' },
      instances: ['prod'],
      share: on.world.instance('prod').database.share,
      sqlServer: () => on.world.sqlServer('prod'),
      octopusDatabase: (database: string) => on.world.octopusDatabase('prod', database),
    };
    const found = await drilled({ world: { ...on.world, drillPlace: { ...place, own } } });
    expect(found.word).toBe('refused');
    expect(found.message).toContain('not enough space on the data volume of SQL Server');
    expect(found.message).not.toContain('room to spare');
  });

  test('while another run works on it', async () => {
    const other = await on.newRun();
    await takeLock(on.world, other);
    const found = await drilled();
    expect(found.word).toBe('refused');
    expect(found.message).toContain(`${other.id} works on prod`);
    await releaseLock(on.world, other);
  });

  test('where the configuration names no place', async () => {
    const { drillPlace: _place, ...world } = on.world;
    const run = await newDrill(world, manifest.archiveId);
    const step = await loadStep('drill-plan');
    await expect(perform(step, { world, run })).rejects.toMatchObject({ code: 'DrillPlaceMissing' });
  });
});

test('beside production the store is read no faster than allowed', async () => {
  const world = { ...on.world, drillPlace: { ...on.world.drillPlace!, bytesPerSecond: 1000 } };
  const began = world.clock.now().getTime();
  const key = archiveKeys.manifest('prod', manifest.archiveId);
  const { bytes } = (await drillWorld(world).archives.read(key))!;
  expect(world.clock.now().getTime() - began).toBeGreaterThanOrEqual(bytes.length);
});

test('what a drill that was killed has left is swept once its run has ended', async () => {
  const { world } = on;
  const { id } = await newDrill(world, manifest.archiveId);
  for (const name of ['drill-plan', 'drill-database', 'drill-files'])
    await perform(await loadStep(name), { world, run: (await readRun(world, id))! });
  const isAlive = async (runId: string) => (await readRun(world, runId))?.status === 'running';
  const sweep = async () => [
    ...(await sweepScratch(drillWorld(world), 'prod', { isAlive })),
    ...(await sweepDrills(world, { isAlive })),
  ];
  expect(await sweep()).toEqual([]);
  const run = (await readRun(world, id))!;
  const outcome = { word: 'failed', gaps: [], notes: [], error: null, safeNow: '', doNext: '', backup: null } as const;
  await endRun(world, id, { ...outcome, gaps: [], notes: [] });
  expect(await sweep()).toEqual([`database octo_${run.id}`, join(world.drillPlace!.folder, run.id)]);
});
