/**
 * A worker killed in each state that its files come to have: whoever comes next goes on to the same end; and if nobody
 * comes in time, the server is given back as it was found.
 */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { LEASE_SECONDS } from '../../lib/domain/runs/lease.ts';
import { readOpenLeases } from '../../lib/repository/lease/lease.ts';
import { readRunView } from '../../lib/repository/run-book.ts';
import { keepLeases } from '../../worker/host/lease-keeper.ts';
import { fail, memoryLog, temporaryDirectory } from './support.ts';
import { prepareVictim, victimWorld, workToTheEnd } from './victim.ts';

type Flags = { isInMaintenance: boolean; isDraining: boolean };

const VICTIM = join(import.meta.dirname, 'victim.ts');

/** How the victim ended: killed, or by itself because it wrote less often. */
const runVictim = (directory: string, killAt: number): Promise<'killed' | 'finished'> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [VICTIM, directory, String(killAt)], (error, _stdout, stderr) => {
      if (error === null) resolve('finished');
      else if (error.signal === 'SIGKILL') resolve('killed');
      else reject(new Error(stderr));
    });
  });

const linesOf = (directory: string, file: string): string[] =>
  readFileSync(join(directory, file), 'utf8').trimEnd().split('\n');
const flagsIn = (directory: string): Flags => JSON.parse(readFileSync(join(directory, 'server.json'), 'utf8')) as Flags;

/** What happens when the host comes back after the lease: one look of the keeper on a later clock. */
const comeBackLate = async (directory: string): Promise<void> => {
  const now = () => new Date(Date.now() + LEASE_SECONDS * 1000);
  const stop = new AbortController();
  const sleep = async () => stop.abort();
  const world = { ...victimWorld(directory), clock: { ...systemClock, now, sleep } };
  await keepLeases(world, { signal: stop.signal, log: memoryLog() });
  expect(await readOpenLeases(world.hostDirectory, fail)).toEqual([]);
};

/** Kills after the Nth write, then looks at both futures. `false` when there were not that many. */
const killAndGoOn = async (killAt: number, earlier: Flags): Promise<boolean> => {
  const directory = join(temporaryDirectory(), 'victim');
  await prepareVictim(directory, earlier);
  const ended = await runVictim(directory, killAt);
  const calls = linesOf(directory, 'calls');

  const late = `${directory}-late`;
  cpSync(directory, late, { recursive: true });
  await comeBackLate(late);
  expect(flagsIn(late), `late, after ${killAt} writes`).toEqual(earlier);

  const world = victimWorld(directory);
  expect(await workToTheEnd(directory, world), `after ${killAt} writes`).toEqual(['quiet', 'worked', 'resumed']);
  expect(flagsIn(directory), `after ${killAt} writes`).toEqual(earlier);
  const isReported = calls.filter((name) => name === 'succeed').length >= 2;
  expect(linesOf(directory, 'performed').length).toBeLessThanOrEqual(isReported ? 1 : 2);
  const view = await readRunView(world, 'run_00000001', () => []);
  expect(view?.steps.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
  return ended === 'killed';
};

/** Nothing was on, or one of the two: kill points take turns with them. */
const EARLIER: Flags[] = [
  { isInMaintenance: false, isDraining: false },
  { isInMaintenance: true, isDraining: false },
  { isInMaintenance: false, isDraining: true },
];

describe('a worker that is killed', () => {
  it('after any of its writes, goes on to the same end, or gives the server back as it was', async () => {
    let writes = 0;
    for (let wasKilled = true; wasKilled; writes += 2) {
      // Two at a time: most of it is waiting for a process to start.
      const pair = [writes + 1, writes + 2].map((killAt) => killAndGoOn(killAt, EARLIER[killAt % 3]!));
      wasKilled = (await Promise.all(pair)).every(Boolean);
    }
    expect(writes).toBeGreaterThan(30);
  }, 300_000);
});
