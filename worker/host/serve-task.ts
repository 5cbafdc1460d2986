/**
 * One recorded task, from its record to its report: alive? then work on it, beating, then record the result, then report
 * it once.
 *
 * A task whose workflow no longer waits, or that is past its time, is dropped before any effect and noted in the log. Of a
 * worker that was killed or stopped in between, the record is left, and the next one goes on from there: nothing is
 * reported as failed, since the token lives until its heartbeat runs out, and then the workflow's own Retry of
 * States.HeartbeatTimeout sends a newer attempt.
 */
import { isOctoError, OctoError } from '../../lib/domain/errors.ts';
import type { TaskRecord, TaskResult } from '../../lib/domain/runs/task-record.ts';
import type { Log } from '../../lib/log.ts';
import type { World } from '../../lib/ports/world.ts';
import type { Bench } from './bench.ts';
import type { TaskRecords } from './task-records.ts';

const BEAT_SECONDS = 20;
const FIRST_PAUSE_SECONDS = 2;
const LONGEST_PAUSE_SECONDS = 60;

type TaskWorld = Pick<World, 'hostTasks' | 'clock'>;
export type Serving = { bench: Bench; records: TaskRecords; signal: AbortSignal; log: Log };

/** Serves the task to its end; a task that must be left for the next start of the worker is left. */
export const serveTask = async (world: TaskWorld, record: TaskRecord, serving: Serving): Promise<void> => {
  const { records, log } = serving;
  const columns = { run: record.body.runId, step: record.body.state };
  try {
    const finished = record.result === null ? await work(world, record, serving) : record;
    if (finished?.result) await report(world, { ...finished, result: finished.result }, serving);
    if (finished !== null) await records.forget(finished);
  } catch (error) {
    if (isOctoError(error, 'TaskGone')) {
      log.warn('task dropped: the workflow no longer waits for it', columns);
      await records.forget(record);
    } else if (!isOctoError(error, 'WorkerStopping')) throw error;
  }
};

/** The record with its result, or `null` when the worker stops before there is one. @throws TaskGone */
const work = async (world: TaskWorld, record: TaskRecord, serving: Serving): Promise<TaskRecord | null> => {
  const { bench, records, signal, log } = serving;
  const { body } = record;
  await persist(world, { signal, log }, () => world.hostTasks.beat(body.token));
  if (world.clock.now().toISOString() > body.notAfter) return records.finish(record, tooLate(record));

  const beating = keepBeating(world, body.token, log);
  try {
    const result = await bench.perform(body, beating.gone);
    return result && (await records.finish(record, result));
  } finally {
    beating.stop();
  }
};

const tooLate = ({ body }: TaskRecord): TaskResult => {
  const error = new OctoError('TaskTooLate', `${body.state} was not begun by ${body.notAfter}`);
  return { kind: 'failed', error: error.code, cause: JSON.stringify(error.toJSON()) };
};

/** Reports until the workflow has heard it. @throws TaskGone when it no longer listens */
const report = (world: TaskWorld, record: TaskRecord & { result: TaskResult }, serving: Serving): Promise<void> => {
  const { result, body } = record;
  return persist(world, serving, () =>
    result.kind === 'done'
      ? world.hostTasks.succeed(body.token, result.output)
      : world.hostTasks.fail(body.token, { error: result.error, cause: result.cause }),
  );
};

/** Beats until stopped; `gone` fires when the workflow no longer waits. */
const keepBeating = (world: TaskWorld, token: string, log: Log): { gone: AbortSignal; stop: () => void } => {
  const stop = new AbortController();
  const gone = new AbortController();
  const beat = async (): Promise<void> => {
    while (!gone.signal.aborted) {
      await world.clock.sleep(BEAT_SECONDS * 1000, stop.signal);
      await world.hostTasks.beat(token).catch((error: unknown) => {
        if (isOctoError(error, 'TaskGone')) gone.abort(error);
        else log.warn('heartbeat not sent', { error });
      });
    }
  };
  beat().catch(() => undefined);
  return { gone: gone.signal, stop: () => stop.abort() };
};

/** Calls until it is answered, with growing pauses; a task that is gone is an answer. */
const persist = async (
  world: Pick<World, 'clock'>,
  { signal, log }: Pick<Serving, 'signal' | 'log'>,
  call: () => Promise<void>,
): Promise<void> => {
  for (let pauseSeconds = FIRST_PAUSE_SECONDS; ; pauseSeconds = Math.min(pauseSeconds * 2, LONGEST_PAUSE_SECONDS)) {
    try {
      return await call();
    } catch (error) {
      if (isOctoError(error, 'TaskGone')) throw error;
      log.warn('the workflow does not answer', { error });
      await world.clock.sleep(pauseSeconds * 1000, signal);
    }
  }
};
