/**
 * A run that is killed anywhere comes to the same end, and does nothing a second time that it knew to be done.
 *
 * The journal of a whole run is cut after every transition and inside lines, as a crash would leave it, and resumed by a
 * new engine. The same with a process that is killed for real is in `kill.test.ts`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, asyncProperty, boolean, integer } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readJournal } from '../../lib/engine/journal.ts';
import { testClock } from '../clock.ts';
import { engineWith, eventsOf, temporaryDirectory } from './harness.ts';
import { machines, settledEffects, worldAround } from './machines.ts';

type Machine = (typeof machines)[string];

const wholeRun = async ({ definition, input, output }: Machine) => {
  const world = worldAround();
  const engine = await engineWith(definition, { functions: world.functions });
  await engine.workflows.start({ workflow: 'test', runId: 'run_1', input });
  expect(await world.work(engine)).toMatchObject({ status: 'SUCCEEDED', output });
  const journal = await readFile(join(engine.directory, 'ended', 'run_1.jsonl'));
  const events = await eventsOf(engine);
  return { journal, events, effects: world.effects };
};

/** Resumes a run of which only `journal` is left, a minute later, and asks that it ends as the whole one did. */
const resumed = async (
  machine: Machine,
  { journal, whole }: { journal: Buffer; whole: Awaited<ReturnType<typeof wholeRun>> },
) => {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, 'open'));
  const path = join(directory, 'open', 'run_1.jsonl');
  await writeFile(path, journal);
  const { events: kept } = await readJournal(path);
  const world = worldAround();
  const clock = testClock(new Date(Date.parse(kept.at(-1)?.timestamp ?? '2026-03-04') + 60_000));
  const engine = await engineWith(machine.definition, { functions: world.functions, directory, clock });
  if (kept.length === 0) {
    expect(await engine.workflows.describe('run_1')).toBeNull();
    await engine.workflows.start({ workflow: 'test', runId: 'run_1', input: machine.input });
  }
  expect(await world.work(engine)).toMatchObject({ status: 'SUCCEEDED', output: machine.output });
  const before = whole.events.slice(0, kept.length);
  expect((await eventsOf(engine)).slice(0, kept.length)).toEqual(before);
  expect([...settledEffects(before), ...world.effects].toSorted()).toEqual(whole.effects.toSorted());
};

describe.each(Object.entries(machines))('%s', (_name, machine) => {
  test('goes on after any transition', async () => {
    const whole = await wholeRun(machine);
    const lineEnds = [...whole.journal.entries()].filter(([, byte]) => byte === 10).map(([index]) => index + 1);
    expect(lineEnds.length).toBeGreaterThan(3);
    for (const sizeBytes of [0, ...lineEnds])
      await resumed(machine, { journal: whole.journal.subarray(0, sizeBytes), whole });
  });

  test('goes on after a line that was not written to its end', async () => {
    const whole = await wholeRun(machine);
    expect(whole.journal.length).toBeGreaterThan(1000);
    await assert(
      asyncProperty(integer({ min: 0, max: whole.journal.length }), boolean(), async (sizeBytes, isZeroed) => {
        const torn = isZeroed ? [Buffer.alloc(100)] : [];
        const kept = whole.journal.subarray(0, sizeBytes);
        await resumed(machine, { journal: Buffer.concat([kept, ...torn]), whole });
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });
});
