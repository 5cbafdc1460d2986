/**
 * Long statements watched: the caller's signal and the absence of progress both stop them in SQL Server.
 *
 * The driver's own time limit ends with the first byte of the answer, which a backup sends at its first percent, so it
 * cannot notice one that hangs later. Before giving up we ask SQL Server whether the percentage moved unseen.
 */
import type { Request } from 'mssql';
import { OctoError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Watch } from '../../ports/sql-server.ts';
import { isCancelled } from './sql-server-errors.ts';

const PERCENT_PROCESSED = 3211;
const LOOKS_PER_LIMIT = 4;

export type LongStatement = {
  request: Request;
  sql: string;
  /** The beginning of messages: `backup of "Octopus"`. */
  what: string;
  stallSeconds: number;
  clock: Clock;
  watch: Watch;
  /** The percentage as another session sees it; null when it cannot be seen. */
  lookAtPercent: () => Promise<number | null>;
};

/** Runs to the end, or stops it. @throws DatabaseStalled, the signal's reason, what the driver threw (not translated) */
export const runWatched = async (statement: LongStatement): Promise<void> => {
  const { request, sql, watch } = statement;
  watch.signal?.throwIfAborted();
  const life = { movedAt: statement.clock.now().getTime(), percent: 0 };
  const moveTo = (percent: number): void => {
    if (percent <= life.percent) return;
    life.percent = percent;
    life.movedAt = statement.clock.now().getTime();
  };
  request.on('info', ({ number, message }: { number: number; message: string }) => {
    if (number !== PERCENT_PROCESSED) return;
    const before = life.percent;
    // The text is localised; its number is not.
    moveTo(Math.min(100, Number(/\d+/.exec(message)?.[0] ?? 0)));
    if (life.percent > before) watch.onProgress?.(life.percent);
  });
  const ended = new AbortController();
  const cancel = (): void => request.cancel();
  watch.signal?.addEventListener('abort', cancel);
  const stalled = watchForStall(statement, { life, moveTo, ended: ended.signal });
  try {
    await request.query(sql);
  } catch (thrown) {
    if (isCancelled(thrown)) watch.signal?.throwIfAborted();
    ended.abort();
    throw (await stalled) ?? thrown;
  } finally {
    ended.abort();
    watch.signal?.removeEventListener('abort', cancel);
    await stalled;
  }
};

type Watching = { life: { movedAt: number }; moveTo: (percent: number) => void; ended: AbortSignal };

/** Resolves with the error once the statement was cancelled for lack of progress, or with null when it ended before. */
const watchForStall = async (
  { request, what, stallSeconds, clock, lookAtPercent }: LongStatement,
  { life, moveTo, ended }: Watching,
): Promise<OctoError | null> => {
  for (;;) {
    await clock.sleep((stallSeconds * 1000) / LOOKS_PER_LIMIT, ended).catch(() => {});
    if (ended.aborted) return null;
    const quietSeconds = (): number => (clock.now().getTime() - life.movedAt) / 1000;
    if (quietSeconds() < stallSeconds) continue;
    moveTo((await lookAtPercent().catch(() => null)) ?? 0);
    if (ended.aborted) return null;
    if (quietSeconds() < stallSeconds) continue;
    request.cancel();
    return new OctoError('DatabaseStalled', `${what} made no progress for ${stallSeconds} s`, {
      facts: { stallSeconds },
    });
  }
};
