/**
 * The lock of one instance: at most one run changes it at a time. Stored as `<instance>/lock.json`.
 *
 * The fence grows with every new holder and never falls, so whoever holds an old number knows that it came too late.
 * A lock past its end still belongs to its run until another one takes it.
 */
import * as z from 'zod';
import { OctoError } from '../errors.ts';

/** How long a silent run keeps its instance: long enough for a host to restart. */
export const LOCK_SECONDS = 900;

export const Lock = z.strictObject({
  fence: z.number().int().min(0),
  holder: z.strictObject({ runId: z.string(), takenAt: z.string(), endsAt: z.string() }).nullable(),
});
export type Lock = z.infer<typeof Lock>;

type Claim = { instance: string; runId: string; now: Date };

/** The lock with `runId` as its holder. @throws LockHeld while another run holds it */
export const takenLock = (lock: Lock, { instance, runId, now }: Claim): Lock => {
  const { holder, fence } = lock;
  if (holder?.runId === runId) return { fence, holder: { ...holder, endsAt: endOf(now) } };
  if (holder !== null && now.toISOString() < holder.endsAt) {
    throw new OctoError('LockHeld', `${instance} is held by ${holder.runId} until ${holder.endsAt}`, {
      facts: { instance, runId: holder.runId, endsAt: holder.endsAt },
    });
  }
  return { fence: fence + 1, holder: { runId, takenAt: now.toISOString(), endsAt: endOf(now) } };
};

/** The lock with a later end. @throws FenceLost when `runId` does not hold it under this number any more */
export const renewedLock = (lock: Lock, { instance, runId, fence, now }: Claim & { fence: number }): Lock => {
  if (lock.holder?.runId !== runId || lock.fence !== fence) {
    throw new OctoError('FenceLost', `${runId} does not hold ${instance} any more`, {
      facts: { instance, runId, fence, presentFence: lock.fence, holder: lock.holder?.runId ?? null },
    });
  }
  return { fence, holder: { ...lock.holder, endsAt: endOf(now) } };
};

/** The lock without its holder, when that is `runId`. */
export const releasedLock = (lock: Lock, runId: string): Lock =>
  lock.holder?.runId === runId ? { fence: lock.fence, holder: null } : lock;

const endOf = (now: Date): string => new Date(now.getTime() + LOCK_SECONDS * 1000).toISOString();
