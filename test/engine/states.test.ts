/**
 * Each type of state, by the events it writes. The sequences and the ids they refer back to are those that AWS was
 * recorded to write for the like definitions (LocalStack's validated Step Functions snapshots), restated.
 */
import { describe, expect, test } from 'vitest';
import { ended, engineWith, eventsOf, outcomeOf, outline, takenTask, written } from './harness.ts';
import { PERSON, cloudTask, hostTask, machine } from './shapes.ts';

const details = (events: { type: string; details: Record<string, unknown> }[], type: string) =>
  events.filter((event) => event.type === type).map((event) => event.details);

describe('Pass and variables', () => {
  test('passes its input on and assigns variables that later states read', async () => {
    const { events, output } = await outcomeOf(
      machine({
        State0: {
          Type: 'Pass',
          Assign: { name: '{% $states.input.value %}', one: 1, all: [null, {}] },
          Next: 'State1',
        },
        State1: { Type: 'Pass', Output: { name: '{% $name & "!" %}', sum: '{% $one + 1 %}' }, End: true },
      }),
      { input: { value: 'literal' } },
    );
    expect(outline(events)).toEqual([
      '1<0 ExecutionStarted',
      '2<0 PassStateEntered',
      '3<2 PassStateExited',
      '4<3 PassStateEntered',
      '5<4 PassStateExited',
      '6<5 ExecutionSucceeded',
    ]);
    expect(events[2]?.details).toEqual({
      name: 'State0',
      output: '{"value":"literal"}',
      assignedVariables: { name: '"literal"', one: '1', all: '[null,{}]' },
    });
    expect(output).toEqual({ name: 'literal!', sum: 2 });
  });

  test('assigns all variables at once, from what they were before', async () => {
    const { output } = await outcomeOf(
      machine({
        First: { Type: 'Pass', Assign: { a: 1, b: 2 }, Next: 'Swap' },
        Swap: { Type: 'Pass', Assign: { a: '{% $b %}', b: '{% $a %}' }, Output: '{% [$a, $b] %}', Next: 'Show' },
        Show: { Type: 'Pass', Output: { before: '{% $states.input %}', after: '{% [$a, $b] %}' }, End: true },
      }),
    );
    expect(output).toEqual({ before: [1, 2], after: [2, 1] });
  });
});

describe('Task', () => {
  test('calls the function its placeholder names, with the evaluated payload', async () => {
    const { events, output } = await outcomeOf(
      machine({ Call: cloudTask({ twice: '{% $states.input.n * 2 %}' }, { TimeoutSeconds: 5, End: true }) }),
      { input: { n: 4 }, functions: { Step: async (payload) => ({ got: payload }) } },
    );
    expect(outline(events)).toEqual([
      '1<0 ExecutionStarted',
      '2<0 TaskStateEntered',
      '3<2 TaskScheduled',
      '4<3 TaskStarted',
      '5<4 TaskSucceeded',
      '6<5 TaskStateExited',
      '7<6 ExecutionSucceeded',
    ]);
    expect(events[2]?.details).toMatchObject({
      resourceType: 'lambda',
      resource: 'invoke',
      parameters: '{"FunctionName":"${Step}","Payload":{"twice":8}}',
      timeoutInSeconds: 5,
    });
    expect(output).toEqual({ ExecutedVersion: '$LATEST', Payload: { got: { twice: 8 } }, StatusCode: 200 });
  });

  test('of a host waits for the answer to its token', async () => {
    const engine = await engineWith(
      machine({ Ask: hostTask({ n: 1 }, { HeartbeatSeconds: 60, TimeoutSeconds: 600, End: true }) }),
    );
    await engine.workflows.start({ workflow: 'test', runId: 'run_1', input: {} });
    const task = await takenTask(engine);
    expect(task).toMatchObject({ runId: 'run_1', state: 'Ask', attempt: 0, input: { n: 1 } });
    await engine.hostTasks.succeed(task.token, 'done');
    expect(await ended(engine)).toMatchObject({ status: 'SUCCEEDED', output: 'done' });
    const events = await eventsOf(engine);
    expect(outline(events)).toEqual([
      '1<0 ExecutionStarted',
      '2<0 TaskStateEntered',
      '3<2 TaskScheduled',
      '4<3 TaskStarted',
      '5<4 TaskSubmitted',
      '6<5 TaskSucceeded',
      '7<6 TaskStateExited',
      '8<7 ExecutionSucceeded',
    ]);
    expect(events[2]?.details).toMatchObject({
      resourceType: 'sqs',
      resource: 'sendMessage.waitForTaskToken',
      heartbeatInSeconds: 60,
      timeoutInSeconds: 600,
    });
    expect(events[5]?.details).toMatchObject({ output: '"done"' });
  });

  test('of a person calls the function with the token, and waits on after it returned', async () => {
    const tokens: (string | undefined)[] = [];
    const ask = {
      Type: 'Task',
      Resource: PERSON,
      Arguments: { FunctionName: '${Step}', Payload: { token: '{% $states.context.Task.Token %}' } },
      End: true,
    };
    const engine = await engineWith(machine({ Ask: ask }), {
      functions: {
        Step: async (payload, { taskToken }) => {
          tokens.push(taskToken, (payload as { token: string }).token);
        },
      },
    });
    await engine.workflows.start({ workflow: 'test', runId: 'run_1', input: {} });
    await written(engine, 'TaskSubmitted');
    expect(tokens).toHaveLength(2);
    expect(tokens[0]).toBe(tokens[1]);
    await engine.hostTasks.succeed(String(tokens[0]), { approved: true });
    expect(await ended(engine)).toMatchObject({ output: { approved: true } });
  });
});

describe('Choice', () => {
  const choice = machine({
    Which: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input.n > 10 %}', Assign: { size: 'large' }, Output: 'L', Next: 'Show' },
        { Condition: '{% $states.input.n > 5 %}', Assign: { size: 'middle' }, Next: 'Show' },
      ],
      Assign: { size: 'small' },
      Default: 'Show',
    },
    Show: { Type: 'Pass', Output: { size: '{% $size %}', input: '{% $states.input %}' }, End: true },
  });

  test.each([
    [11, { size: 'large', input: 'L' }],
    [6, { size: 'middle', input: { n: 6 } }],
    [1, { size: 'small', input: { n: 1 } }],
  ])('takes the first rule that holds, with its own output and variables (%i)', async (n, expected) => {
    const { output, events } = await outcomeOf(choice, { input: { n } });
    expect(output).toEqual(expected);
    expect(outline(events).slice(1, 4)).toEqual([
      '2<0 ChoiceStateEntered',
      '3<2 ChoiceStateExited',
      '4<3 PassStateEntered',
    ]);
  });

  test.each([
    ['no rule holds', false, 'States.NoChoiceMatched'],
    ['a condition is no truth value', '{% 1 %}', 'States.QueryEvaluationError'],
    ['a condition has no value', '{% $states.input.nothing %}', 'States.QueryEvaluationError'],
  ])('fails when %s', async (_case, Condition, error) => {
    const states = { Which: { Type: 'Choice', Choices: [{ Condition, Next: 'End' }] }, End: { Type: 'Succeed' } };
    expect(await outcomeOf(machine(states))).toMatchObject({ status: 'FAILED', error });
  });
});

describe('Succeed and Fail', () => {
  test('Succeed ends the run with its output', async () => {
    const { events, output } = await outcomeOf(machine({ End: { Type: 'Succeed', Output: { ok: true } } }));
    expect(output).toEqual({ ok: true });
    expect(outline(events).slice(1)).toEqual([
      '2<0 SucceedStateEntered',
      '3<2 SucceedStateExited',
      '4<3 ExecutionSucceeded',
    ]);
  });

  test('Fail ends the run with its error and cause', async () => {
    const fail = { Type: 'Fail', Error: '{% "Code" & $states.input.n %}', Cause: 'why' };
    const outcome = await outcomeOf(machine({ End: fail }), { input: { n: 7 } });
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'Code7', cause: 'why', output: null });
    expect(outline(outcome.events).slice(1)).toEqual(['2<0 FailStateEntered', '3<2 ExecutionFailed']);
  });
});

describe('Wait', () => {
  test.each([
    ['seconds', { Seconds: '{% $states.input.pause %}' }],
    ['a time', { Timestamp: '2026-03-04T02:05:00Z' }],
  ])('waits until %s have come', async (_case, fields) => {
    const engine = await engineWith(machine({ Nap: { Type: 'Wait', ...fields, End: true } }));
    await engine.workflows.start({ workflow: 'test', runId: 'run_1', input: { pause: 300 } });
    await engine.clock.advance(299_000);
    expect(await engine.workflows.describe('run_1')).toMatchObject({ status: 'RUNNING' });
    await engine.clock.advance(1000);
    expect(await ended(engine)).toMatchObject({ status: 'SUCCEEDED', stoppedAt: '2026-03-04T02:05:00.000Z' });
    expect(outline(await eventsOf(engine)).slice(1)).toEqual([
      '2<0 WaitStateEntered',
      '3<2 WaitStateExited',
      '4<3 ExecutionSucceeded',
    ]);
  });
});

describe('Map', () => {
  const over = (rest: object, states: Record<string, unknown>) =>
    machine({ Each: { Type: 'Map', ItemProcessor: machine2(states), End: true, ...rest } });
  const machine2 = (States: Record<string, unknown>) => ({ StartAt: Object.keys(States)[0], States });

  test('works off its items in order and collects their outputs', async () => {
    const { events, output } = await outcomeOf(
      over({ Items: '{% $states.input.items %}' }, { Handle: { Type: 'Pass', End: true } }),
      { input: { items: [1, 'Hello'] } },
    );
    expect(outline(events).slice(1)).toEqual([
      '2<0 MapStateEntered',
      '3<2 MapStateStarted',
      '4<3 MapIterationStarted',
      '5<4 PassStateEntered',
      '6<5 PassStateExited',
      '7<6 MapIterationSucceeded',
      '8<6 MapIterationStarted',
      '9<8 PassStateEntered',
      '10<9 PassStateExited',
      '11<10 MapIterationSucceeded',
      '12<11 MapStateSucceeded',
      '13<11 MapStateExited',
      '14<13 ExecutionSucceeded',
    ]);
    expect(details(events, 'MapStateStarted')).toEqual([{ length: 2 }]);
    expect(details(events, 'MapIterationStarted')).toEqual([
      { name: 'Each', index: 0 },
      { name: 'Each', index: 1 },
    ]);
    expect(output).toEqual([1, 'Hello']);
  });

  test('shapes each item, sees outer variables and keeps its own', async () => {
    const definition = machine({
      Set: { Type: 'Pass', Assign: { base: 10 }, Next: 'Each' },
      Each: {
        Type: 'Map',
        Items: [5, 6],
        ItemSelector: { item: '{% $states.context.Map.Item.Value %}', at: '{% $states.context.Map.Item.Index %}' },
        ItemProcessor: machine2({
          Add: { Type: 'Pass', Assign: { total: '{% $base + $states.input.item %}' }, Next: 'Show' },
          Show: { Type: 'Pass', Output: '{% [$states.input.at, $states.context.Map.Item.Index, $total] %}', End: true },
        }),
        Output: '{% { "all": $states.result } %}',
        End: true,
      },
    });
    expect((await outcomeOf(definition)).output).toEqual({
      all: [
        [0, 0, 15],
        [1, 1, 16],
      ],
    });
  });

  test('of nothing is nothing', async () => {
    const { output, events } = await outcomeOf(over({ Items: [] }, { Handle: { Type: 'Pass', End: true } }));
    expect(output).toEqual([]);
    expect(outline(events).slice(1, 5)).toEqual([
      '2<0 MapStateEntered',
      '3<2 MapStateStarted',
      '4<3 MapStateSucceeded',
      '5<3 MapStateExited',
    ]);
  });

  test('has at most MaxConcurrency iterations at work', async () => {
    const engine = await engineWith(
      over({ Items: [1, 2, 3], MaxConcurrency: 2 }, { Ask: hostTask('{% $states.input %}', { End: true }) }),
    );
    await engine.workflows.start({ workflow: 'test', runId: 'run_1', input: {} });
    const [first, second] = [await takenTask(engine), await takenTask(engine)];
    expect([first.input, second.input]).toEqual([1, 2]);
    expect(await engine.hostTasks.take('host-1', { waitSeconds: 0 })).toBeNull();
    await engine.hostTasks.succeed(second.token, 'b');
    const third = await takenTask(engine);
    await engine.hostTasks.succeed(third.token, 'c');
    await engine.hostTasks.succeed(first.token, 'a');
    expect(await ended(engine)).toMatchObject({ output: ['a', 'b', 'c'] });
  });

  test('ends the other iterations when one fails, and is caught as a whole', async () => {
    const definition = machine({
      Each: {
        Type: 'Map',
        Items: [1, 2],
        ItemProcessor: machine2({ Ask: hostTask('{% $states.input %}', { End: true }) }),
        Catch: [{ ErrorEquals: ['Broken'], Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Pass', End: true },
    });
    const engine = await engineWith(definition);
    await engine.workflows.start({ workflow: 'test', runId: 'run_1', input: {} });
    const [first, second] = [await takenTask(engine), await takenTask(engine)];
    await engine.hostTasks.fail(second.token, { error: 'Broken', cause: 'why' });
    await expect(engine.hostTasks.succeed(first.token, 1)).rejects.toMatchObject({ code: 'TaskGone' });
    expect(await ended(engine)).toMatchObject({ status: 'SUCCEEDED', output: { Error: 'Broken', Cause: 'why' } });
    const types = outline(await eventsOf(engine)).slice(-8);
    expect(types).toEqual([
      '14<13 TaskFailed',
      '15<14 MapIterationFailed',
      '16<8 MapIterationAborted',
      '17<14 MapStateFailed',
      '18<17 MapStateExited',
      '19<18 PassStateEntered',
      '20<19 PassStateExited',
      '21<20 ExecutionSucceeded',
    ]);
  });

  test('is repeated as a whole, without a failed state in between', async () => {
    const definition = machine({
      Each: {
        Type: 'Map',
        Items: [1],
        ItemProcessor: machine2({ No: { Type: 'Fail', Error: 'Broken', Cause: 'why' } }),
        Retry: [{ ErrorEquals: ['Broken'], MaxAttempts: 1, IntervalSeconds: 2 }],
        End: true,
      },
    });
    const engine = await engineWith(definition);
    await engine.workflows.start({ workflow: 'test', runId: 'run_1', input: {} });
    await engine.clock.advance(2000);
    expect(await ended(engine)).toMatchObject({ status: 'FAILED', error: 'Broken', cause: 'why' });
    expect(outline(await eventsOf(engine)).slice(2)).toEqual([
      '3<2 MapStateStarted',
      '4<3 MapIterationStarted',
      '5<4 FailStateEntered',
      '6<5 MapIterationFailed',
      '7<5 MapStateStarted',
      '8<7 MapIterationStarted',
      '9<8 FailStateEntered',
      '10<9 MapIterationFailed',
      '11<9 MapStateFailed',
      '12<11 ExecutionFailed',
    ]);
  });
});
