/** A restore that breaks off after each of its steps: the target is as it was, proven by its rows, and nothing is left behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { readJournal } from '../../lib/repository/restore-journal.ts';
import { readLease } from '../../lib/repository/lease/lease.ts';
import { releaseLock } from '../../lib/repository/lease/lock.ts';
import { isOctoError } from '../../lib/domain/errors.ts';
import { step as returnTarget } from '../../lib/steps/return-target.ts';
import { rotateMasterKey } from '../../sandbox/octopus/key-faults.ts';
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

const CHILD = fileURLToPath(new URL('return-child.ts', import.meta.url));
/** Far more than there are acts: that the way back comes to its end at all is part of what is tested. */
const KILLS_AT_MOST = 80;

describe('the way back, killed', { timeout: 300_000 }, () => {
  /** Does it die once more? What it says when it fails otherwise is the test's own failure. */
  const diesAgain = async (run: RunRecord, diedFile: string): Promise<boolean> => {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(on.reached), run.id, diedFile]);
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (signal === null && code !== 0) throw new Error(said);
    return signal === 'SIGKILL';
  };
  /** What people meet who ask the server now: `null` while it does not answer. */
  const met = async () => {
    try {
      await (await on.world.octopusApi('prod')).root();
    } catch (thrown) {
      if (isOctoError(thrown, 'OctopusUnavailable')) return null;
      throw thrown;
    }
    return contentOf(on);
  };

  test('before each of its acts, goes on, and no server is ever up on half of two states', async () => {
    await rotateMasterKey({ directory: on.machine, instanceName: on.seeded.instanceName });
    before = await contentOf(on);
    const key = await on.world.octopusProgram('prod').showMasterKey();
    const run = await restoreBySteps(on, archive, { until: 'probe-server', hasSafety: false });
    const restored = await contentOf(on);
    expect(restored).not.toEqual(before);
    const diedFile = join(on.reached.root, 'died');
    await writeFile(diedFile, '');
    let kills = 0;
    while (await diesAgain(run, diedFile)) {
      expect((kills += 1)).toBeLessThan(KILLS_AT_MOST);
      const found = await met();
      expect([null, before, restored]).toContainEqual(found);
    }
    const acts = (await readFile(diedFile, 'utf8')).split('\n');
    const kinds = [
      'stopService',
      'rename to',
      'rename {',
      'setMasterKey',
      'startService',
      'setMaintenance',
      'rm ',
      'drop',
    ];
    expect(kinds.filter((kind) => !acts.some((act) => act.startsWith(kind)))).toEqual([]);
    expect((await on.world.octopusProgram('prod').showMasterKey()).equals(key)).toBe(true);
    await requireAsBefore(run);
    await releaseLock(on.world, run);
  });
});
