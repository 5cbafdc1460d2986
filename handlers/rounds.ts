/**
 * What is done at every tick and at every look of the watcher, for each instance: by the timers of one machine and by those of
 * the cloud. An instance that fails is tried again at the next round and holds no other up.
 */
import type { Log } from '../lib/log.ts';
import type { World } from '../lib/ports/world.ts';
import { sendDigest } from '../lib/runs/digest.ts';
import { drillTick } from '../lib/runs/drills/drill-tick.ts';
import { tick } from '../lib/runs/tick.ts';
import { verifyTick } from '../lib/runs/verify-tick.ts';
import { watch } from '../lib/runs/watch.ts';

export type Round = {
  instance: string;
  /** Where runs and alarms are shown unless the settings of an instance name another channel. */
  channel: string | null;
  log: Log;
};

/** Starts what is due. */
export const tickRound = async (world: World, { instance, channel, log }: Round): Promise<void> => {
  const ticked = await tick(world, { instance, channel }).catch((error: unknown) => {
    log.error('the schedule could not be looked at', { instance, error });
    return null;
  });
  const drill = await drillTick(world, { instance, channel }).catch((error: unknown) => {
    log.error('the drill that was due could not be started', { instance, error });
    return null;
  });
  if (drill !== null) log.info('a scheduled drill was due', { instance, run: drill });
  if (ticked !== null) log.info('a scheduled backup was due', { instance, run: ticked.runId, joined: ticked.isJoined });
};

/** Reads again what is due of the stored archives; `signal` stops it at the next object. */
export const verifyRound = async (
  world: World,
  { instance, channel, log, signal }: Round & { signal: AbortSignal },
): Promise<void> => {
  await verifyTick(world, { instance, channel, signal }).catch((error: unknown) => {
    if (!signal.aborted) log.error('the archives could not be verified', { instance, error });
  });
};

/** Looks at the age of the newest good archive, and sends the weekly digest. */
export const watchRound = async (world: World, { instance, channel, log }: Round): Promise<void> => {
  const watched = await watch(world, { instance, channel }).catch((error: unknown) => {
    log.error('the age of the archives could not be watched', { instance, error });
    return null;
  });
  // An alarm of the cloud listens for these words: infra/alarms.yml.
  if (watched?.isOverdue === true) log.warn('no good archive within the target', { instance });
  await sendDigest(world, { instance, channel }).catch((error: unknown) => {
    log.error('the digest could not be sent', { instance, error });
  });
};
