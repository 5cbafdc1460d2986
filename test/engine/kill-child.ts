/**
 * A process of `kill.test.ts`: an engine on the real clock that goes on with one run, does its tasks, notes each in a file, and exits when
 * the run has ended. It may be killed at any moment.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngine } from '../../lib/engine/runtime.ts';
import { cloudTask, HOST, hostTask, machine } from './shapes.ts';

const directory = process.argv[2] ?? '';
const note = (line: string) => appendFileSync(join(directory, 'effects'), `${line}\n`);

const definition = machine({
  Count: {
    Type: 'Pass',
    Assign: { n: 0, done: [] },
    Next: 'Call',
  },
  Call: cloudTask('{% "call " & $n %}', {
    Assign: { done: '{% $append($done, $states.result.Payload) %}' },
    Next: 'Ask',
  }),
  Ask: hostTask('{% "ask " & $n %}', {
    Assign: { done: '{% $append($done, $states.result) %}', n: '{% $n + 1 %}' },
    HeartbeatSeconds: 60,
    Next: 'More',
  }),
  More: { Type: 'Choice', Choices: [{ Condition: '{% $n < 25 %}', Next: 'Call' }], Default: 'Each' },
  Each: {
    Type: 'Map',
    Items: [1, 2, 3, 4, 5, 6, 7, 8],
    ItemProcessor: {
      StartAt: 'Both',
      States: {
        Both: cloudTask('{% "item " & $states.input %}', { Output: '{% $states.result.Payload %}', End: true }),
      },
    },
    Output: '{% $append($done, $states.result) %}',
    End: true,
  },
});

const clock = {
  now: () => new Date(),
  sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, signal ? { signal } : {}),
};
const engine = createEngine({
  directory: join(directory, 'engine'),
  clock,
  definitions: { test: definition },
  functions: {
    Step: async (payload) => {
      note(String(payload));
      return payload;
    },
  },
});

await engine.resume();
await engine.workflows.start({ workflow: 'test', runId: 'run_1', input: {} });
for (;;) {
  const description = await engine.workflows.describe('run_1');
  if (description && description.status !== 'RUNNING') {
    writeFileSync(join(directory, 'ended'), JSON.stringify(description));
    break;
  }
  const task = await engine.hostTasks.take(HOST, { waitSeconds: 0.05 });
  if (!task) continue;
  note(String(task.body.input));
  await engine.hostTasks.acknowledge(task);
  await engine.hostTasks.succeed(task.body.token, task.body.input);
}
await engine.close();
