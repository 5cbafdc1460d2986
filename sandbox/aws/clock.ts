/** Time as the AWS stand-ins see it: the machine's own, or one that a test moves. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineOptions } from '../../lib/engine/runtime.ts';

export type Clock = EngineOptions['clock'];

export const machineClock: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal && { signal });
  },
};
