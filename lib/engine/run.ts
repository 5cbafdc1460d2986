/**
 * One run that goes on: its execution in memory, its journal on disk, its next deadline.
 *
 * What happens to a run is handled one after another. Each occurrence is first written down, and only then acted upon:
 * tasks are handed out by `launch` when the transition that scheduled them is durable, so a crash at any point leads to a
 * task being handed out again, never to one that nobody knows of.
 */
import { randomUUID } from 'node:crypto';
import { OctoError } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import { applyEvent, newExecution, openTasks, type Execution, type JournalEvent, type OpenTask } from './history.ts';
import { advance, nextDeadlineMs, type Occurrence } from './interpret.ts';
import { createJournal, openJournal, type Journal } from './journal.ts';

export type Run = {
  readonly runId: string;
  /** The present; a transition under way may be in it that is not yet on disk. */
  execution(): Execution;
  /** The present as it is on disk: what may be told to others. @throws JournalUnwritable */
  durable(): Promise<Execution>;
  /** Writes down what happened and acts on it; `false` when it came too late to matter. @throws JournalUnwritable */
  submit(occurrence: Occurrence): Promise<boolean>;
  /** Like `submit`, trying again until it is written or the engine stops. For what nobody would report a second time. */
  insist(occurrence: Occurrence): Promise<void>;
  /** The worker of a task is alive. `false` when the task is gone. */
  beat(token: string): boolean;
  /** Hands out what is open and waits for the next deadline. */
  follow(): void;
  close(): Promise<void>;
};

export type RunWorld = {
  clock: Clock;
  /** Hands out a task; called once a process for each task that is open. */
  launch(run: Run, task: OpenTask): void;
  /** The run has ended and its journal is closed. */
  onEnd(run: Run): Promise<void>;
  onTrouble(error: OctoError): void;
  /** Aborted when the engine stops. */
  stopping: AbortSignal;
};

/** The longest a timer sleeps at a time: Node's timers hold 24.8 days at most. */
const LONGEST_SLEEP_MS = 86_400_000;
const PAUSE_AFTER_TROUBLE_MS = 5_000;

const momentAt = (clock: Clock) => ({ at: clock.now(), random: Math.random, uuid: () => randomUUID() });

/** Writes the first transition of a new run. @throws JournalUnwritable */
export const beginRun = async (
  at: { path: string; runId: string; start: Extract<Occurrence, { kind: 'started' }> },
  world: RunWorld,
): Promise<Run> => {
  const execution = newExecution(at.runId);
  const events = await advance(execution, at.start, momentAt(world.clock));
  return goOn({ path: at.path, execution, journal: await createJournal(at.path, events) }, world);
};

/** Reads back a run from its journal; `null` when not even its start was written. @throws JournalDamaged, JournalUnwritable */
export const reopenRun = async (at: { path: string; runId: string }, world: RunWorld): Promise<Run | null> => {
  const { journal, events } = await openJournal(at.path);
  if (events.length > 0) return goOn({ path: at.path, execution: fold(at.runId, events), journal }, world);
  await journal.close();
  return null;
};

/** The execution that a journal tells of. */
export const fold = (runId: string, events: JournalEvent[]): Execution => {
  const execution = newExecution(runId);
  for (const event of events) applyEvent(execution, event);
  return execution;
};

const goOn = (state: { path: string; execution: Execution; journal: Journal }, world: RunWorld): Run => {
  const { clock, stopping } = world;
  const inHand = new Set<number>();
  let timer = new AbortController();
  let armedForMs: number | null = null;
  let isStale = false;
  let last: Promise<unknown> = Promise.resolve();
  const startedAtMs = clock.now().getTime();
  for (const task of openTasks(state.execution)) task.lastBeatAtMs = startedAtMs;

  /** After a failed write memory is ahead of the disk, and the disk is right. */
  const reload = async (): Promise<void> => {
    if (!isStale) return;
    await state.journal.close().catch(() => {});
    const { journal, events } = await openJournal(state.path);
    Object.assign(state, { journal, execution: fold(run.runId, events) });
    for (const task of openTasks(state.execution)) task.lastBeatAtMs = clock.now().getTime();
    isStale = false;
  };

  const write = async (occurrence: Occurrence): Promise<boolean> => {
    await reload();
    const events = await advance(state.execution, occurrence, momentAt(clock));
    if (events.length > 0) {
      isStale = true;
      await state.journal.append(events);
      isStale = false;
    }
    if (events.length > 0 && state.execution.status !== 'RUNNING') await end();
    else run.follow();
    return events.length > 0;
  };

  const end = async (): Promise<void> => {
    timer.abort();
    await state.journal.close();
    await world.onEnd(run);
  };

  const arm = (): void => {
    const dueMs = nextDeadlineMs(state.execution);
    if (dueMs === armedForMs) return;
    timer.abort();
    timer = new AbortController();
    armedForMs = dueMs;
    if (dueMs !== null) void sleepUntil(dueMs, timer.signal);
  };

  const sleepUntil = async (dueMs: number, signal: AbortSignal): Promise<void> => {
    const restMs = Math.max(0, dueMs - clock.now().getTime());
    const isOver = await clock.sleep(Math.min(restMs, LONGEST_SLEEP_MS), signal).then(
      () => true,
      () => false,
    );
    if (!isOver || signal.aborted) return;
    armedForMs = null;
    await run.insist({ kind: 'timeReached' });
  };

  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = last.then(act);
    last = turn.catch(() => {});
    return turn;
  };

  const run: Run = {
    runId: state.execution.runId,
    execution: () => state.execution,
    durable: () => inTurn(() => reload().then(() => state.execution)),
    submit: (occurrence) =>
      inTurn(() => (stopping.aborted ? Promise.reject(stoppingError(run.runId)) : write(occurrence))),
    insist: async (occurrence) => {
      while (!stopping.aborted) {
        try {
          await run.submit(occurrence);
          return;
        } catch (thrown) {
          if (stopping.aborted) return;
          world.onTrouble(OctoError.from(thrown));
          await clock.sleep(PAUSE_AFTER_TROUBLE_MS, stopping).catch(() => {});
        }
      }
    },
    beat: (token) => {
      const task = openTasks(state.execution).find((open) => open.token === token);
      if (task) task.lastBeatAtMs = clock.now().getTime();
      return task !== undefined;
    },
    follow: () => {
      for (const task of openTasks(state.execution)) {
        if (inHand.has(task.id)) continue;
        inHand.add(task.id);
        world.launch(run, task);
      }
      arm();
    },
    close: async () => {
      timer.abort();
      await last;
      await state.journal.close();
    },
  };
  return run;
};

const stoppingError = (runId: string): OctoError =>
  new OctoError('JournalUnwritable', `the engine is stopping; run ${runId} goes on after the next start`);
