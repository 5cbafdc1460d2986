/**
 * May this step go on? Asked of the run book: was the run cancelled, does it still hold its instance, does its lease on
 * the server's quiet still stand. Asking renews lock and lease by compare-and-set.
 *
 * A store that does not answer decides nothing at first; but a step that could not renew for half the lease stops before
 * its next act, so that whoever takes over after the whole of it meets nobody.
 */
import { isOctoError, OctoError } from '../../domain/errors.ts';
import { LEASE_SECONDS } from '../../domain/runs/lease.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { renewLease } from '../../repository/lease/lease.ts';
import { renewLock } from '../../repository/lease/lock.ts';
import { readCancel } from '../../repository/run-book.ts';
import type { Step } from '../step.ts';

export const RENEW_SECONDS = 20;

/** The answer is no, and stays no. */
export const isFinal = (thrown: unknown): boolean =>
  isOctoError(thrown, 'Cancelled', 'FenceLost', 'QuietLost', 'QuietTooLong');

export type RightToAct = {
  /** Asks and renews. @throws Cancelled, FenceLost, QuietLost, QuietTooLong, and what the store says */
  renew(): Promise<void>;
  /** Renews lock and lease once more after the work, so that its result is known to be undisturbed. */
  confirm(): Promise<void>;
  /** Renews when the last time is a while ago. @throws LeaseNotRenewed when it is too long ago, and what `renew` throws */
  insist(): Promise<void>;
};

type RightWorld = Pick<World, 'state' | 'clock' | 'hostDirectory'>;

/** The right of `step` to act for `run`; a way out always has it, and renews what it still can. */
export const rightToAct = (world: RightWorld, { run, step }: { run: RunRecord; step: Step }): RightToAct => {
  let renewedAtMs = world.clock.now().getTime();
  let renewing: Promise<void> | null = null;

  const keepHold = async (): Promise<void> => {
    const startedAtMs = world.clock.now().getTime();
    if (run.fence !== undefined) await renewLock(world, { ...run, fence: run.fence });
    if (step.runsOn === 'host') await renewLease(world, run.id);
    renewedAtMs = startedAtMs;
  };
  const renewOnce = async (): Promise<void> => {
    if (!step.isWayOut) await refuseCancelled(world, run);
    await keepHold().catch(unlessWayOut);
  };
  const unlessWayOut = (thrown: unknown): void => {
    if (!step.isWayOut) throw thrown;
  };
  const renew = (): Promise<void> => {
    renewing ??= renewOnce().finally(() => {
      renewing = null;
    });
    return renewing;
  };
  const ageSeconds = (): number => (world.clock.now().getTime() - renewedAtMs) / 1000;

  return {
    renew,
    confirm: async () => {
      await renewing?.catch(() => undefined);
      await keepHold().catch(unlessWayOut);
    },
    insist: async () => {
      if (step.isWayOut || ageSeconds() < RENEW_SECONDS) return;
      try {
        await renew();
      } catch (thrown) {
        if (isFinal(thrown)) throw thrown;
        if (ageSeconds() < LEASE_SECONDS / 2) return;
        throw new OctoError('LeaseNotRenewed', `${run.id} could not renew its hold on ${run.instance}`, {
          cause: thrown,
          facts: { run: run.id, ageSeconds: Math.round(ageSeconds()) },
        });
      }
    },
  };
};

const refuseCancelled = async (world: Pick<World, 'state'>, run: RunRecord): Promise<void> => {
  const cancel = await readCancel(world, run.id);
  if (cancel === null) return;
  throw new OctoError('Cancelled', `${run.id} was stopped by ${cancel.by}`, { facts: { run: run.id, by: cancel.by } });
};
