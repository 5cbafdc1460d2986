/** A restore that breaks off after each of its steps: the target is as it was, proven by its rows, and nothing is left behind. */
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { readJournal } from '../../lib/repository/restore-journal.ts';
import { readLease } from '../../lib/repository/lease/lease.ts';
import { releaseLock } from '../../lib/repository/lease/lock.ts';
import { step as returnTarget } from '../../lib/steps/return-target.ts';
import { backUpBySteps, contentOf, restoreBySteps } from './restore-steps.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

let on: StepWorld;
let archive: RunRecord;
let before: Awaited<ReturnType<typeof contentOf>>;

beforeAll(async () => {
  on = await openStepWorld({ queueMs: 20, taskSeconds: { min: 0, max: 0 } });
  archive = await backUpBySteps(on);
  const packages = join(on.seeded.home, 'Packages');
  const first = (await readdir(packages, { recursive: true })).find((name) => name.endsWith('.nupkg'));
  await rm(join(packages, first!));
  before = await contentOf(on);
}, 120_000);
afterAll(async () => on.close());

const goBack = (run: RunRecord) =>
  perform<{ how: string; tables: number | null; notes: string[] }>(returnTarget, { world: on.world, run });

const requireAsBefore = async (run: RunRecord): Promise<void> => {
  expect(await contentOf(on)).toEqual(before);
  const api = await on.world.octopusApi('prod');
  expect([await api.isInMaintenance(), (await api.nodes()).some(({ isDraining }) => isDraining)]).toEqual([
    false,
    false,
  ]);
  expect((await readLease(on.world, run.id))?.status ?? 'closed').toBe('closed');
  expect(await readJournal(on.world, run.id)).toBeNull();
  expect((await (await on.world.sqlServer('prod')).databases('octo_')).map(({ name }) => name)).toEqual([]);
  for (const folder of [on.seeded.home, dirname(on.seeded.home)])
    expect((await readdir(folder)).filter((name) => name.includes('octo-'))).toEqual([]);
  expect(await readdir(on.share)).toEqual([]);
};

describe('a restore that breaks off', { timeout: 120_000 }, () => {
  test.each([
    ['load-database', 'untouched'],
    ['quiesce', 'untouched'],
    ['stop-server', 'returned'],
    ['swap-database', 'returned'],
    ['swap-folders', 'returned'],
    ['probe-server', 'returned'],
  ])('after %s leaves the target as it was', async (until, how) => {
    const run = await restoreBySteps(on, archive, { until, hasSafety: false });
    const returned = await goBack(run);
    expect(returned).toMatchObject({ how, notes: [] });
    expect(returned.tables ?? 0).toBeGreaterThanOrEqual(how === 'returned' ? 20 : 0);
    await requireAsBefore(run);
    // Asked again, as after a kill, it finds nothing to do.
    expect(await goBack(run)).toMatchObject({ how: 'untouched' });
    await releaseLock(on.world, run);
  });
});
