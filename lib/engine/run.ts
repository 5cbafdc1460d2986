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
  /** Writes down what happened and acts on it; `false` when it came too late to matter. @throws JournalUnwritable, EngineNotReady */
  submit(occurrence: Occurrence): Promise<boolean>;
  /** The worker of a task is alive. `false` when the task is gone. */
  beat(token: string): boolean;
  /** Hands out what is open and waits for the next deadline. */
  follow(): void;
  close(): Promise<void>;
};

export type RunWorld = {
  clock: Clock;
  /** Hands out a task. `report` takes what nobody would report twice: it tries until that is written, or the engine stops. */
  launch(task: OpenTask, report: (occurrence: Occurrence) => Promise<void>): void;
  /** The run has ended and its journal is closed. */
  onEnd(runId: string): Promise<void>;
  onTrouble: (error: OctoError) => void;
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
  if (events[0]?.type !== 'ExecutionStarted')
    throw new OctoError('Bug', `run ${at.runId} cannot be started: ${execution.cause}`);
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

/** What a live run is made of. `isStale`: a write failed, so memory is ahead of the disk, and the disk is right. */
type Live = {
  path: string;
  execution: Execution;
  journal: Journal;
  world: RunWorld;
  /** Tasks that this process has handed out. */
  inHand: Set<number>;
  alarm: ReturnType<typeof alarm>;
  isStale: boolean;
  isMending: boolean;
  inTurn: InTurn;
};

const goOn = (at: { path: string; execution: Execution; journal: Journal }, world: RunWorld): Run => {
  const ring = () => void insist(live, { kind: 'timeReached' });
  const live: Live = {
    ...at,
    world,
    inHand: new Set(),
    alarm: alarm(world.clock, ring),
    isStale: false,
    isMending: false,
    inTurn: oneAfterAnother(),
  };
  startHeartbeats(live);
  return {
    runId: at.execution.runId,
    execution: () => live.execution,
    durable: () => live.inTurn(() => reload(live).then(() => live.execution)),
    submit: (occurrence) => submit(live, occurrence),
    beat: (token) => {
      const task = openTasks(live.execution).find((open) => open.token === token);
      if (task) task.lastBeatAtMs = world.clock.now().getTime();
      return task !== undefined;
    },
    follow: () => follow(live),
    close: async () => {
      live.alarm.stop();
      await live.inTurn(() => live.journal.close());
    },
  };
};

const submit = (live: Live, occurrence: Occurrence): Promise<boolean> =>
  live.inTurn(() =>
    live.world.stopping.aborted ? Promise.reject(stoppingError(live.execution.runId)) : write(live, occurrence),
  );

/** Like `submit`, trying again until it is written or the engine stops. */
const insist = async (live: Live, occurrence: Occurrence): Promise<void> => {
  const { clock, stopping, onTrouble } = live.world;
  while (!stopping.aborted) {
    try {
      await submit(live, occurrence);
      return;
    } catch (thrown) {
      if (stopping.aborted) return;
      onTrouble(OctoError.from(thrown));
      await clock.sleep(PAUSE_AFTER_TROUBLE_MS, stopping).catch(() => {});
    }
  }
};

const write = async (live: Live, occurrence: Occurrence): Promise<boolean> => {
  await reload(live);
  const events = await advance(live.execution, occurrence, momentAt(live.world.clock));
  if (events.length > 0) {
    live.isStale = true;
    try {
      await live.journal.append(events);
    } catch (thrown) {
      void mend(live);
      throw thrown;
    }
    live.isStale = false;
  }
  if (events.length > 0 && live.execution.status !== 'RUNNING') {
    live.alarm.stop();
    await live.journal.close();
    await live.world.onEnd(live.execution.runId);
  } else follow(live);
  return events.length > 0;
};

const reload = async (live: Live): Promise<void> => {
  if (!live.isStale) return;
  await live.journal.close().catch(() => {});
  const { journal, events } = await openJournal(live.path);
  Object.assign(live, { journal, execution: fold(live.execution.runId, events), isStale: false });
  startHeartbeats(live);
  // A queue may have dropped its task, seeing it answered in a transition that was never written.
  for (const { id, resourceType } of openTasks(live.execution)) if (resourceType === 'sqs') live.inHand.delete(id);
  follow(live);
};

/** Tries until the disk can be written again: nobody else may come by to notice. */
const mend = async (live: Live): Promise<void> => {
  if (live.isMending) return;
  live.isMending = true;
  await live.world.clock.sleep(PAUSE_AFTER_TROUBLE_MS, live.world.stopping).catch(() => {});
  await insist(live, { kind: 'timeReached' });
  live.isMending = false;
};

const startHeartbeats = ({ execution, world }: Live): void => {
  for (const task of openTasks(execution)) task.lastBeatAtMs = world.clock.now().getTime();
};

const follow = (live: Live): void => {
  for (const task of openTasks(live.execution)) {
    if (live.inHand.has(task.id)) continue;
    live.inHand.add(task.id);
    live.world.launch(task, (occurrence) => insist(live, occurrence));
  }
  live.alarm.set(nextDeadlineMs(live.execution));
};

/** Calls `ring` when the time is there; too early at times, since a bell that is set to a later time stays as it was. */
const alarm = (clock: Clock, ring: () => void) => {
  let timer = new AbortController();
  let setForMs: number | null = null;
  const wait = async (dueMs: number, signal: AbortSignal): Promise<void> => {
    const restMs = Math.min(Math.max(0, dueMs - clock.now().getTime()), LONGEST_SLEEP_MS);
    const isOver = await clock.sleep(restMs, signal).then(
      () => !signal.aborted,
      () => false,
    );
    if (!isOver) return;
    setForMs = null;
    ring();
  };
  return {
    set: (dueMs: number | null): void => {
      // Deadlines mostly move later, and a new timer for every transition would cost more than one that rings for nothing.
      if (dueMs === null || (setForMs !== null && setForMs <= dueMs)) return;
      timer.abort();
      timer = new AbortController();
      setForMs = dueMs;
      void wait(dueMs, timer.signal);
    },
    stop: (): void => timer.abort(),
  };
};

type InTurn = <T>(act: () => Promise<T>) => Promise<T>;

/** Runs what it is given one after the other, whatever becomes of each. */
export const oneAfterAnother = (): InTurn => {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const turn = last.then(act);
    last = turn.catch(() => {});
    return turn;
  };
};

const stoppingError = (runId: string): OctoError =>
  new OctoError('EngineNotReady', `the engine stops; run ${runId} goes on after the next start`);
