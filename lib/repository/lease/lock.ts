/**
 * Taking, keeping and giving back the lock of an instance, by compare-and-set.
 *
 * What may happen to a lock is decided in `domain/lock.ts`. The run keeps its own fencing number in its run record, so
 * every step can tell "never held" from "lost".
 */
import { stateKeys } from '../../domain/names.ts';
import { Lock, releasedLock, renewedLock, takenLock } from '../../domain/runs/lock.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { recordFence } from '../run-book.ts';
import { readRecord, UNCHANGED, update } from '../update.ts';

type LockWorld = Pick<World, 'state' | 'clock'>;
type Claimant = Pick<RunRecord, 'id' | 'instance'>;

const NEVER_HELD: Lock = { fence: 0, holder: null };

/** Makes the run the holder of its instance; taking it again is the same lock. @throws LockHeld */
export const takeLock = async (world: LockWorld, run: Claimant): Promise<Lock> => {
  const claim = { instance: run.instance, runId: run.id, now: world.clock.now() };
  const lock = await changeLock(world, run.instance, (lock) => takenLock(lock, claim));
  await recordFence(world, run.id, lock.fence);
  return lock;
};

/** Moves the end of the lock away from now. @throws FenceLost */
export const renewLock = (world: LockWorld, run: Claimant & { fence: number }): Promise<Lock> => {
  const claim = { instance: run.instance, runId: run.id, fence: run.fence, now: world.clock.now() };
  return changeLock(world, run.instance, (lock) => renewedLock(lock, claim));
};

/** Gives the lock back; when the run does not hold it, nothing happens. */
export const releaseLock = (world: Pick<World, 'state'>, run: Claimant): Promise<Lock> =>
  changeLock(world, run.instance, (lock) => releasedLock(lock, run.id));

/** The lock as it stands. */
export const readLock = async (world: Pick<World, 'state'>, instance: string): Promise<Lock> =>
  (await readRecord(world.state, lockAt(instance))) ?? NEVER_HELD;

const lockAt = (instance: string) => ({ key: stateKeys.lock(instance), schema: Lock });

const changeLock = async (world: Pick<World, 'state'>, instance: string, change: (lock: Lock) => Lock): Promise<Lock> =>
  (await update(world.state, lockAt(instance), (current) => {
    const next = change(current ?? NEVER_HELD);
    return next === current ? UNCHANGED : next;
  })) ?? NEVER_HELD;
