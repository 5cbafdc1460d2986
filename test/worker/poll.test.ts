/** The worker: each task has one effect and one report, whatever comes twice, late, or in between. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { OctoError } from '../../lib/domain/errors.ts';
import { LOCK_SECONDS } from '../../lib/domain/runs/lock.ts';
import type { HostTaskBody, HostTasks } from '../../lib/ports/workflow-runtime.ts';
import { claimFlags, openLease } from '../../lib/repository/lease/lease.ts';
import { takeLock } from '../../lib/repository/lease/lock.ts';
import { readRun, requestCancel } from '../../lib/repository/run-book.ts';
import { defineStep, type StepContext } from '../../lib/steps/step.ts';
import { runWorker } from '../../worker/host/poll.ts';
import { taskRecords } from '../../worker/host/task-records.ts';
import { testClock } from '../clock.ts';
import { fail, advanceUntil, fakeHostTasks, makeWorld, memoryLog, temporaryDirectory } from './support.ts';
import { enteredRun, HOST, taskBody, type ServerFlags } from './world.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** A worker whose steps do what `steps` says; `work` and `wayOut` wait until they are let go. */
const setUp = async ({ server = undefined as ServerFlags | undefined, directory = temporaryDirectory() } = {}) => {
  const clock = testClock();
  const hostTasks = fakeHostTasks(clock);
  const world = makeWorld({ clock, hostTasks, directory, ...(server ? { server } : {}) });
  const run = await enteredRun(world);
  const log = memoryLog();
  const effects: string[] = [];
  const ends: string[] = [];
  const gates = new Map<string, () => void>();
  const held = new Set<string>();

  /** Leaves its effect, then waits while its state is held. */
  const work = async ({ state, attempt, signal, beat }: StepContext): Promise<unknown> => {
    await beat();
    effects.push(state);
    try {
      if (held.has(state)) {
        await new Promise<void>((resolve, reject) => {
          gates.set(state, resolve);
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      }
      ends.push(`${state} done`);
      return { state, attempt };
    } catch (error) {
      ends.push(`${state} aborted`);
      throw error;
    }
  };
  const any = { runsOn: 'host' as const, input: z.unknown(), output: z.unknown() };
  const loadStep = async (name: string) => {
    if (name === 'unknown') throw new OctoError('Bug', 'there is no such step');
    return defineStep({ name, isWayOut: name === 'resume', ...any }, (_world, _input, context) => work(context));
  };

  const start = () => {
    const stop = new AbortController();
    const done = runWorker(world, { host: HOST, loadStep, signal: stop.signal, log });
    const stopped = () => {
      stop.abort();
      return done;
    };
    stops.push(stopped);
    return { stop: stopped };
  };
  const until = (holds: () => unknown) => advanceUntil(clock, holds, 200);
  const reported = (count: number) => until(() => expect(hostTasks.reports).toHaveLength(count));
  const hold = (state: string) => void held.add(state);
  const letGo = (state: string) => {
    held.delete(state);
    gates.get(state)?.();
  };
  const records = () => readdirSync(join(world.hostDirectory, 'tasks', HOST));
  return { clock, world, run, hostTasks, log, effects, ends, start, until, reported, hold, letGo, records };
};

describe('a task', () => {
  it('is recorded, acknowledged, worked on, reported once, and leaves no record', async () => {
    const { hostTasks, world, start, reported, records, effects, until } = await setUp();
    world.hostTasks = {
      ...hostTasks,
      acknowledge: async (task) => {
        expect(await taskRecords(world, HOST).all(fail)).toMatchObject([{ body: task.body, result: null }]);
        return hostTasks.acknowledge(task);
      },
    };
    hostTasks.offer(taskBody());
    start();
    await reported(1);
    expect(hostTasks.reports).toEqual([{ token: 'token-1', output: { state: 'Work', attempt: 0 } }]);
    expect(hostTasks.acknowledged).toEqual(['token-1']);
    await until(() => expect(records()).toEqual([]));
    expect(effects).toEqual(['Work']);
  });

  it('has one effect when it is delivered twice, while it is worked on and after', async () => {
    const { hostTasks, start, reported, effects, until, hold, letGo, records } = await setUp();
    hold('Work');
    hostTasks.offer(taskBody());
    hostTasks.offer(taskBody());
    start();
    await until(() => expect(hostTasks.acknowledged).toHaveLength(2));
    letGo('Work');
    await reported(1);
    await until(() => expect(records()).toEqual([]));
    hostTasks.offer(taskBody());
    hostTasks.open.clear();
    await until(() => expect(hostTasks.acknowledged).toHaveLength(3));
    await until(() => expect(records()).toEqual([]));
    expect(effects).toEqual(['Work']);
    expect(hostTasks.reports).toHaveLength(1);
  });

  it('is dropped and noted before any effect when its workflow no longer waits', async () => {
    const { hostTasks, start, until, records, effects, log } = await setUp();
    hostTasks.offer(taskBody());
    hostTasks.open.clear();
    start();
    await until(() => expect(log.lines).toHaveLength(1));
    expect(log.lines[0]).toContain('task dropped');
    await until(() => expect(records()).toEqual([]));
    expect(effects).toEqual([]);
  });

  it('is not begun after its time', async () => {
    const { hostTasks, start, reported, effects } = await setUp();
    hostTasks.offer(taskBody({ notAfter: '2026-03-04T01:59:59.999Z' }));
    start();
    await reported(1);
    expect(hostTasks.reports).toEqual([{ token: 'token-1', error: 'TaskTooLate' }]);
    expect(effects).toEqual([]);
  });

  it('has no effect when another run took the instance', async () => {
    const { hostTasks, world, run, clock, start, reported, effects } = await setUp();
    await takeLock(world, run);
    await clock.advance(LOCK_SECONDS * 1000);
    await takeLock(world, await enteredRun(world, 'run_00000002'));
    hostTasks.offer(taskBody());
    start();
    await reported(1);
    expect(hostTasks.reports).toEqual([{ token: 'token-1', error: 'FenceLost' }]);
    expect(effects).toEqual([]);
  });

  it('of an unknown run or step fails with that', async () => {
    const { hostTasks, start, reported } = await setUp();
    hostTasks.offer(taskBody({ runId: 'run_00000009' }));
    hostTasks.offer(taskBody({ token: 'token-2', step: 'unknown' }));
    start();
    await reported(2);
    expect(hostTasks.reports).toContainEqual({ token: 'token-1', error: 'RunUnknown' });
    expect(hostTasks.reports).toContainEqual({ token: 'token-2', error: 'Bug' });
  });
});

describe('while a task is worked on', () => {
  const beginning = async (body: Partial<HostTaskBody> = {}) => {
    const worker = await setUp();
    worker.hold('Work');
    worker.hostTasks.offer(taskBody(body));
    const { stop } = worker.start();
    await worker.until(() => expect(worker.effects).toEqual(['Work']));
    return { ...worker, stop };
  };

  it('the worker beats, also through a time without answers', async () => {
    const { hostTasks, until, letGo, reported, log, effects } = await beginning();
    await until(() => expect(hostTasks.beats.length).toBeGreaterThan(2));
    hostTasks.isDown = true;
    await until(() => expect(log.lines.join()).toContain('heartbeat not sent'));
    letGo('Work');
    await until(() => expect(log.lines.join()).toContain('the workflow does not answer'));
    expect(hostTasks.reports).toEqual([]);
    hostTasks.isDown = false;
    await reported(1);
    expect(hostTasks.reports).toEqual([{ token: 'token-1', output: { state: 'Work', attempt: 0 } }]);
    expect(effects).toEqual(['Work']);
  });

  it('and the workflow gives it up, the work is aborted and nothing reported', async () => {
    const { hostTasks, until, ends, records } = await beginning();
    hostTasks.open.clear();
    await until(() => expect(ends).toEqual(['Work aborted']));
    await until(() => expect(records()).toEqual([]));
    expect(hostTasks.reports).toEqual([]);
  });

  it('and the run is cancelled, it fails with that', async () => {
    const { world, hostTasks, run, reported } = await beginning();
    await requestCancel(world, run.id, { by: 'ben' });
    await reported(1);
    expect(hostTasks.reports).toEqual([{ token: 'token-1', error: 'Cancelled' }]);
  });

  it('a newer attempt adopts its result', async () => {
    const { hostTasks, until, letGo, reported, effects } = await beginning();
    hostTasks.offer(taskBody({ token: 'token-2', attempt: 1 }));
    await until(() => expect(hostTasks.beats).toContain('token-2'));
    hostTasks.open.delete('token-1');
    letGo('Work');
    await reported(1);
    expect(hostTasks.reports).toEqual([{ token: 'token-2', output: { state: 'Work', attempt: 0 } }]);
    expect(effects).toEqual(['Work']);
  });

  it('a newer attempt that comes while the old one is being aborted waits for its end', async () => {
    const { hostTasks, until, ends, effects, letGo, reported } = await beginning();
    hostTasks.open.clear();
    await until(() => expect(ends).toEqual(['Work aborted']));
    hostTasks.offer(taskBody({ token: 'token-2', attempt: 1 }));
    await until(() => expect(effects).toEqual(['Work', 'Work']));
    letGo('Work');
    await reported(1);
    expect(ends).toEqual(['Work aborted', 'Work done']);
    expect(hostTasks.reports).toEqual([{ token: 'token-2', output: { state: 'Work', attempt: 1 } }]);
  });

  it('another state of the same run waits, another run does not', async () => {
    const { world, hostTasks, until, effects, letGo, reported } = await beginning();
    await enteredRun(world, 'run_00000002');
    hostTasks.offer(taskBody({ token: 'token-2', state: 'Next' }));
    hostTasks.offer(taskBody({ token: 'token-3', state: 'Other', runId: 'run_00000002' }));
    await reported(1);
    expect(hostTasks.reports).toMatchObject([{ token: 'token-3' }]);
    await until(() => expect(hostTasks.beats).toContain('token-2'));
    expect(effects).toEqual(['Work', 'Other']);
    letGo('Work');
    await reported(3);
    expect(effects).toEqual(['Work', 'Other', 'Next']);
  });

  it('the way out aborts it first and waits for its end', async () => {
    const { hostTasks, ends, reported } = await beginning();
    hostTasks.offer(taskBody({ token: 'token-2', step: 'resume', state: 'Resume' }));
    await reported(2);
    expect(ends).toEqual(['Work aborted', 'Resume done']);
    expect(hostTasks.reports).toEqual(
      expect.arrayContaining([
        { token: 'token-1', error: 'TaskGone' },
        { token: 'token-2', output: { state: 'Resume', attempt: 0 } },
      ]),
    );
  });

  it('and the worker is stopped, the task is left and goes on at the next start', async () => {
    const { hostTasks, stop, ends, records, start, until, effects, letGo, reported } = await beginning();
    await stop();
    expect(ends).toEqual(['Work aborted']);
    expect(hostTasks.reports).toEqual([]);
    expect(records()).toHaveLength(1);
    start();
    await until(() => expect(effects).toEqual(['Work', 'Work']));
    letGo('Work');
    await reported(1);
    expect(hostTasks.reports).toEqual([{ token: 'token-1', output: { state: 'Work', attempt: 0 } }]);
    expect(hostTasks.acknowledged).toEqual(['token-1']);
  });
});

describe('a worker that starts', () => {
  it('reports the result that an earlier one had recorded, without working again', async () => {
    const { world, hostTasks, start, reported, effects, records, until } = await setUp();
    const book = taskRecords(world, HOST);
    hostTasks.open.add('token-1');
    await book.finish(await book.take(taskBody()), { kind: 'done', output: { found: 7 } });
    start();
    await reported(1);
    expect(hostTasks.reports).toEqual([{ token: 'token-1', output: { found: 7 } }]);
    await until(() => expect(records()).toEqual([]));
    expect(effects).toEqual([]);
  });

  it('forgets a result that nobody waits for any more', async () => {
    const { world, start, records, until, log } = await setUp();
    const book = taskRecords(world, HOST);
    await book.finish(await book.take(taskBody()), { kind: 'failed', error: 'StoreFull', cause: '{}' });
    start();
    await until(() => expect(records()).toEqual([]));
    expect(log.lines.join()).toContain('task dropped');
  });

  it('goes on asking for tasks when the queue does not answer', async () => {
    const { world, hostTasks, start, reported, log } = await setUp();
    let takes = 0;
    const take: HostTasks['take'] = (...asked) =>
      takes++ === 0 ? Promise.reject(new Error('connection refused')) : hostTasks.take(...asked);
    world.hostTasks = { ...hostTasks, take };
    hostTasks.offer(taskBody());
    start();
    await reported(1);
    expect(log.lines[0]).toContain('no task could be taken');
  });
});

describe('a worker that stops', () => {
  it('gives back the servers it kept quiet', async () => {
    const server: ServerFlags = { isInMaintenance: false, nodes: [{ name: 'A', isDraining: false }] };
    const { world, run, start, log } = await setUp({ server });
    await takeLock(world, run);
    await openLease(world, (await readRun(world, run.id))!, { quietMinutes: 60 });
    await claimFlags(world, run.id, (own) => ({ ...own, isInMaintenance: true }));
    server.isInMaintenance = true;
    await start().stop();
    expect(server.isInMaintenance).toBe(false);
    expect(log.lines.join()).toContain('server given back');
  });
});
