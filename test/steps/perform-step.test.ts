/** Performing a step: what people see of it, and when it must stop. */
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { OctoError } from '../../lib/domain/errors.ts';
import { LEASE_SECONDS } from '../../lib/domain/runs/lease.ts';
import { LOCK_SECONDS } from '../../lib/domain/runs/lock.ts';
import { stateKeys } from '../../lib/domain/names.ts';
import { StepNote } from '../../lib/domain/runs/run.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import type { World } from '../../lib/ports/world.ts';
import { markRestored, openLease, readLease } from '../../lib/repository/lease/lease.ts';
import { readLock, takeLock } from '../../lib/repository/lease/lock.ts';
import { endWait, readRun, requestCancel } from '../../lib/repository/run-book.ts';
import { RENEW_SECONDS } from '../../lib/steps/performing/right-to-act.ts';
import { performCloudStep, performStep } from '../../lib/steps/performing/perform-step.ts';
import { defineStep, type Step, type StepContext } from '../../lib/steps/step.ts';
import { testClock } from '../clock.ts';
import { advanceUntil, makeWorld } from '../worker/support.ts';
import { enteredRun, taskBody } from '../worker/world.ts';

type Work = (context: StepContext, world: World) => Promise<unknown>;

const stepOf = (work: Work, declaration: Partial<Step> = {}): Step => ({
  ...defineStep({ name: 'work', runsOn: 'host', input: z.unknown(), output: z.unknown() }, (world, _input, context) =>
    work(context, world),
  ),
  ...declaration,
});

const setUp = async () => {
  const clock = testClock();
  const world = makeWorld({ clock });
  const run = await enteredRun(world);
  const stop = new AbortController();
  const perform = (step: Step, attempt = 0) =>
    performStep(world, step, { request: taskBody({ attempt }), signal: stop.signal });
  const note = async () => {
    const object = await world.state.read(stateKeys.stepNote(run.id, 'Work'));
    return object && StepNote.parse(JSON.parse(object.bytes.toString()));
  };
  return { clock, world, run, stop, perform, note };
};

/** Works, beating every second of the clock, until something makes it stop. */
const endless: Work = async ({ beat, signal }, world) => {
  for (;;) {
    await beat();
    await world.clock.sleep(1000, signal);
  }
};

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as OctoError).code,
  );

/** The code with which `work` ends while the clock goes on. */
const endOf = async (clock: ReturnType<typeof testClock>, work: Promise<unknown>): Promise<string> => {
  let code: string | undefined;
  void codeOf(work).then((ended) => (code = ended));
  await advanceUntil(clock, () => {
    expect(code).toBeDefined();
  });
  return code!;
};

describe('the note of a state', () => {
  it('stays open when the state goes on waiting for people, until it is ended', async () => {
    const { perform, note, world, run } = await setUp();
    await perform(stepOf(() => Promise.resolve({}), { leavesWaiting: () => true }));
    expect(await note()).toMatchObject({ status: 'running', endedAt: null });
    await endWait(world, run.id, { state: 'Work', text: 'approved ben' });
    await endWait(world, run.id, { state: 'Work', text: 'too late' });
    expect(await note()).toMatchObject({ status: 'done', text: 'approved ben' });
  });

  it('says that it runs, what it found last, and that it is done', async () => {
    const { perform, note } = await setUp();
    const output = await perform(
      stepOf(async ({ beat }) => {
        expect(await note()).toMatchObject({ status: 'running', text: '', percent: null });
        await beat({ percent: 100, text: '12 files' });
        return { files: 12 };
      }),
    );
    expect(output).toEqual({ files: 12 });
    expect(await note()).toMatchObject({ status: 'done', percent: 100, text: '12 files', error: null });
  });

  it('is not written more often than people can read', async () => {
    const { perform, world, clock } = await setUp();
    const key = stateKeys.stepNote('run_00000001', 'Work');
    let changes = 0;
    const { state } = world;
    const change: ObjectStore['change'] = (at, ...rest) => {
      if (at === key) changes++;
      return state.change(at, ...rest);
    };
    world.state = { ...state, change };
    await perform(
      stepOf(async ({ beat }) => {
        for (let percent = 1; percent <= 50; percent++) {
          await beat({ percent });
          if (percent % 10 === 0) await clock.advance(5000);
        }
      }),
    );
    // 1 % comes too early, then one each five seconds, then the end.
    expect(changes).toBe(5);
  });

  it('names code and advice of a failure', async () => {
    const { perform, note } = await setUp();
    const failing = stepOf(() => Promise.reject(new OctoError('StoreFull', 'no room for "x"')));
    await expect(perform(failing)).rejects.toMatchObject({ code: 'StoreFull' });
    expect(await note()).toMatchObject({
      status: 'failed',
      error: { code: 'StoreFull', message: 'no room for "x"', state: 'Work', advice: expect.stringContaining('room') },
    });
  });

  it('shows the second attempt as running again', async () => {
    const { perform, note } = await setUp();
    await expect(perform(stepOf(() => Promise.reject(new Error('odd'))))).rejects.toMatchObject({ code: 'Bug' });
    await perform(
      stepOf(async () => {
        expect(await note()).toMatchObject({ status: 'running', attempt: 1, error: null });
      }),
      1,
    );
    expect(await note()).toMatchObject({ status: 'done', attempt: 1 });
  });

  it('holds no work up when it cannot be written', async () => {
    const { perform, world } = await setUp();
    const { state } = world;
    const create: ObjectStore['create'] = (key, ...rest) =>
      key.includes('/steps/')
        ? Promise.reject(new OctoError('StoreUnavailable', 'no answer'))
        : state.create(key, ...rest);
    world.state = { ...state, create };
    expect(await perform(stepOf(async () => 'done all the same'))).toBe('done all the same');
  });
});

describe('what a step may give', () => {
  it('is at most 8 KB', async () => {
    const { perform, note } = await setUp();
    expect(await perform(stepOf(async () => 'x'.repeat(8190)))).toHaveLength(8190);
    await expect(
      perform(
        stepOf(async () => 'x'.repeat(8191)),
        1,
      ),
    ).rejects.toMatchObject({ code: 'Bug' });
    expect(await note()).toMatchObject({ status: 'failed', error: { code: 'Bug' } });
  });

  it('comes from a run that exists, and in the cloud from a cloud step', async () => {
    const { world } = await setUp();
    const { signal } = new AbortController();
    const unknown = taskBody({ runId: 'run_00000009' });
    const step = stepOf(async () => 1, { runsOn: 'cloud' });
    await expect(performStep(world, step, { request: unknown, signal })).rejects.toMatchObject({ code: 'RunUnknown' });
    const inCloud = (runsOn: Step['runsOn']) =>
      performCloudStep(world, { payload: taskBody(), loadStep: async () => ({ ...step, runsOn }) });
    expect(await inCloud('cloud')).toBe(1);
    await expect(inCloud('host')).rejects.toMatchObject({ code: 'Bug' });
  });
});

describe('a step stops', () => {
  it('when the run is cancelled, with that as its reason', async () => {
    const { perform, world, run, clock, note } = await setUp();
    const ended = endOf(clock, perform(stepOf(endless)));
    await requestCancel(world, run.id, { by: 'ben' });
    expect(await ended).toBe('Cancelled');
    expect(await note()).toMatchObject({ status: 'failed', error: { message: `${run.id} was stopped by ben` } });
  });

  it('before it begins when the run was cancelled or lost its lock', async () => {
    const { perform, world, run, clock } = await setUp();
    await takeLock(world, run);
    await clock.advance(LOCK_SECONDS * 1000);
    await takeLock(world, await enteredRun(world, 'run_00000002'));
    let effects = 0;
    expect(await codeOf(perform(stepOf(async () => effects++)))).toBe('FenceLost');

    const second = await setUp();
    await requestCancel(second.world, run.id, { by: 'ben' });
    expect(await codeOf(second.perform(stepOf(async () => effects++)))).toBe('Cancelled');
    expect(effects).toBe(0);
  });

  it('when the lock went to another run while it worked, even if it never beats', async () => {
    const { perform, world, run, clock } = await setUp();
    await takeLock(world, run);
    const other = await enteredRun(world, 'run_00000002');
    const deaf = stepOf(async ({ signal }, { clock }) => {
      const lock = await readLock(world, 'prod');
      const past = { ...lock, holder: { ...lock.holder, endsAt: '2026-01-01T00:00:00.000Z' } };
      const { etag } = (await world.state.head(stateKeys.lock('prod')))!;
      await world.state.change(stateKeys.lock('prod'), Buffer.from(JSON.stringify(past)), { etag });
      await takeLock(world, other);
      await clock.sleep(3_600_000, signal);
    });
    expect(await endOf(clock, perform(deaf))).toBe('FenceLost');
  });

  it('when the server was given back meanwhile, even if the work itself succeeds', async () => {
    const { perform, world, run } = await setUp();
    await takeLock(world, run);
    const lease = await openLease(world, (await readRun(world, run.id))!, { quietMinutes: 60 });
    expect(await codeOf(perform(stepOf(() => markRestored(world, lease))))).toBe('QuietLost');
    let effects = 0;
    expect(
      await codeOf(
        perform(
          stepOf(async () => effects++),
          1,
        ),
      ),
    ).toBe('QuietLost');
    expect(effects).toBe(0);
  });

  it('before its next act when it could not renew for half the lease', async () => {
    const { perform, world, run, clock } = await setUp();
    await takeLock(world, run);
    const startedAtMs = clock.now().getTime();
    const ended = endOf(
      clock,
      perform(
        stepOf((context, world) => {
          world.state.read = () => Promise.reject(new OctoError('StoreUnavailable', 'no answer'));
          return endless(context, world);
        }),
      ),
    );
    expect(await ended).toBe('LeaseNotRenewed');
    expect(clock.now().getTime() - startedAtMs).toBeGreaterThanOrEqual((LEASE_SECONDS / 2) * 1000);
  });

  it('for the reason its caller has, whatever the abort made it throw', async () => {
    const { perform, stop, note } = await setUp();
    const work = perform(
      stepOf(
        ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('connection reset')));
            stop.abort(new OctoError('TaskGone', 'nobody waits'));
          }),
      ),
    );
    expect(await codeOf(work)).toBe('TaskGone');
    expect(await note()).toMatchObject({ status: 'failed', error: { code: 'TaskGone' } });
  });

  it('and still counts as running when only its worker stops', async () => {
    const { perform, stop, note, clock } = await setUp();
    const ended = endOf(clock, perform(stepOf(endless)));
    stop.abort(new OctoError('WorkerStopping', 'the worker is being stopped'));
    expect(await ended).toBe('WorkerStopping');
    expect(await note()).toMatchObject({ status: 'running', text: expect.stringContaining('stopped') });
  });
});

describe('while a step works', () => {
  it('lock and lease are renewed, whether it beats or not', async () => {
    const { perform, world, run, clock } = await setUp();
    await takeLock(world, run);
    const lease = await openLease(world, (await readRun(world, run.id))!, { quietMinutes: 60 });
    const work = perform(stepOf((_context, { clock }) => clock.sleep(2 * LEASE_SECONDS * 1000)));
    for (let passed = 0; passed < 2 * LEASE_SECONDS; passed += RENEW_SECONDS) {
      const due = new Date(clock.now().getTime() + (RENEW_SECONDS + LEASE_SECONDS) * 1000).toISOString();
      await vi.waitUntil(() => clock.sleeping() === 2);
      await clock.advance(RENEW_SECONDS * 1000);
      await vi.waitFor(async () => expect((await readLease(world, run.id))?.endsAt).toBe(due));
    }
    await work;
    const end = new Date(clock.now().getTime() + LOCK_SECONDS * 1000).toISOString();
    expect((await readLock(world, 'prod')).holder?.endsAt).toBe(end);
    expect(Date.parse(lease.endsAt)).toBeLessThan(clock.now().getTime());
  });

  it('a way out goes on, cancelled or not, with the lock or without', async () => {
    const { perform, world, run, clock } = await setUp();
    await takeLock(world, run);
    await clock.advance(LOCK_SECONDS * 1000);
    await takeLock(world, await enteredRun(world, 'run_00000002'));
    await requestCancel(world, run.id, { by: 'ben' });
    const wayOut = stepOf(
      async ({ beat }) => {
        await clock.advance(60_000);
        await beat({ text: 'putting back' });
        return 'back';
      },
      { isWayOut: true },
    );
    expect(await perform(wayOut)).toBe('back');
  });
});
