/** A process that runs the engine is killed again and again; the run comes to its end with every task done. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { ExecutionDescription } from '../../lib/ports/workflow-runtime.ts';
import { readJournal } from '../../lib/engine/journal.ts';
import { temporaryDirectory } from './harness.ts';

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url));

/** Kills the child after a while, by its signal; `null` when it came to its end by itself. */
const killed = async (directory: string, afterMs: number): Promise<string | null> => {
  const child = spawn(process.execPath, [CHILD, directory], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  await Promise.race([exited, pause(afterMs)]);
  child.kill('SIGKILL');
  const [code, signal] = await exited;
  expect([0, null]).toContain(code);
  return signal;
};

const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1);

test('no task is lost, and what was written down is not done again', async () => {
  const directory = await temporaryDirectory();
  const expected = [
    ...Array.from({ length: 25 }, (_, n) => [`call ${n}`, `ask ${n}`]).flat(),
    ...Array.from({ length: 8 }, (_, n) => `item ${n + 1}`),
  ];
  let kills = 0;
  // Later and later, so that the run gets somewhere on any machine; the steps spread the kills over its course.
  for (let afterMs = 120; (await killed(directory, afterMs)) !== null; afterMs *= 1.3) kills += 1;
  const description = JSON.parse(await readFile(join(directory, 'ended'), 'utf8')) as ExecutionDescription;
  expect(description).toMatchObject({ status: 'SUCCEEDED', output: expected });
  const effects = await linesOf(join(directory, 'effects'));
  expect(new Set(effects)).toEqual(new Set(expected));
  // Each kill can repeat what was under way at that moment: one task, or the eight of the map.
  expect(effects.length - expected.length).toBeLessThanOrEqual(kills * 8);
  const { events } = await readJournal(join(directory, 'engine', 'ended', 'run_1.jsonl'));
  expect(events.filter(({ type }) => type === 'TaskScheduled')).toHaveLength(expected.length);
});
