/**
 * What the tests of the worker share: temporary worlds, a workflow runtime that only knows its open tokens, a log to read,
 * and patience.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, vi } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Clock } from '../../lib/ports/clock.ts';
import type { HostTaskBody, HostTasks, TakenTask } from '../../lib/ports/workflow-runtime.ts';
import type { World } from '../../lib/ports/world.ts';
import { testClock } from '../clock.ts';
import { worldOver, type ServerFlags } from './world.ts';

const directories: string[] = [];

/** A new directory that is gone after the test. */
export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'octo-worker-'));
  directories.push(directory);
  return directory;
};

// Again and again, since a worker that is just ending may still write.
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

type Given = { directory?: string; clock?: Clock; server?: ServerFlags; hostTasks?: HostTasks };

/** A world over a temporary directory, where nothing else is given. */
export const makeWorld = (given: Given = {}): World =>
  worldOver({
    directory: given.directory ?? temporaryDirectory(),
    clock: testClock(),
    server: { isInMaintenance: false, nodes: [{ name: 'A', isDraining: false }] },
    ...given,
  });

export type FakeHostTasks = HostTasks & {
  offer(body: HostTaskBody): void;
  /** Tokens that a workflow waits for. */
  open: Set<string>;
  reports: { token: string; output?: unknown; error?: string }[];
  acknowledged: string[];
  beats: string[];
  isDown: boolean;
};

/** Delivers what is offered, once each time it is offered; knows which tokens are waited for. */
export const fakeHostTasks = (clock: Clock): FakeHostTasks => {
  const queue: TakenTask[] = [];
  const answer = (token: string) => {
    if (tasks.isDown) throw new OctoError('StoreUnavailable', 'no answer');
    if (!tasks.open.has(token)) throw new OctoError('TaskGone', 'nobody waits');
  };
  const tasks: FakeHostTasks = {
    open: new Set(),
    reports: [],
    acknowledged: [],
    beats: [],
    isDown: false,
    offer: (body) => {
      tasks.open.add(body.token);
      queue.push({ receipt: `receipt of ${body.token}`, body });
    },
    take: async (_host, { signal }) => {
      const found = queue.shift();
      if (found === undefined) await clock.sleep(100, signal);
      return found ?? null;
    },
    acknowledge: async ({ body }) => void tasks.acknowledged.push(body.token),
    beat: async (token) => {
      answer(token);
      tasks.beats.push(token);
    },
    succeed: async (token, output) => {
      answer(token);
      tasks.open.delete(token);
      tasks.reports.push({ token, output });
    },
    fail: async (token, { error }) => {
      answer(token);
      tasks.open.delete(token);
      tasks.reports.push({ token, error });
    },
  };
  return tasks;
};

/** For what must not be called. */
export const fail = (error: Error): never => {
  throw error;
};

/** A log whose lines can be read. */
export const memoryLog = (): Log & { lines: string[] } => {
  const lines: string[] = [];
  const line: Log['info'] = (message, detail = {}) => {
    const { error, ...rest } = detail;
    lines.push(`${message} ${JSON.stringify({ ...rest, code: error instanceof OctoError ? error.code : undefined })}`);
  };
  return { lines, info: line, warn: line, error: line };
};

/** Moves the clock on until `holds` does not throw any more: files and promises need turns that no clock knows of. */
export const advanceUntil = (
  clock: { advance(ms: number): Promise<void> },
  holds: () => unknown,
  stepMs = 1000,
): Promise<unknown> =>
  vi.waitFor(
    async () => {
      await clock.advance(stepMs);
      return holds();
    },
    { timeout: 20_000, interval: 2 },
  );
