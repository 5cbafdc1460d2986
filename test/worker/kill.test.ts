/**
 * A worker killed after each of its calls in turn: whoever comes next goes on to the same end; and if nobody comes in time,
 * the server is given back as it was found.
 */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { LEASE_SECONDS } from '../../lib/domain/lease.ts';
import { readOpenLeases } from '../../lib/repository/lease.ts';
import { readRunView } from '../../lib/repository/run-book.ts';
import { keepLeases } from '../../worker/lease-keeper.ts';
import { memoryLog, temporaryDirectory } from './support.ts';
import { prepareVictim, victimWorld, workToTheEnd } from './victim.ts';

type Flags = { isInMaintenance: boolean; isDraining: boolean };

const VICTIM = join(import.meta.dirname, 'victim.ts');

/** How the victim ended: killed, or by itself because it made fewer calls. */
const runVictim = (directory: string, killAfter: number): Promise<'killed' | 'finished'> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [VICTIM, directory, String(killAfter)], (error, _stdout, stderr) => {
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
  expect(await readOpenLeases(world.hostDirectory)).toEqual([]);
};

/** Kills after call `killAfter`, then looks at both futures. `false` when there were not that many calls. */
const killAndGoOn = async (killAfter: number, earlier: Flags): Promise<boolean> => {
  const directory = join(temporaryDirectory(), 'victim');
  await prepareVictim(directory, earlier);
  const ended = await runVictim(directory, killAfter);
  const calls = linesOf(directory, 'calls');

  const late = `${directory}-late`;
  cpSync(directory, late, { recursive: true });
  await comeBackLate(late);
  expect(flagsIn(late), `late, after ${killAfter} calls`).toEqual(earlier);

  const world = victimWorld(directory);
  expect(await workToTheEnd(directory, world), `after ${killAfter} calls`).toEqual(['quiet', 'worked', 'resumed']);
  expect(flagsIn(directory), `after ${killAfter} calls`).toEqual(earlier);
  const isReported = calls.filter((name) => name === 'succeed').length >= 2;
  expect(linesOf(directory, 'performed').length).toBeLessThanOrEqual(isReported ? 1 : 2);
  const view = await readRunView(world, 'run_00000001', () => []);
  expect(view?.steps.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
  return ended === 'killed';
};

describe('a worker that is killed after any of its calls', () => {
  it.each([
    { isInMaintenance: false, isDraining: false },
    { isInMaintenance: true, isDraining: true },
  ])(
    'goes on to the same end, or gives the server back with %o',
    async (earlier) => {
      let calls = 0;
      for (;;) {
        // Two at a time: most of it is waiting for a process to start.
        const [first, second] = await Promise.all([killAndGoOn(calls + 1, earlier), killAndGoOn(calls + 2, earlier)]);
        if (!first || !second) break;
        calls += 2;
      }
      expect(calls).toBeGreaterThan(30);
    },
    300_000,
  );
});
