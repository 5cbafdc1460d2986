/** The embedded engine as a runtime: the contract, restarts, delivery of host tasks, and what it refuses. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../lib/engine/runtime.ts';
import { testClock } from '../clock.ts';
import { contractDefinitions, echo, workflowRuntimeContract } from '../contracts/workflow-runtime.ts';
import { ended, engineWith, eventsOf, eventually, takenTask, written } from './harness.ts';
import { HOST, cloudTask, hostTask, machine } from './shapes.ts';

workflowRuntimeContract('embedded engine', async () => {
  const clock = testClock();
  const directory = await mkdtemp(join(tmpdir(), 'octo-engine-'));
  const engine = createEngine({ directory, clock, definitions: contractDefinitions, functions: { Echo: echo } });
  await engine.resume();
  return {
    ...engine,
    host: HOST,
    queueUrl: HOST,
    pass: async (seconds) => {
      await pause(5);
      await clock.advance(seconds * 1000);
    },
    close: async () => {
      await engine.close();
      await rm(directory, { recursive: true });
    },
  };
});

const asking = machine({ Ask: hostTask({ n: 1 }, { HeartbeatSeconds: 60, End: true }) });
const start = { workflow: 'test', runId: 'run_1', input: {} };

describe('after a restart', () => {
  test('open host tasks are offered again with their token, and can be answered', async () => {
    const first = await engineWith(asking);
    await first.workflows.start(start);
    const { token } = await takenTask(first);
    await first.close();
    const second = await engineWith(asking, { directory: first.directory, clock: testClock('2026-03-05T00:00:00Z') });
    const again = await takenTask(second);
    expect(again.token).toBe(token);
    await second.hostTasks.succeed(token, 'late');
    expect(await ended(second)).toMatchObject({ output: 'late' });
  });

  test('a token from before is still good without taking the task again', async () => {
    const first = await engineWith(asking);
    await first.workflows.start(start);
    const { token } = await takenTask(first);
    await first.close();
    const second = await engineWith(asking, { directory: first.directory });
    await second.hostTasks.beat(token);
    await second.hostTasks.succeed(token, 1);
    expect(await ended(second)).toMatchObject({ output: 1 });
    expect(await second.hostTasks.take(HOST, { waitSeconds: 0 })).toBeNull();
  });

  test('an answer is not called too late while the run is only not taken up', async () => {
    const first = await engineWith(asking);
    await first.workflows.start(start);
    const { token } = await takenTask(first);
    await first.close();
    const refused = { code: 'EngineNotReady' };
    await expect(first.hostTasks.succeed(token, 1)).rejects.toMatchObject(refused);
    const { directory, clock } = first;
    const second = createEngine({ directory, clock, definitions: { test: asking }, functions: {} });
    await expect(second.hostTasks.beat(token)).rejects.toMatchObject(refused);
    await expect(second.hostTasks.beat('../run_1.x')).rejects.toMatchObject({ code: 'TaskGone' });
    await second.resume();
    await second.hostTasks.succeed(token, 1);
    expect(await ended(second)).toMatchObject({ output: 1 });
    await expect(second.hostTasks.beat(token)).rejects.toMatchObject({ code: 'TaskGone' });
    await second.close();
  });

  test('a run keeps the definition it was started with', async () => {
    const nap = (Output: string) => machine({ Nap: { Type: 'Wait', Seconds: 60, Output, End: true } });
    const first = await engineWith(nap('old'));
    await first.workflows.start(start);
    await first.close();
    const second = await engineWith(nap('new'), {
      directory: first.directory,
      clock: testClock('2026-03-05T00:00:00Z'),
    });
    await second.clock.advance(0);
    expect(await ended(second)).toMatchObject({ output: 'old' });
  });

  test('ended runs are still known, and are not read again at a start', async () => {
    const first = await engineWith(machine({ End: { Type: 'Succeed', Output: 7 } }));
    await first.workflows.start(start);
    await first.close();
    expect(await readdir(join(first.directory, 'open'))).toEqual([]);
    const second = await engineWith(asking, { directory: first.directory });
    expect(await second.workflows.describe('run_1')).toMatchObject({ status: 'SUCCEEDED', output: 7 });
    await expect(second.workflows.start({ ...start, input: { other: 1 } })).rejects.toMatchObject({
      code: 'RunNameTaken',
    });
  });

  test('a damaged journal is named, and keeps no other run from going on', async () => {
    const first = await engineWith(asking);
    for (const runId of ['run_1', 'run_2']) await first.workflows.start({ ...start, runId });
    await first.close();
    const path = join(first.directory, 'open', 'run_1.jsonl');
    await writeFile(path, (await readFile(path, 'utf8')).replace('TaskScheduled', 'TaskSchedulef'));
    const clock = testClock();
    const second = createEngine({ directory: first.directory, clock, definitions: { test: asking }, functions: {} });
    await expect(second.resume()).rejects.toMatchObject({ code: 'JournalDamaged', facts: { path, line: 1 } });
    expect(await takenTask(second)).toMatchObject({ runId: 'run_2' });
    await expect(second.workflows.describe('run_1')).rejects.toMatchObject({ code: 'JournalDamaged' });
    await second.close();
  });
});

describe('host tasks', () => {
  test('are offered again when their taker does not acknowledge them in time', async () => {
    const engine = await engineWith(asking);
    await engine.workflows.start(start);
    const task = await eventually(() => engine.hostTasks.take(HOST, { waitSeconds: 0 }));
    expect(await engine.hostTasks.take(HOST, { waitSeconds: 0 })).toBeNull();
    const waiting = engine.hostTasks.take(HOST, { waitSeconds: 40 });
    await engine.clock.advance(30_000);
    expect(await waiting).toEqual(task);
    await engine.hostTasks.acknowledge(task);
    await engine.clock.advance(29_000);
    expect(await engine.hostTasks.take(HOST, { waitSeconds: 0 })).toBeNull();
  });

  test('wake a taker that waits for its host only', async () => {
    const engine = await engineWith(asking);
    const other = engine.hostTasks.take('host-2', { waitSeconds: 20 });
    const mine = engine.hostTasks.take(HOST, { waitSeconds: 20 });
    await engine.workflows.start(start);
    expect(await mine).toMatchObject({ body: { state: 'Ask' } });
    await engine.clock.advance(20_000);
    expect(await other).toBeNull();
  });

  test('that are gone are not delivered', async () => {
    const engine = await engineWith(asking);
    await engine.workflows.start(start);
    await written(engine, 'TaskSubmitted');
    await engine.clock.advance(60_000);
    expect(await ended(engine)).toMatchObject({ error: 'States.Timeout' });
    expect(await engine.hostTasks.take(HOST, { waitSeconds: 0 })).toBeNull();
  });

  test('answered twice at once count once', async () => {
    const engine = await engineWith(asking);
    await engine.workflows.start(start);
    const { token } = await takenTask(engine);
    const answers = await Promise.allSettled([1, 2, 3].map((n) => engine.hostTasks.succeed(token, n)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
  });
});

const PRLIMIT = '/usr/bin/prlimit';

/** Limits how large this process may make a file: the kernel then refuses to write, as it does on a full disk. */
const limitFileSize = (limit: number | 'unlimited') =>
  execFileSync(PRLIMIT, ['--pid', String(process.pid), `--fsize=${limit}:unlimited`]);
const canLimit = process.platform === 'linux' && spawnSync(PRLIMIT, ['--version']).status === 0;

describe('a disk that is full', () => {
  test.skipIf(!canLimit)('is told of; what time brought meanwhile happens once there is room', async () => {
    const troubles: string[] = [];
    const engine = await engineWith(asking, { onTrouble: ({ code }) => troubles.push(code) });
    await engine.workflows.start(start);
    const { token } = await takenTask(engine);
    const { size } = await stat(join(engine.directory, 'open', 'run_1.jsonl'));
    limitFileSize(size + 100);
    try {
      for (let n = 0; n < 2; n += 1)
        await expect(engine.hostTasks.succeed(token, 'kept')).rejects.toMatchObject({ code: 'JournalUnwritable' });
      expect(await engine.workflows.describe('run_1')).toMatchObject({ status: 'RUNNING', output: null });
      await engine.clock.advance(60_000);
      await eventually(async () => troubles.length > 0);
    } finally {
      limitFileSize('unlimited');
    }
    await eventually(async () => {
      await engine.clock.advance(5000);
      return engine.workflows.describe('run_1').then((run) => run?.status === 'FAILED');
    });
    expect(troubles).toContain('JournalUnwritable');
    expect((await eventsOf(engine)).map(({ type }) => type).slice(-2)).toEqual(['TaskTimedOut', 'ExecutionFailed']);
  });

  test.skipIf(!canLimit)('loses no answer: it is refused, and taken when it is given again', async () => {
    const engine = await engineWith(asking);
    await engine.workflows.start(start);
    const { token } = await takenTask(engine);
    const { size } = await stat(join(engine.directory, 'open', 'run_1.jsonl'));
    limitFileSize(size + 100);
    try {
      await expect(engine.hostTasks.succeed(token, 1)).rejects.toMatchObject({ code: 'JournalUnwritable' });
      await expect(engine.workflows.start({ ...start, runId: 'run_2', input: 'x'.repeat(size) })).rejects.toMatchObject(
        {
          code: 'JournalUnwritable',
        },
      );
    } finally {
      limitFileSize('unlimited');
    }
    await engine.hostTasks.beat(token);
    await engine.hostTasks.succeed(token, 'kept');
    expect(await ended(engine)).toMatchObject({ output: 'kept' });
    expect(await engine.workflows.describe('run_2')).toBeNull();
  });
});

describe('refuses', () => {
  test('a second engine on the same directory, until the first is closed', async () => {
    const first = await engineWith(asking);
    const second = createEngine({
      directory: first.directory,
      clock: testClock(),
      definitions: { test: asking },
      functions: {},
    });
    await expect(second.resume()).rejects.toMatchObject({ code: 'EngineInUse' });
    await expect(second.workflows.start(start)).rejects.toMatchObject({ code: 'EngineInUse' });
    expect(await second.workflows.describe('run_1')).toBeNull();
    await first.close();
    await second.resume();
    await second.close();
  });

  test('workflows it does not know and names that are no file names', async () => {
    const engine = await engineWith(asking);
    await expect(engine.workflows.start({ ...start, workflow: 'none' })).rejects.toMatchObject({
      code: 'WorkflowUnknown',
    });
    await expect(engine.workflows.start({ ...start, runId: '../run' })).rejects.toMatchObject({ code: 'Bug' });
  });

  test('placeholders that nothing fills, and fills the others', async () => {
    const definition = machine({
      Say: { Type: 'Pass', Output: 'in ${Region}', Next: 'Call' },
      Call: cloudTask(1, { End: true }),
    });
    await expect(engineWith(definition)).rejects.toMatchObject({
      code: 'DefinitionRefused',
      facts: { problems: ['${Region}'] },
    });
    const engine = await engineWith(definition, { placeholders: { Region: 'eu "1"' } });
    await engine.workflows.start(start);
    expect((await written(engine, 'PassStateExited')).details['output']).toBe('"in eu \\"1\\""');
  });
});
