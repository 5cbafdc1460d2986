/** The lock of an instance: one run at a time, and a number that tells who came later. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOCK_SECONDS } from '../../lib/domain/runs/lock.ts';
import { readLock, releaseLock, renewLock, takeLock } from '../../lib/repository/lease/lock.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { testClock } from '../clock.ts';
import { makeWorld, temporaryDirectory } from '../worker/support.ts';
import { enteredRun } from '../worker/world.ts';

const twoRuns = async () => {
  const clock = testClock();
  const world = makeWorld({ clock });
  return { clock, world, ana: await enteredRun(world, 'run_0000000A'), ben: await enteredRun(world, 'run_0000000B') };
};

describe('instance lock', () => {
  it('is taken once, and again by the same run', async () => {
    const { world, ana, clock } = await twoRuns();
    expect((await takeLock(world, ana)).fence).toBe(1);
    await clock.advance(60_000);
    const again = await takeLock(world, ana);
    expect(again).toMatchObject({ fence: 1, holder: { runId: ana.id, takenAt: '2026-03-04T02:00:00.000Z' } });
    expect(again.holder?.endsAt).toBe(new Date(clock.now().getTime() + LOCK_SECONDS * 1000).toISOString());
    expect((await readRun(world, ana.id))?.fence).toBe(1);
  });

  it('names whose run holds it', async () => {
    const { world, ana, ben } = await twoRuns();
    await takeLock(world, ana);
    await expect(takeLock(world, ben)).rejects.toMatchObject({ code: 'LockHeld', facts: { runId: ana.id } });
  });

  it('goes to another run after its end, with a higher fence, and the first one is told', async () => {
    const { world, ana, ben, clock } = await twoRuns();
    const { fence } = await takeLock(world, ana);
    await clock.advance(LOCK_SECONDS * 1000 - 1);
    await expect(takeLock(world, ben)).rejects.toMatchObject({ code: 'LockHeld' });
    await clock.advance(1);
    expect((await takeLock(world, ben)).fence).toBe(fence + 1);
    await expect(renewLock(world, { ...ana, fence })).rejects.toMatchObject({
      code: 'FenceLost',
      facts: { holder: ben.id, presentFence: fence + 1 },
    });
    await releaseLock(world, ana);
    expect((await readLock(world, 'prod')).holder?.runId).toBe(ben.id);
  });

  it('may be renewed after its end as long as nobody took it', async () => {
    const { world, ana, ben, clock } = await twoRuns();
    const { fence } = await takeLock(world, ana);
    await clock.advance(LOCK_SECONDS * 2000);
    await renewLock(world, { ...ana, fence });
    await expect(takeLock(world, ben)).rejects.toMatchObject({ code: 'LockHeld' });
  });

  it('never gives the same number twice', async () => {
    const { world, ana, ben } = await twoRuns();
    const fences = [];
    for (const run of [ana, ben, ana]) {
      fences.push((await takeLock(world, run)).fence);
      await releaseLock(world, run);
    }
    expect(fences).toEqual([1, 2, 3]);
    await expect(renewLock(world, { ...ana, fence: 3 })).rejects.toMatchObject({ code: 'FenceLost' });
  });

  it('lets one process in at a time', async () => {
    const directory = temporaryDirectory();
    const racer = join(import.meta.dirname, 'lock-racer.ts');
    const racers = ['A', 'B', 'C'].map((name) =>
      spawn(process.execPath, [racer, directory, `run_0000000${name}`, '8'], { stdio: 'inherit' }),
    );
    const codes = await Promise.all(racers.map(async (racer) => (await once(racer, 'exit'))[0] as number));
    expect(codes).toEqual([0, 0, 0]);
    const lines = readFileSync(join(directory, 'turns'), 'utf8').trimEnd().split('\n');
    const turns = Array.from({ length: 24 }, (_, turn) => lines.slice(turn * 2, turn * 2 + 2));
    for (const [turn, [into, out]] of turns.entries()) {
      expect(into).toMatch(new RegExp(`^in run_\\w+ ${turn + 1}$`));
      expect(out).toBe(into?.replace('in', 'out'));
    }
  });
});
