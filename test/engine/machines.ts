/**
 * Definitions that use every kind of state, and a world around them that does their tasks and notes each one it did.
 *
 * The world is a function of what a task says (its name, its attempt), never of what happened before: so a run that was
 * cut off anywhere must come to the same end.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isOctoError, OctoError } from '../../lib/domain/errors.ts';
import type { CloudFunction } from '../../lib/engine/runtime.ts';
import type { ExecutionDescription, ExecutionEvent } from '../../lib/ports/workflow-runtime.ts';
import { eventsOf, eventually, type TestEngine } from './harness.ts';
import { HOST, PERSON, cloudTask, hostTask, machine } from './shapes.ts';

const attempt = '{% $states.context.State.RetryCount %}';
/** Fails `failures` times before it succeeds with its own name. */
const cloud = (name: unknown, rest: object, failures = 0) => cloudTask({ name, attempt, failures }, rest);
const host = (input: object, rest: object) => hostTask(input, rest);
const answer = { Output: '{% $states.result.Payload %}' };
const flaky = {
  ErrorEquals: ['JournalUnwritable'],
  MaxAttempts: 3,
  IntervalSeconds: 2,
  BackoffRate: 2,
  JitterStrategy: 'FULL',
};

export const machines: Record<string, { definition: Record<string, unknown>; input: unknown; output: unknown }> = {
  'a straight line': {
    definition: machine({
      First: cloud('first', {
        ...answer,
        Assign: { id: '{% $uuid() %}', first: '{% $states.result.Payload %}' },
        Next: 'Second',
      }),
      Second: host({ name: 'second' }, { Next: 'Which' }),
      Which: {
        Type: 'Choice',
        Choices: [{ Condition: '{% $states.input = "second" %}', Next: 'Third' }],
        Default: 'No',
      },
      Third: cloud('{% $states.input & $first %}', { ...answer, Next: 'End' }),
      No: { Type: 'Fail', Error: 'No' },
      End: { Type: 'Succeed', Output: '{% [$states.input, $length($id)] %}' },
    }),
    input: {},
    output: ['secondfirst', 36],
  },
  'failures that are tried again': {
    definition: machine({
      Flaky: cloud('flaky', { ...answer, Retry: [flaky], Next: 'Nap' }, 2),
      Nap: { Type: 'Wait', Seconds: 7, Next: 'Silent' },
      Silent: host(
        { name: 'silent', silences: 1 },
        {
          HeartbeatSeconds: 30,
          TimeoutSeconds: 3000,
          Retry: [{ ErrorEquals: ['States.HeartbeatTimeout'], MaxAttempts: 2 }],
          Next: 'Late',
        },
      ),
      Late: host(
        { name: 'late', silences: 1 },
        { TimeoutSeconds: 200, Retry: [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1 }], End: true },
      ),
    }),
    input: {},
    output: 'late',
  },
  'a failure that is caught': {
    definition: machine({
      Work: host(
        { name: 'work', failures: 9 },
        {
          Retry: [{ ErrorEquals: ['Busy'], MaxAttempts: 1 }],
          Catch: [
            { ErrorEquals: ['Other'], Next: 'Clean' },
            { ErrorEquals: ['States.ALL'], Assign: { failed: '{% $states.errorOutput.Error %}' }, Next: 'Clean' },
          ],
          Next: 'Clean',
        },
      ),
      Clean: cloud('clean', { Output: { failed: '{% $failed %}', by: '{% $states.result.Payload %}' }, End: true }),
    }),
    input: {},
    output: { failed: 'Busy', by: 'clean' },
  },
  'a map over both': {
    definition: machine({
      Each: {
        Type: 'Map',
        Items: '{% $states.input.items %}',
        MaxConcurrency: 2,
        ItemProcessor: {
          StartAt: 'Cloud',
          States: {
            Cloud: cloud('{% "cloud" & $states.input %}', {
              ...answer,
              Assign: { name: '{% $states.result.Payload %}' },
              Next: 'Host',
            }),
            Host: host({ name: '{% "host" & $states.context.Map.Item.Value %}' }, { Next: 'Both' }),
            Both: { Type: 'Pass', Output: '{% [$name, $states.input] %}', End: true },
          },
        },
        End: true,
      },
    }),
    input: { items: ['a', 'b', 'c'] },
    output: ['a', 'b', 'c'].map((item) => [`cloud${item}`, `host${item}`]),
  },
  'a map in a map': {
    definition: machine({
      Outer: {
        Type: 'Map',
        Items: [1, 2],
        ItemProcessor: {
          StartAt: 'Inner',
          States: {
            Inner: {
              Type: 'Map',
              Items: '{% [$states.input, $states.input * 10] %}',
              ItemProcessor: {
                StartAt: 'Pause',
                States: {
                  Pause: { Type: 'Wait', Seconds: '{% $states.input %}', Next: 'Call' },
                  Call: cloud('{% $string($states.input) %}', { ...answer, End: true }),
                },
              },
              End: true,
            },
          },
        },
        End: true,
      },
    }),
    input: {},
    output: [
      ['1', '10'],
      ['2', '20'],
    ],
  },
  'a person who is asked': {
    definition: machine({
      Ask: {
        Type: 'Task',
        Resource: PERSON,
        Arguments: {
          FunctionName: '${Step}',
          Payload: { name: 'ask', attempt, failures: 0, token: '{% $states.context.Task.Token %}' },
        },
        Next: 'Go',
      },
      Go: cloud('{% $states.input.by %}', { ...answer, End: true }),
    }),
    input: {},
    output: 'ana',
  },
};

type Input = { name: string; failures?: number; silences?: number };

/** Does the tasks of a run and keeps in `effects`, as `name#attempt`, each one it began. */
export const worldAround = (): {
  effects: string[];
  functions: Record<string, CloudFunction>;
  work: typeof workOff;
} => {
  const effects: string[] = [];
  const functions: Record<string, CloudFunction> = {
    Step: async (payload) => {
      const { name, attempt: nth, failures } = payload as { name: string; attempt: number; failures: number };
      effects.push(`${name}#${nth}`);
      if (nth < failures) throw new OctoError('JournalUnwritable', `${name} failed`);
      return name;
    },
  };
  const workOff = async (engine: TestEngine): Promise<ExecutionDescription> =>
    eventually(async () => {
      for (let busy = true; busy;) busy = await workOne(engine, effects);
      await answerPeople(engine);
      await pause(1);
      await engine.clock.advance(10_000);
      const description = await engine.workflows.describe('run_1');
      return description && description.status !== 'RUNNING' && description;
    });
  return { effects, functions, work: workOff };
};

const workOne = async (engine: TestEngine, effects: string[]): Promise<boolean> => {
  const task = await engine.hostTasks.take(HOST, { waitSeconds: 0 });
  if (!task) return false;
  const { token, attempt: nth, input } = task.body;
  const { name, failures = 0, silences = 0 } = input as Input;
  effects.push(`${name}#${nth}`);
  await engine.hostTasks.acknowledge(task);
  if (nth < silences) return true;
  if (nth < failures) await engine.hostTasks.fail(token, { error: 'Busy', cause: name });
  else await engine.hostTasks.succeed(token, name);
  return true;
};

const answerPeople = async (engine: TestEngine): Promise<void> => {
  const events = await eventsOf(engine);
  for (const { type, details } of events) {
    if (type !== 'TaskScheduled' || details['resource'] !== 'invoke.waitForTaskToken') continue;
    const { Payload } = JSON.parse(String(details['parameters'])) as { Payload: { token: string } };
    if (!events.some((event) => event.type === 'TaskSubmitted')) continue;
    await engine.hostTasks.succeed(Payload.token, { by: 'ana' }).catch((thrown: unknown) => {
      if (!isOctoError(thrown, 'TaskGone')) throw thrown;
    });
  }
};

/** The tasks, as `name#attempt`, that these events know to be over: nobody needs to do them again. */
export const settledEffects = (events: ExecutionEvent[]): string[] => {
  const settled: string[] = [];
  const open = new Map<number, string>();
  for (const { id, previousEventId, type, details } of events) {
    const name = type === 'TaskScheduled' ? effectOf(details) : open.get(previousEventId);
    if (name === undefined) continue;
    const isOver = /^Task(Succeeded|Failed|TimedOut)$/.test(type);
    const isCalled = type === 'TaskSubmitted' && details['resource'] === 'invoke.waitForTaskToken';
    if (isOver || isCalled) settled.push(name);
    else open.set(id, name);
  }
  return settled;
};

const effectOf = ({ parameters }: Record<string, unknown>): string => {
  const sent = JSON.parse(String(parameters)) as {
    Payload?: { name: string; attempt: number };
    MessageBody?: { input: Input; attempt: number };
  };
  return sent.MessageBody
    ? `${sent.MessageBody.input.name}#${sent.MessageBody.attempt}`
    : `${sent.Payload?.name}#${sent.Payload?.attempt}`;
};
