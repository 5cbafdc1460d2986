/**
 * Keeps the cards current on one machine: every write to the run book marks its run, and marked runs are shown again when
 * their card may be edited. What the chat did not take is tried again with growing pauses and never holds a run up.
 */
import { OctoError } from '../lib/domain/errors.ts';
import { runIdOfKey } from '../lib/domain/names.ts';
import type { Log } from '../lib/log.ts';
import type { World } from '../lib/ports/world.ts';
import { refreshCard } from '../lib/runs/report.ts';

const FIRST_RETRY_MS = 2000;
const LAST_RETRY_MS = 60_000;

export type CardKeeper = {
  /** To be called with every key written to the state store. */
  noticed(key: string): void;
  /** Shows what is still to be shown, once, and stops. */
  close(): Promise<void>;
};

export const keepCards = (world: Pick<World, 'state' | 'clock' | 'chat'>, log: Log): CardKeeper => {
  const working = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const stop = new AbortController();

  const show = async (runId: string): Promise<void> => {
    let retryMs = FIRST_RETRY_MS;
    for (;;) {
      again.delete(runId);
      const waitMs = await refreshCard(world, runId).catch((thrown: unknown) => {
        const error = OctoError.from(thrown);
        const seconds = error.facts['retryAfterSeconds'];
        // Told to slow down, it does: that is no trouble, and nobody is to read of it.
        if (typeof seconds === 'number') return seconds * 1000;
        log.warn('card not shown', { run: runId, error });
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
        // Somebody deleted it, and it is not put up again.
        return error.code === 'ChatMessageGone' ? null : retryMs;
      });
      if ((waitMs === null && !again.has(runId)) || stop.signal.aborted) return;
      await world.clock.sleep(waitMs ?? 0, stop.signal).catch(() => {});
    }
  };

  const start = (runId: string): void => {
    if (working.has(runId)) {
      again.add(runId);
      return;
    }
    working.set(
      runId,
      show(runId).finally(() => working.delete(runId)),
    );
  };

  return {
    noticed: (key) => {
      const runId = runIdOfKey(key);
      if (runId !== null) start(runId);
    },
    close: async () => {
      stop.abort();
      await Promise.all(working.values());
    },
  };
};
