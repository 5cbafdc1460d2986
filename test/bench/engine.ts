/**
 * What the embedded engine costs: a transition against the bare write and sync it cannot do without, taken in turns in one
 * run and compared as a ratio; and how long a run of 10,000 events takes to come back.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngine, type Engine } from '../../lib/engine/runtime.ts';

const HOST = 'bench';
const ROUNDS = 15;
const PER_ROUND = 100;
const EVENTS = 10_000;

/** One host task after the other: an answer is one transition, and it is on disk when `succeed` returns. */
const definition = {
  QueryLanguage: 'JSONata',
  StartAt: 'Begin',
  States: {
    Begin: { Type: 'Pass', Assign: { done: 0 }, Next: 'Ask' },
    Ask: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
      Arguments: {
        QueueUrl: HOST,
        MessageBody: {
          token: '{% $states.context.Task.Token %}',
          runId: '{% $states.context.Execution.Name %}',
          attempt: '{% $states.context.State.RetryCount %}',
          input: { count: '{% $done %}' },
        },
      },
      Assign: { done: '{% $done + 1 %}' },
      TimeoutSeconds: 3600,
      HeartbeatSeconds: 600,
      Next: 'Ask',
    },
  },
};

const clock = {
  now: () => new Date(),
  sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, signal ? { signal } : {}),
};

const engineIn = (directory: string): Engine =>
  createEngine({ directory, clock, definitions: { bench: definition }, functions: {} });

const answerOne = async (engine: Engine): Promise<void> => {
  const task = await engine.hostTasks.take(HOST, { waitSeconds: 10 });
  if (!task) throw new Error('the engine offered no task');
  await engine.hostTasks.acknowledge(task);
  await engine.hostTasks.succeed(task.body.token, { ok: true });
};

const millisecondsOf = async (act: () => Promise<void>): Promise<number> => {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
};

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Prints the two figures and returns them. */
export const bench = async (): Promise<{ ratio: number; resumeMs: number }> => {
  const directory = await mkdtemp(join(tmpdir(), 'octo-bench-engine-'));
  const engine = engineIn(directory);
  const bare = await open(join(directory, 'bare'), 'w');
  try {
    await engine.resume();
    await engine.workflows.start({ workflow: 'bench', runId: 'run_1', input: {} });
    for (let n = 0; n < PER_ROUND; n += 1) await answerOne(engine);
    const line = Buffer.alloc(await lineBytes(directory), 'x');
    const rounds: { engineMs: number; bareMs: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const bareMs = await millisecondsOf(async () => {
        for (let n = 0; n < PER_ROUND; n += 1) {
          await bare.write(line);
          await bare.datasync();
        }
      });
      const engineMs = await millisecondsOf(async () => {
        for (let n = 0; n < PER_ROUND; n += 1) await answerOne(engine);
      });
      rounds.push({ engineMs: engineMs / PER_ROUND, bareMs: bareMs / PER_ROUND });
    }
    const ratio = median(rounds.map(({ engineMs, bareMs }) => engineMs / bareMs));
    const [engineMs, bareMs] = [median(rounds.map((r) => r.engineMs)), median(rounds.map((r) => r.bareMs))];
    print(
      `transition: ${engineMs.toFixed(3)} ms, bare write and sync of ${line.length} bytes: ${bareMs.toFixed(3)} ms`,
    );
    print(`ratio: ${ratio.toFixed(2)} (goal: at most 2)`);
    const resumeMs = await resumeTime(engine, directory);
    print(`a run of ${EVENTS} events resumes in ${resumeMs.toFixed(0)} ms (goal: at most 500)`);
    return { ratio, resumeMs };
  } finally {
    await bare.close();
    await engine.close();
    await rm(directory, { recursive: true });
  }
};

const eventCount = async (engine: Engine): Promise<number> =>
  (await Array.fromAsync(engine.workflows.history('run_1'))).length;

const lineBytes = async (directory: string): Promise<number> => {
  const journal = await open(join(directory, 'open', 'run_1.jsonl'));
  const text = await journal.readFile('utf8');
  await journal.close();
  return Buffer.byteLength(text.trimEnd().split('\n').at(-1) ?? '');
};

const resumeTime = async (engine: Engine, directory: string): Promise<number> => {
  while ((await eventCount(engine)) < EVENTS) for (let n = 0; n < PER_ROUND; n += 1) await answerOne(engine);
  await engine.close();
  const times: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const again = engineIn(directory);
    times.push(await millisecondsOf(() => again.resume()));
    await again.close();
  }
  return median(times);
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

if (import.meta.main) await bench();
