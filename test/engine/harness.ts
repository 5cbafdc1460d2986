/**
 * What the engine's tests share: engines over temporary directories, a clock that the test moves, and ways to wait for
 * what an engine does on its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../lib/engine/runtime.ts';
import type { ExecutionDescription, ExecutionEvent, HostTaskBody } from '../../lib/ports/workflow-runtime.ts';
import { testClock, type TestClock } from '../clock.ts';
import { HOST } from './shapes.ts';

/** A directory that is gone after the test. */
export const temporaryDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'octo-engine-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
};

export type TestEngine = Engine & { clock: TestClock; directory: string };

/** A resumed engine with one workflow, `test`, that is closed after the test. */
export const engineWith = async (
  definition: unknown,
  options: Partial<Pick<EngineOptions, 'functions' | 'directory' | 'onTrouble' | 'placeholders'>> & {
    clock?: TestClock;
  } = {},
): Promise<TestEngine> => {
  const directory = options.directory ?? (await temporaryDirectory());
  const clock = options.clock ?? testClock();
  const functions = options.functions ?? { Step: async (payload: unknown) => payload };
  const engine = createEngine({ ...options, directory, clock, functions, definitions: { test: definition } });
  onTestFinished(() => engine.close());
  await engine.resume();
  return { ...engine, clock, directory };
};

/** Waits in real time until `look` finds something; only the test's own timeout ends it otherwise. */
export const eventually = async <T>(look: () => Promise<T | null | undefined | false>): Promise<T> => {
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    await pause(2);
  }
};

export const eventsOf = (engine: Engine, runId = 'run_1'): Promise<ExecutionEvent[]> =>
  Array.fromAsync(engine.workflows.history(runId));

/** Waits until the run has written `count` events of a type and waits for what comes next; gives back the last of them. */
export const written = async (engine: Engine, type: string, count = 1): Promise<ExecutionEvent> => {
  const found = await eventually(
    async () => (await eventsOf(engine)).filter((event) => event.type === type)[count - 1],
  );
  // A line can be read before it is durable: the engine answers only afterwards, when its timers are set too.
  await engine.workflows.describe('run_1');
  return found;
};

export const ended = (engine: Engine, runId = 'run_1'): Promise<ExecutionDescription> =>
  eventually(async () => {
    const description = await engine.workflows.describe(runId);
    return description && description.status !== 'RUNNING' && description;
  });

/** Lets time pass, a second after the other, until the run has ended. */
export const endedInTime = (engine: TestEngine, runId = 'run_1'): Promise<ExecutionDescription> =>
  eventually(async () => {
    await pause(2);
    await engine.clock.advance(1000);
    const description = await engine.workflows.describe(runId);
    return description && description.status !== 'RUNNING' && description;
  });

/** Starts the workflow as `run_1` and returns how it ended, for definitions that need neither time nor a worker. */
export const outcomeOf = async (
  definition: unknown,
  { input = {}, functions }: { input?: unknown; functions?: EngineOptions['functions'] } = {},
): Promise<ExecutionDescription & { events: ExecutionEvent[] }> => {
  const engine = await engineWith(definition, functions ? { functions } : {});
  await engine.workflows.start({ workflow: 'test', runId: 'run_1', input });
  return { ...(await ended(engine)), events: await eventsOf(engine) };
};

/** The next task for `HOST`, taken and acknowledged. */
export const takenTask = async (engine: Engine): Promise<HostTaskBody> => {
  const task = await eventually(() => engine.hostTasks.take(HOST, { waitSeconds: 0 }));
  await engine.hostTasks.acknowledge(task);
  return task.body;
};

/** `id<previous Type`, the way a history reads at a glance. */
export const outline = (events: ExecutionEvent[]): string[] =>
  events.map(({ id, previousEventId, type }) => `${id}<${previousEventId} ${type}`);
