/** A clock that runs faster than the wall: a journey's waits of seconds pass in fractions, and their order stays. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../lib/ports/clock.ts';

export const fastClock = (rate: number): Clock => {
  const startedAt = Date.now();
  return {
    now: () => new Date(startedAt + (Date.now() - startedAt) * rate),
    sleep: (ms, signal) => sleep(ms / rate, undefined, signal === undefined ? {} : { signal }),
  };
};
