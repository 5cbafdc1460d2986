/** The machine's own clock. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';

export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, signal && { signal });
    } catch (error) {
      // Node wraps the abort in an error of its own; the port promises the signal's reason.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
