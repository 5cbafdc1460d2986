/** All steps of a backup in their order, on stand-ins: what the archive says, what the run book says, what is left behind. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import type { Failure } from '../../lib/domain/runs/outcome.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { readManifest } from '../../lib/repository/archives.ts';
import { readLock, releaseLock } from '../../lib/repository/lease/lock.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { requireSection } from '../../lib/repository/sections.ts';
import { archivePlace } from '../../lib/steps/parts/archive-place.ts';
import { loadStep } from '../../lib/steps/index.ts';
import { openDatabase } from '../../sandbox/octopus/data/database.ts';
import { packageRow } from '../../sandbox/octopus/data/rows.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

let on: StepWorld;
beforeAll(async () => {
  on = await openStepWorld({ queueMs: 20, taskSeconds: { min: 0, max: 0 } });
});
afterAll(async () => on.close());

type Answer = { gaps?: string[]; notes?: string[]; tolerance?: unknown; quietSeconds?: number };

/** The straight path, each step given what the workflow gives it; `before` acts before a step. */
const backUp = async (before: Record<string, () => Promise<void>> = {}): Promise<RunRecord> => {
  const id = (await on.newRun()).id;
  const gaps: string[] = [];
  const notes: string[] = [];
  let [tolerance, quietSeconds]: [unknown, number] = [null, 0];
  const does = async (name: string, input: unknown = {}): Promise<void> => {
    await before[name]?.();
    const run = (await readRun(on.world, id))!;
    const answer = await perform<Answer>(await loadStep(name), { world: on.world, run, input });
    gaps.push(...(answer.gaps ?? []));
    notes.push(...(answer.notes ?? []));
    tolerance = answer.tolerance ?? tolerance;
    quietSeconds = answer.quietSeconds ?? quietSeconds;
  };
  await does('plan-run', { consistency: 'quiesced' });
  await does('take-lock');
  await does('save-keys');
  await does('pack-folders', { instance: 'prod', pass: 'first' });
  await does('quiesce');
  await does('dump-database', { consistency: 'quiesced' });
  await does('sample-secrets');
  await does('pack-folders', { instance: 'prod', pass: 'second' });
  await does('resume');
  await does('verify-dump');
  await does('store-database', { instance: 'prod' });
  await does('prove-key');
  await does('check-references');
  const gapsSoFar = [...gaps];
  await does('seal-archive', { instance: 'prod', gaps: gapsSoFar, tolerance });
  await does('report-run', { failure: null, resumeFailure: null, notes, quietSeconds });
  return (await readRun(on.world, id))!;
};

/** Takes one package file away while `work` runs; the name under which the report should miss it. */
const withoutOnePackage = async (work: () => Promise<void>): Promise<string> => {
  const folder = join(on.seeded.home, 'Packages');
  const found = (await readdir(folder, { recursive: true })).find((name) => name.endsWith('.nupkg'))!;
  await rename(join(folder, found), join(on.share, 'taken-away'));
  await work();
  await rename(join(on.share, 'taken-away'), join(folder, found));
  return found;
};

describe('a whole backup', () => {
  test('of a healthy server is good, and leaves nothing behind', async () => {
    const run = await backUp();
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    expect(run.outcome?.backup).toMatchObject({
      archiveId: run.archiveId,
      consistency: 'quiesced',
      database: { isVerified: true },
      files: { missingCount: 0 },
      keyProof: { opened: 12, sampled: 12 },
    });
    expect(run.outcome!.backup!.quietSeconds).toBeGreaterThanOrEqual(20);
    expect(run.status).toBe('ended');
    const manifest = await readManifest(on.world, archivePlace(run));
    expect(manifest?.references).toMatchObject({ packagesMissing: 0, artifactsMissing: 0, missing: [] });
    expect(manifest!.references.packagesListed).toBeGreaterThan(0);
    expect(manifest!.references.artifactsListed).toBeGreaterThan(0);
    expect(Object.keys(manifest!.files).sort()).toEqual(['RESTORE.md', 'host.json', 'logins.json', 'restore.sh']);
    expect((await readLock(on.world, 'prod')).holder).toBeNull();
    expect(await readdir(on.share)).toEqual([]);
    const api = await on.world.octopusApi('prod');
    expect([await api.isInMaintenance(), (await api.nodes()).some(({ isDraining }) => isDraining)]).toEqual([
      false,
      false,
    ]);
  });

  test('the report may be written twice; the first outcome stands', async () => {
    const run = await backUp();
    const failure = { state: 'SealArchive', error: 'Bug', cause: '{}' };
    const input = { failure, resumeFailure: null, notes: [], quietSeconds: 0 };
    const step = await loadStep('report-run');
    expect(await perform(step, { world: on.world, run, input })).toEqual({ word: 'good', code: null, message: null });
  });

  test('a package that the database lists and the folder lacks is a gap with its name', async () => {
    let run: RunRecord | undefined;
    const name = await withoutOnePackage(async () => {
      run = await backUp();
    });
    const [, , packageId, file] = name.split(/[\\/]/);
    const version = file!.slice(packageId!.length + 1, -'.nupkg'.length);
    expect(run!.outcome).toMatchObject({ word: 'gaps' });
    expect(run!.outcome!.gaps[0]).toContain(`package ${packageId} ${version}`);
    expect(run!.outcome!.backup!.files.missingCount).toBe(1);
    expect(run!.outcome!.safeNow).toMatch(/^Octopus is running.* The newest good archive, arc_/);
  });

  test('a package that was away while the folders were packed is missing, though it is back by now', async () => {
    const folder = join(on.seeded.home, 'Packages');
    const name = (await readdir(folder, { recursive: true })).find((path) => path.endsWith('.nupkg'));
    const path = join(folder, name!);
    const bytes = await readFile(path);
    const run = await backUp({
      'pack-folders': () => rm(path, { force: true }),
      'check-references': () => writeFile(path, bytes),
    });
    expect(run.outcome).toMatchObject({ word: 'gaps' });
    expect(await requireSection(on.world, archivePlace(run), 'references')).toMatchObject({ packagesMissing: 1 });
  });

  test('a package that came after the dump is not missed: the dump does not list it', async () => {
    const database = await openDatabase(on.connectionString);
    onTestFinished(() => database.close());
    const late = { packageId: 'Acme.Late', version: '1.0.0', spaceId: 'Spaces-1', sizeBytes: 1 };
    const run = await backUp({
      'check-references': () => database.insert('NuGetPackage', [packageRow({ ...late, publishedAt: new Date() })]),
    });
    const { references } = (await readManifest(on.world, archivePlace(run)))!;
    expect(references).toMatchObject({ packagesMissing: 0, missing: [] });
    const [counted] = await database.query<{ listed: number }>('SELECT COUNT(*) AS listed FROM [NuGetPackage]');
    expect(references.packagesListed).toBe(counted!.listed - 1);
  });
});

describe('a report', () => {
  const report = async (world: World, failure: Failure | null) => {
    const run = await on.newRun({ hasLock: true });
    const input = { failure, resumeFailure: null, notes: ['a note'], quietSeconds: 0 };
    const output = await perform(await loadStep('report-run'), { world, run, input });
    return { output, run: (await readRun(world, run.id))! };
  };

  test('of a failure names it, keeps the older archive, and gives the lock back', async () => {
    const cause = JSON.stringify({ code: 'DatabaseDiskFull', message: 'no space on D:', facts: {} });
    const { output, run } = await report(on.world, { state: 'DumpDatabase', error: 'DatabaseDiskFull', cause });
    expect(output).toEqual({ word: 'failed', code: 'DatabaseDiskFull', message: 'no space on D:' });
    expect(run).toMatchObject({ status: 'ended', outcome: { word: 'failed', notes: ['a note'], backup: null } });
    expect((await readLock(on.world, 'prod')).holder).toBeNull();
  });

  test('is written although older archives cannot be read', async () => {
    const list = () => {
      throw new OctoError('StoreDenied', 'no right to list');
    };
    const world: World = { ...on.world, archives: { ...on.world.archives, list } };
    const { run } = await report(world, { state: 'TakeLock', error: 'Bug', cause: '{}' });
    expect(run.outcome?.notes).toEqual(['a note', 'older archives could not be read: no right to list']);
  });

  test('is tried again when the store is away', async () => {
    const read = async () => {
      throw new OctoError('StoreUnavailable', 'away');
    };
    const world: World = { ...on.world, archives: { ...on.world.archives, read } };
    const failed = report(world, { state: 'TakeLock', error: 'Bug', cause: '{}' });
    await expect(failed).rejects.toMatchObject({ code: 'StoreUnavailable' });
    const { holder } = await readLock(on.world, 'prod');
    await releaseLock(on.world, { instance: 'prod', id: holder!.runId });
  });

  test('of no failure and no archive is a mistake of ours', async () => {
    const { output } = await report(on.world, null);
    expect(output).toMatchObject({ word: 'failed', code: 'Bug' });
  });

  test('of a refusal says that nothing was changed', async () => {
    const { run } = await report(on.world, { state: 'PlanRun', error: 'PlanRefused', cause: '{"message":"no"}' });
    expect(run.outcome?.word).toBe('refused');
    expect(run.outcome?.safeNow).toMatch(/^Nothing was changed\./);
  });
});
