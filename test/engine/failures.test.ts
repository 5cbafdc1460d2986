/** Retry, Catch, timeouts and heartbeats, under a clock that only the test moves. */
import { describe, expect, test } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import { planRetry } from '../../lib/engine/failure.ts';
import {
  ended,
  endedInTime,
  engineWith,
  eventsOf,
  outcomeOf,
  outline,
  takenTask,
  written,
  type TestEngine,
} from './harness.ts';
import { cloudTask, hostTask, machine } from './shapes.ts';

const failing = (times: number) => {
  let calls = 0;
  return {
    Step: async () => {
      calls += 1;
      if (calls <= times) throw new OctoError('JournalUnwritable', 'no space', { facts: { calls } });
      return calls;
    },
  };
};

const secondsBetween = async (engine: TestEngine, type: string): Promise<number[]> => {
  const at = (await eventsOf(engine))
    .filter((event) => event.type === type)
    .map(({ timestamp }) => Date.parse(timestamp));
  return at.slice(1).map((ms, index) => (ms - (at[index] ?? 0)) / 1000);
};

const start = (engine: TestEngine) => engine.workflows.start({ workflow: 'test', runId: 'run_1', input: { in: 1 } });

describe('Retry', () => {
  test('repeats the task without leaving the state, after growing pauses up to their limit', async () => {
    const retry = {
      ErrorEquals: ['JournalUnwritable'],
      IntervalSeconds: 2,
      BackoffRate: 3,
      MaxAttempts: 4,
      MaxDelaySeconds: 10,
    };
    const engine = await engineWith(
      machine({
        Call: cloudTask('{% $states.context.State.RetryCount %}', {
          Retry: [retry],
          Output: '{% $states.result.Payload %}',
          End: true,
        }),
      }),
      { functions: failing(4) },
    );
    await start(engine);
    for (const [index, seconds] of [2, 6, 10, 10].entries()) {
      await written(engine, 'TaskFailed', index + 1);
      await engine.clock.advance(seconds * 1000);
    }
    expect(await ended(engine)).toMatchObject({ status: 'SUCCEEDED', output: 5 });
    expect(await secondsBetween(engine, 'TaskScheduled')).toEqual([2, 6, 10, 10]);
    const events = await eventsOf(engine);
    expect(outline(events).slice(1, 8)).toEqual([
      '2<0 TaskStateEntered',
      '3<2 TaskScheduled',
      '4<3 TaskStarted',
      '5<4 TaskFailed',
      '6<5 TaskScheduled',
      '7<6 TaskStarted',
      '8<7 TaskFailed',
    ]);
    const payloads = events
      .filter(({ type }) => type === 'TaskScheduled')
      .map(({ details }) => JSON.parse(String(details['parameters'])).Payload);
    expect(payloads).toEqual([0, 1, 2, 3, 4]);
  });

  test('counts each retrier by itself', () => {
    const retriers = [
      { ErrorEquals: ['A'], MaxAttempts: 1, IntervalSeconds: 1 },
      { ErrorEquals: ['A', 'B'], MaxAttempts: 2, IntervalSeconds: 7 },
    ];
    const moment = { at: new Date('2026-03-04T00:00:00Z'), random: () => 0.5, uuid: () => 'id' };
    const plan = (error: string, used: number[]) => planRetry(retriers, { error }, { used, moment });
    expect(plan('A', [0, 2])).toEqual({ retrier: 0, until: '2026-03-04T00:00:01.000Z' });
    expect(plan('A', [1])).toBeNull();
    expect(plan('B', [1])).toEqual({ retrier: 1, until: '2026-03-04T00:00:07.000Z' });
    expect(plan('B', [1, 2])).toBeNull();
    expect(plan('C', [])).toBeNull();
    expect(
      planRetry(
        [{ ErrorEquals: ['A'], IntervalSeconds: 8, JitterStrategy: 'FULL' }],
        { error: 'A' },
        { used: [], moment },
      ),
    ).toEqual({
      retrier: 0,
      until: '2026-03-04T00:00:04.000Z',
    });
  });

  test('that is used up leads to Catch', async () => {
    const engine = await engineWith(
      machine({
        Call: cloudTask(1, {
          Retry: [{ ErrorEquals: ['JournalUnwritable'], MaxAttempts: 1 }],
          Catch: [
            {
              ErrorEquals: ['JournalUnwritable'],
              Assign: { was: '{% $states.input %}' },
              Output: '{% $parse($states.errorOutput.Cause) %}',
              Next: 'Caught',
            },
          ],
          End: true,
        }),
        Caught: { Type: 'Pass', Output: { was: '{% $was %}', error: '{% $states.input %}' }, End: true },
      }),
      { functions: failing(9) },
    );
    await start(engine);
    expect(await endedInTime(engine)).toMatchObject({
      status: 'SUCCEEDED',
      output: { was: { in: 1 }, error: { code: 'JournalUnwritable', message: 'no space', facts: { calls: 2 } } },
    });
    expect(outline(await eventsOf(engine)).slice(-5)).toEqual([
      '8<7 TaskFailed',
      '9<8 TaskStateExited',
      '10<9 PassStateEntered',
      '11<10 PassStateExited',
      '12<11 ExecutionSucceeded',
    ]);
  });
});

describe('Catch', () => {
  const caught = (ErrorEquals: string[], state: object) =>
    machine({ Do: { ...state, Catch: [{ ErrorEquals, Next: 'Caught' }] }, Caught: { Type: 'Pass', End: true } });

  test('gives on error and cause where it says nothing else', async () => {
    const { output } = await outcomeOf(caught(['States.TaskFailed'], cloudTask(1, { End: true })), {
      functions: failing(1),
    });
    expect(output).toMatchObject({ Error: 'JournalUnwritable', Cause: expect.stringContaining('no space') as string });
  });

  test('sees an expression without a value', async () => {
    const definition = caught(['States.QueryEvaluationError'], cloudTask('{% $states.input.nothing %}', { End: true }));
    const { output, events } = await outcomeOf(definition);
    expect(output).toMatchObject({ Error: 'States.QueryEvaluationError' });
    expect(outline(events).slice(1, 4)).toEqual([
      '2<0 TaskStateEntered',
      '3<2 EvaluationFailed',
      '4<3 TaskStateExited',
    ]);
    expect(events[2]?.details).toMatchObject({
      state: 'Do',
      error: 'States.QueryEvaluationError',
      location: 'Arguments/Payload',
    });
  });

  test('does not hide what no state can go on from', async () => {
    const functions = { Step: async () => 'x'.repeat(300_000) };
    const outcome = await outcomeOf(caught(['States.ALL'], cloudTask(1, { End: true })), { functions });
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  test('whose own output has no value fails the run', async () => {
    const definition = machine({
      Do: cloudTask(1, {
        Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.input.no %}', Next: 'Caught' }],
        End: true,
      }),
      Caught: { Type: 'Pass', End: true },
    });
    const outcome = await outcomeOf(definition, { functions: failing(1) });
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
    expect(outcome.events.at(-2)?.details).toMatchObject({ location: 'Catch[0].Output' });
  });

  test('what nothing catches fails the run with code and facts', async () => {
    const outcome = await outcomeOf(machine({ Do: cloudTask(1, { End: true }) }), { functions: failing(1) });
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'JournalUnwritable' });
    expect(JSON.parse(outcome.cause ?? '')).toEqual({
      code: 'JournalUnwritable',
      message: 'no space',
      facts: { calls: 1 },
    });
    expect(outline(outcome.events).slice(-2)).toEqual(['5<4 TaskFailed', '6<5 ExecutionFailed']);
  });

  test('a program that breaks is a Bug', async () => {
    const functions = { Step: () => Promise.reject(new TypeError('x is undefined')) };
    expect(await outcomeOf(machine({ Do: cloudTask(1, { End: true }) }), { functions })).toMatchObject({
      error: 'Bug',
    });
  });
});

describe('time', () => {
  const waiting = (rest: object) => engineWith(machine({ Ask: hostTask(1, { End: true, ...rest }) }));

  test('TimeoutSeconds ends a task however much it beats', async () => {
    const engine = await waiting({ HeartbeatSeconds: 10, TimeoutSeconds: 25 });
    await start(engine);
    const { token } = await takenTask(engine);
    for (let second = 5; second <= 20; second += 5) {
      await engine.clock.advance(5000);
      await engine.hostTasks.beat(token);
    }
    await engine.clock.advance(5000);
    expect(await ended(engine)).toMatchObject({
      status: 'FAILED',
      error: 'States.Timeout',
      stoppedAt: '2026-03-04T02:00:25.000Z',
    });
    expect(outline(await eventsOf(engine)).slice(-2)).toEqual(['6<5 TaskTimedOut', '7<6 ExecutionFailed']);
    await expect(engine.hostTasks.beat(token)).rejects.toMatchObject({ code: 'TaskGone' });
    await expect(engine.hostTasks.succeed(token, 1)).rejects.toMatchObject({ code: 'TaskGone' });
    await expect(engine.hostTasks.fail(token, { error: 'E', cause: '' })).rejects.toMatchObject({ code: 'TaskGone' });
  });

  test('a missed heartbeat is recorded as States.Timeout', async () => {
    const engine = await waiting({ HeartbeatSeconds: 10 });
    await start(engine);
    const { token } = await takenTask(engine);
    await engine.clock.advance(9000);
    await engine.hostTasks.beat(token);
    await engine.clock.advance(9999);
    expect(await engine.workflows.describe('run_1')).toMatchObject({ status: 'RUNNING' });
    await engine.clock.advance(1);
    expect(await ended(engine)).toMatchObject({ error: 'States.Timeout', cause: 'no heartbeat for 10 s' });
  });

  test.each(['States.HeartbeatTimeout', 'States.Timeout', 'States.ALL'])(
    'a missed heartbeat is caught as %s',
    async (name) => {
      const engine = await engineWith(
        machine({
          Ask: hostTask(1, { HeartbeatSeconds: 10, Catch: [{ ErrorEquals: [name], Next: 'Caught' }], End: true }),
          Caught: { Type: 'Succeed' },
        }),
      );
      await start(engine);
      await written(engine, 'TaskSubmitted');
      await engine.clock.advance(10_000);
      expect(await ended(engine)).toMatchObject({ status: 'SUCCEEDED', output: { Error: 'States.Timeout' } });
    },
  );

  test('a timeout is no States.HeartbeatTimeout and no States.TaskFailed', async () => {
    const engine = await engineWith(
      machine({
        Ask: hostTask(1, {
          TimeoutSeconds: 10,
          Catch: [{ ErrorEquals: ['States.HeartbeatTimeout', 'States.TaskFailed'], Next: 'Caught' }],
          End: true,
        }),
        Caught: { Type: 'Succeed' },
      }),
    );
    await start(engine);
    await written(engine, 'TaskSubmitted');
    await engine.clock.advance(10_000);
    expect(await ended(engine)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  });

  test('a run has its own limit', async () => {
    const engine = await engineWith({ ...machine({ Ask: hostTask(1, { End: true }) }), TimeoutSeconds: 60 });
    await start(engine);
    const { token } = await takenTask(engine);
    await engine.clock.advance(60_000);
    expect(await ended(engine)).toMatchObject({ status: 'TIMED_OUT' });
    expect((await eventsOf(engine)).at(-1)?.type).toBe('ExecutionTimedOut');
    await expect(engine.hostTasks.beat(token)).rejects.toMatchObject({ code: 'TaskGone' });
  });

  test('an endless loop ends at the number of events that Step Functions allows', async () => {
    const outcome = await outcomeOf(machine({ A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } }));
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(outcome.events).toHaveLength(25_000);
  });
});
