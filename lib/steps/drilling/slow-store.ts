/** A store that is read no faster than allowed: what reads it writes no faster either, and leaves the disks to others. */
import type { Clock } from '../../ports/clock.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

type Pace = { clock: Clock; bytesPerSecond: number };

/** Each read returns when its bytes are due; readers side by side share the pace. */
export const slowStore = (store: ObjectStore, { clock, bytesPerSecond }: Pace): ObjectStore => {
  let dueMs = 0;
  return {
    ...store,
    read: async (key, options) => {
      const found = await store.read(key, options);
      const nowMs = clock.now().getTime();
      dueMs = Math.max(dueMs, nowMs) + (1000 * (found?.bytes.length ?? 0)) / bytesPerSecond;
      await clock.sleep(dueMs - nowMs, options?.signal);
      return found;
    },
  };
};
