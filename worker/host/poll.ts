/**
 * The worker of one host: takes its tasks, records each before it acknowledges it, and serves tasks of different runs side
 * by side. First of all it goes on with what an earlier process left on the disk.
 *
 * When it is stopped it takes no more, aborts what is in hand, and gives back every server that it kept quiet, since
 * nobody would watch over it from then on. One process at a time works in a host directory; the caller sees to that.
 */
import { OctoError } from '../../lib/domain/errors.ts';
import type { TaskRecord } from '../../lib/domain/runs/task-record.ts';
import type { Log } from '../../lib/log.ts';
import type { World } from '../../lib/ports/world.ts';
import type { Step } from '../../lib/steps/step.ts';
import { openBench } from './bench.ts';
import { giveBack } from './lease-keeper.ts';
import { serveTask } from './serve-task.ts';
import { taskRecords } from './task-records.ts';

/** SQS holds a poll for at most 20 s. */
const WAIT_SECONDS = 20;
const PAUSE_SECONDS = 5;

export type WorkerOptions = {
  host: string;
  loadStep: (name: string) => Promise<Step>;
  /** Stops the worker. */
  signal: AbortSignal;
  log: Log;
};

/** Works until `signal` fires; resolves when all work has come to its safe point. */
export const runWorker = async (world: World, { host, loadStep, signal, log }: WorkerOptions): Promise<void> => {
  const stopping = stoppingSignal(signal);
  const records = taskRecords(world, host);
  const bench = openBench(world, { loadStep, signal: stopping, log });
  const inHand = new Map<string, Promise<void>>();

  const begin = (record: TaskRecord): void => {
    const { token, runId: run, state: step } = record.body;
    const serving = serveTask(world, record, { bench, records, signal: stopping, log })
      .catch((error: unknown) => log.error('task not served', { run, step, error }))
      .finally(() => inHand.delete(token));
    inHand.set(token, serving);
  };

  const onDamage = (error: OctoError) => log.error('a task record cannot be read', { error, host });
  for (const record of await records.all(onDamage)) begin(record);
  while (!stopping.aborted) {
    try {
      const task = await world.hostTasks.take(host, { waitSeconds: WAIT_SECONDS, signal: stopping });
      if (task === null) continue;
      // What is in hand is recorded already, or its result has just been reported.
      const record = inHand.has(task.body.token) ? null : await records.take(task.body);
      await world.hostTasks.acknowledge(task);
      if (record !== null) begin(record);
    } catch (error) {
      if (stopping.aborted) break;
      log.warn('no task could be taken', { error, host });
      await world.clock.sleep(PAUSE_SECONDS * 1000, stopping).catch(() => undefined);
    }
  }
  await Promise.all(inHand.values());
  await giveBack(world, { host, log });
};

/** Fires when `signal` does, always for the reason that steps and bench understand. */
const stoppingSignal = (signal: AbortSignal): AbortSignal => {
  const stop = new AbortController();
  const abort = () =>
    stop.abort(new OctoError('WorkerStopping', 'the worker is being stopped', { cause: signal.reason }));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return stop.signal;
};
