/**
 * The two timers of the schedule on one machine: the tick that starts what is due, and, apart from it, the watcher that
 * says when no good archive was made in time. An instance that fails is tried again at the next round and holds no other up.
 */
import type { Log } from '../lib/log.ts';
import type { World } from '../lib/ports/world.ts';
import { sendDigest } from '../lib/runs/digest.ts';
import { tick } from '../lib/runs/tick.ts';
import { watch } from '../lib/runs/watch.ts';

const TICK_MS = 300_000;
const WATCH_MS = 600_000;

export type TickerOptions = {
  /** Where runs and alarms are shown unless the settings of an instance name another channel. */
  channel: string | null;
  signal: AbortSignal;
  log: Log;
};

/** Keeps the schedule of every instance until `signal` fires. */
export const keepSchedule = (world: World, { channel, signal, log }: TickerOptions): Promise<void> =>
  everyRound(world, { roundMs: TICK_MS, signal }, async (instance) => {
    const ticked = await tick(world, { instance, channel }).catch((error: unknown) => {
      log.error('the schedule could not be looked at', { instance, error });
      return null;
    });
    if (ticked !== null)
      log.info('a scheduled backup was due', { instance, run: ticked.runId, joined: ticked.isJoined });
  });

/** Watches the age of every instance's newest good archive, and sends its weekly digest, until `signal` fires. */
export const keepWatch = (world: World, { channel, signal, log }: TickerOptions): Promise<void> =>
  everyRound(world, { roundMs: WATCH_MS, signal }, async (instance) => {
    await watch(world, { instance, channel }).catch((error: unknown) => {
      log.error('the age of the archives could not be watched', { instance, error });
    });
    await sendDigest(world, { instance, channel }).catch((error: unknown) => {
      log.error('the digest could not be sent', { instance, error });
    });
  });

/** At once, then at every full round of the clock, so that a slot on the hour starts on the hour. */
const everyRound = async (
  world: Pick<World, 'clock' | 'instanceNames'>,
  { roundMs, signal }: { roundMs: number; signal: AbortSignal },
  look: (instance: string) => Promise<void>,
): Promise<void> => {
  while (!signal.aborted) {
    await Promise.all(world.instanceNames().map(look));
    const sinceRound = world.clock.now().getTime() % roundMs;
    await world.clock.sleep(roundMs - sinceRound, signal).catch(() => undefined);
  }
};
