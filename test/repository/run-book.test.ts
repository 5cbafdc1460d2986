/** The run book: what is entered stands, what is newer wins, and lists cost no more than they show. */
import { describe, expect, it } from 'vitest';
import { stateKeys } from '../../lib/domain/names.ts';
import type { Outcome, StepNote } from '../../lib/domain/runs/run.ts';
import {
  createRun,
  endRun,
  isCancelRequested,
  listRuns,
  readCancel,
  readRun,
  readRunView,
  requestCancel,
  writeStepNote,
} from '../../lib/repository/run-book.ts';
import { makeWorld } from '../worker/support.ts';
import { runRecord } from '../worker/world.ts';

const outcome = (word: Outcome['word']): Outcome => ({
  word,
  gaps: [],
  notes: [],
  error: null,
  safeNow: '',
  doNext: '',
  backup: null,
});

const note = (changes: Partial<StepNote> = {}): StepNote => ({
  state: 'Work',
  step: 'work',
  attempt: 0,
  status: 'running',
  startedAt: '2026-03-04T02:00:00.000Z',
  updatedAt: '2026-03-04T02:00:00.000Z',
  endedAt: null,
  percent: null,
  text: '',
  error: null,
  ...changes,
});

const minute = (n: number): string => new Date(Date.UTC(2026, 2, 4, 2, n)).toISOString();
const runId = (n: number): string => `run_${String(n).padStart(8, '0')}`;

describe('run book', () => {
  it('gives null for a run that nobody entered', async () => {
    expect(await readRun(makeWorld(), 'run_00000001')).toBeNull();
  });

  it('keeps the run that was entered first', async () => {
    const world = makeWorld();
    await createRun(world, runRecord('run_00000001', { reason: 'first' }));
    const second = await createRun(world, runRecord('run_00000001', { reason: 'second' }));
    expect(second.reason).toBe('first');
    expect(await readRun(world, 'run_00000001')).toEqual(second);
  });

  it('lists newest first, of one instance or of all, and reads no more runs than it gives', async () => {
    const world = makeWorld();
    for (let n = 0; n < 9; n++) {
      const instance = n % 3 === 0 ? 'test' : 'prod';
      await createRun(world, runRecord(runId(n), { requestedAt: minute(n), instance }));
    }
    let reads = 0;
    const state = { ...world.state, read: (key: string) => (reads++, world.state.read(key)) };
    expect((await listRuns({ state }, { limit: 3 })).map(({ id }) => id)).toEqual([8, 7, 6].map(runId));
    expect(reads).toBe(3);
    const ofTest = await listRuns(world, { instance: 'test', limit: 10 });
    expect(ofTest.map(({ id }) => id)).toEqual([6, 3, 0].map(runId));
  });

  it('lists a run once after a first try that was killed before the run was entered', async () => {
    const world = makeWorld();
    const killed = runRecord('run_00000001', { requestedAt: minute(1) });
    await world.state.create(stateKeys.timelineEntry(null, killed), Buffer.from('{}'));
    expect(await listRuns(world, { limit: 10 })).toEqual([]);
    const entered = await createRun(world, runRecord('run_00000001', { requestedAt: minute(2) }));
    expect(await listRuns(world, { limit: 10 })).toEqual([entered]);
  });

  it('keeps the first outcome', async () => {
    const world = makeWorld();
    await createRun(world, runRecord());
    const first = await endRun(world, 'run_00000001', outcome('good'));
    expect(first).toMatchObject({
      status: 'ended',
      outcome: { word: 'good' },
      endedAt: world.clock.now().toISOString(),
    });
    expect(await endRun(world, 'run_00000001', outcome('failed'))).toEqual(first);
    await expect(endRun(world, 'run_00000002', outcome('good'))).rejects.toMatchObject({ code: 'RunUnknown' });
  });

  it('keeps the first request to stop', async () => {
    const world = makeWorld();
    expect(await isCancelRequested(world, 'run_00000001')).toBe(false);
    await requestCancel(world, 'run_00000001', { by: 'ana' });
    await requestCancel(world, 'run_00000001', { by: 'ben' });
    expect(await isCancelRequested(world, 'run_00000001')).toBe(true);
    expect(await readCancel(world, 'run_00000001')).toMatchObject({ by: 'ana' });
  });

  it('lets a newer attempt have the note, and no late word change how an attempt ended', async () => {
    const world = makeWorld();
    const write = (changes: Partial<StepNote>) => writeStepNote(world, 'run_00000001', note(changes));
    await write({ text: 'began' });
    await write({ status: 'failed', text: 'failed' });
    expect(await write({ text: 'late progress' })).toMatchObject({ status: 'failed', text: 'failed' });
    expect(await write({ attempt: 1, startedAt: minute(5), text: 'again' })).toMatchObject({
      attempt: 1,
      status: 'running',
      startedAt: minute(0),
    });
    expect(await write({ status: 'done', text: 'of the old attempt' })).toMatchObject({ attempt: 1, text: 'again' });
  });

  it('shows the notes in the order in which their states began', async () => {
    const world = makeWorld();
    await createRun(world, runRecord());
    await writeStepNote(world, 'run_00000001', note({ state: 'Zeroth', startedAt: minute(0) }));
    await writeStepNote(world, 'run_00000001', note({ state: 'First', startedAt: minute(1) }));
    const view = await readRunView(world, 'run_00000001', (workflow) => [workflow]);
    expect(view?.steps.map(({ state }) => state)).toEqual(['Zeroth', 'First']);
    expect(view?.plannedStates).toEqual(['backup']);
    expect(await readRunView(world, 'run_00000002', () => [])).toBeNull();
  });
});
