/** How long a run takes: told from earlier good runs of the same kind, kept once, and said in whole minutes. */
import { describe, expect, it } from 'vitest';
import { paceOf, secondsInAll, secondsLeft } from '../../lib/domain/runs/pace.ts';
import { stateKeys } from '../../lib/domain/names.ts';
import type { RunRecord, StepNote } from '../../lib/domain/runs/run.ts';
import { createRun, writeStepNote } from '../../lib/repository/run-book.ts';
import { keepPace, readPace } from '../../lib/runs/card/pace.ts';
import { runCard } from '../../lib/slack/run/run-card.ts';
import { aStep, aView, anOutcome } from '../slack/view.ts';
import { runRecord } from '../worker/world.ts';
import { scheduleWorld } from './schedule-world.ts';

const START = Date.parse('2026-03-05T02:00:00Z');
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();
const took = (state: string, seconds: number, from = 0) =>
  aStep(state, { startedAt: at(from), updatedAt: at(from + seconds), endedAt: at(from + seconds) });
const running = (state: string, from: number, percent: number | null = null) =>
  aStep(state, { status: 'running', startedAt: at(from), endedAt: null, percent });

describe('the time left', () => {
  const pace = { runs: 5, seconds: { PlanRun: 60, DumpDatabase: 600, SealArchive: 120 } };
  const plannedStates = ['PlanRun', 'DumpDatabase', 'SealArchive'];
  const left = (steps: StepNote[], seconds: number) =>
    secondsLeft(aView({ pace, plannedStates, steps }), new Date(at(seconds)));

  it('is what is left of the present step and all of the later ones', () => {
    expect(left([], 0)).toBe(780);
    expect(left([took('PlanRun', 60), running('DumpDatabase', 60)], 160)).toBe(500 + 120);
    expect(left([took('PlanRun', 60), took('DumpDatabase', 600, 60), running('SealArchive', 660)], 1660)).toBe(0);
  });

  it('believes a step that counts its own progress', () => {
    expect(left([running('DumpDatabase', 0, 25)], 300)).toBe(60 + 900 + 120);
    expect(left([running('DumpDatabase', 0, 2)], 300)).toBe(60 + 300 + 120);
  });

  it('is not told of a run that takes another way, nor without earlier runs', () => {
    expect(left([aStep('DumpDatabase', { status: 'failed' })], 60)).toBeNull();
    expect(secondsLeft(aView({ steps: [] }), new Date(at(0)))).toBeNull();
    expect(secondsInAll(aView({ pace: null }))).toBeNull();
  });

  it('stands on the card in whole minutes', () => {
    const card = (steps: StepNote[], seconds: number) =>
      JSON.stringify(runCard(aView({ pace, plannedStates, steps }), new Date(at(seconds))).blocks[1]);
    expect(card([running('DumpDatabase', 60)], 160)).toContain('2 min 40 s, about 11 min left · asked by ana');
    expect(card([took('DumpDatabase', 600), running('SealArchive', 660)], 1000)).toContain('about 1 min left');
    expect(card([took('PlanRun', 60), took('DumpDatabase', 600), running('SealArchive', 660)], 1000)).toContain(
      'less than a minute left',
    );
  });
});

describe('the pace', () => {
  it('is the middle of what each state took, and knows none of people', () => {
    const runs = [10, 1000, 30].map((seconds) => [took('PlanRun', seconds), took('AwaitApproval', 9000)]);
    expect(paceOf(runs)).toEqual({ runs: 3, seconds: { PlanRun: 30 } });
    expect(paceOf([])).toBeNull();
  });

  const place = async () => {
    const { world } = scheduleWorld('2026-03-05T02:00:00Z');
    let runs = 0;
    const earlier = async (seconds: number, change: Partial<RunRecord> = {}) => {
      runs += 1;
      const run = runRecord(`run_0000000${runs}`, {
        requestedAt: new Date(START + runs * 1000).toISOString(),
        status: 'ended',
        outcome: anOutcome(),
        options: { consistency: 'quiesced' },
        ...change,
      });
      await createRun(world, run);
      await writeStepNote(world, run.id, took('PlanRun', seconds));
      return run;
    };
    const present = runRecord('run_0000000Z', { requestedAt: at(3600), options: { consistency: 'quiesced' } });
    await createRun(world, present);
    return { world, earlier, present };
  };

  it('is told from good runs of the same kind', async () => {
    const { world, earlier, present } = await place();
    await earlier(100);
    await earlier(7, { options: { consistency: 'online' } });
    await earlier(7, { outcome: anOutcome({ word: 'failed' }) });
    await earlier(7, { instance: 'test' });
    expect(await keepPace(world, present)).toEqual({ runs: 1, seconds: { PlanRun: 100 } });
  });

  it('is kept: later runs change nothing, and none known is not looked for again', async () => {
    const { world, earlier, present } = await place();
    expect(await readPace(world, present.id)).toBeNull();
    expect(await keepPace(world, present)).toBeNull();
    await earlier(100);
    expect([await keepPace(world, present), await readPace(world, present.id)]).toEqual([null, null]);
  });

  it('passes over what cannot be read', async () => {
    const { world, earlier, present } = await place();
    await earlier(100);
    const damaged = await earlier(50);
    const key = stateKeys.stepNote(damaged.id, 'PlanRun');
    await world.state.change(key, Buffer.from('{'), { etag: (await world.state.read(key))!.etag });
    expect(await keepPace(world, present)).toEqual({ runs: 1, seconds: { PlanRun: 100 } });
  });
});
