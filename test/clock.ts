/**
 * Clocks for tests. `testClock` stands still until the test moves it; `jumpingClock` never lets anyone wait.
 * Neither knows of real time, so no test depends on how fast the machine is.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../lib/ports/clock.ts';

const DEFAULT_START = '2026-03-04T02:00:00.000Z';

/**
 * A clock that moves only by `advance(ms)`: sleepers wake in order of time, each with `now()` at its own moment, and the
 * event loop turns between them so that what they do next (sleeping again, for one) counts.
 */
export type TestClock = Clock & { advance(ms: number): Promise<void>; sleeping(): number };

export const testClock = (start: string | Date = DEFAULT_START): TestClock => {
  let nowMs = new Date(start).getTime();
  const sleepers = new Set<{ dueMs: number; wake: () => void }>();
  const next = () => [...sleepers].sort((a, b) => a.dueMs - b.dueMs)[0];
  return {
    now: () => new Date(nowMs),
    sleeping: () => sleepers.size,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper = { dueMs: nowMs + ms, wake: resolve };
      sleepers.add(sleeper);
      const abort = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', abort);
      try {
        await promise;
      } finally {
        sleepers.delete(sleeper);
        signal?.removeEventListener('abort', abort);
      }
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      await turn();
      for (let sleeper = next(); sleeper && sleeper.dueMs <= endMs; sleeper = next()) {
        nowMs = Math.max(nowMs, sleeper.dueMs);
        sleepers.delete(sleeper);
        sleeper.wake();
        await turn();
      }
      nowMs = endMs;
      await turn();
    },
  };
};

/** A clock on which every sleep is over at once and has taken exactly as long as asked; `slept` lists them. */
export const jumpingClock = (start: string | Date = DEFAULT_START): Clock & { slept: number[] } => {
  let nowMs = new Date(start).getTime();
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(nowMs),
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      nowMs += ms;
      slept.push(ms);
      await turn();
    },
  };
};
