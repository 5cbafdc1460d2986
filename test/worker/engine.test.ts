/** Worker and embedded engine together: a host state is worked on once, through restarts of both. */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import * as z from 'zod';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { createEngine } from '../../lib/engine/runtime.ts';
import { defineStep, type StepContext } from '../../lib/steps/step.ts';
import { runWorker } from '../../worker/host/poll.ts';
import { makeWorld, memoryLog, temporaryDirectory } from './support.ts';
import { enteredRun, HOST } from './world.ts';

const definition = {
  QueryLanguage: 'JSONata',
  StartAt: 'Work',
  States: {
    Work: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
      Arguments: {
        QueueUrl: '{% $states.input.host %}',
        MessageBody: {
          token: '{% $states.context.Task.Token %}',
          runId: '{% $states.input.run %}',
          step: 'work',
          state: '{% $states.context.State.Name %}',
          attempt: '{% $states.context.State.RetryCount %}',
          notAfter: '2999-01-01T00:00:00.000Z',
          input: {},
        },
      },
      TimeoutSeconds: 3600,
      HeartbeatSeconds: 300,
      End: true,
    },
  },
};

const closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closings.splice(0).map((close) => close()));
});

/** Engine and worker over `directory`, whose one step does `work`. */
const start = async (directory: string, work: (context: StepContext) => Promise<unknown>) => {
  const engine = createEngine({
    directory: join(directory, 'engine'),
    clock: systemClock,
    definitions: { backup: definition },
    functions: {},
  });
  const world = makeWorld({ directory, clock: systemClock, hostTasks: engine.hostTasks });
  await engine.resume();
  const stop = new AbortController();
  const loadStep = async (name: string) =>
    defineStep({ name, runsOn: 'host', input: z.unknown(), output: z.unknown() }, (_world, _input, context) =>
      work(context),
    );
  const working = runWorker(world, { host: HOST, loadStep, signal: stop.signal, log: memoryLog() });
  let closing: Promise<void> | undefined;
  const close = () => {
    stop.abort();
    closing ??= working.then(() => engine.close());
    return closing;
  };
  closings.push(close);
  return { engine, world, close };
};

it('works on a state, and goes on with it after both were restarted', async () => {
  const directory = temporaryDirectory();
  let attempts = 0;
  const begun = Promise.withResolvers<void>();
  const first = await start(directory, ({ signal }) => {
    attempts++;
    begun.resolve();
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  });
  const { id: runId } = await enteredRun(first.world);
  await first.engine.workflows.start({ workflow: 'backup', runId, input: { run: runId, host: HOST } });
  await begun.promise;
  await first.close();
  expect((await first.engine.workflows.describe(runId))?.status).toBe('RUNNING');

  const second = await start(directory, async () => ({ attempts: ++attempts }));
  await expect.poll(async () => (await second.engine.workflows.describe(runId))?.status).toBe('SUCCEEDED');
  expect((await second.engine.workflows.describe(runId))?.output).toEqual({ attempts: 2 });
  await second.close();
  expect(attempts).toBe(2);
});
