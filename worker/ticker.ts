/**
 * The timers of one machine: the tick that starts what is due; apart from it the watcher that says when no good archive was
 * made in time; and the verification of what is stored. What is done in a round is in `handlers/rounds.ts`.
 */
import { tickRound, verifyRound, watchRound, type Round } from '../handlers/rounds.ts';
import type { World } from '../lib/ports/world.ts';

const TICK_MS = 300_000;
const WATCH_MS = 600_000;

export type TickerOptions = Omit<Round, 'instance'> & { signal: AbortSignal };

/** Keeps the schedule of every instance until `signal` fires. */
export const keepSchedule = (world: World, { channel, signal, log }: TickerOptions): Promise<void> =>
  everyRound(world, { roundMs: TICK_MS, signal }, (instance) => tickRound(world, { instance, channel, log }));

/** Watches the age of every instance's newest good archive, and sends its weekly digest, until `signal` fires. */
export const keepWatch = (world: World, { channel, signal, log }: TickerOptions): Promise<void> =>
  everyRound(world, { roundMs: WATCH_MS, signal }, (instance) => watchRound(world, { instance, channel, log }));

/** Reads the stored archives of every instance again, a piece at each round, until `signal` fires. */
export const keepVerified = (world: World, { channel, signal, log }: TickerOptions): Promise<void> =>
  everyRound(world, { roundMs: TICK_MS, signal }, (instance) => verifyRound(world, { instance, channel, log, signal }));

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
