/** Which runs leave a message, and whom an end that is not good calls. */
import { describe, expect, it } from 'vitest';
import type { OutcomeWord, RunRecord } from '../../lib/domain/runs/run.ts';
import { applySettings } from '../../lib/domain/settings/setting-fields.ts';
import { createRun, endRun } from '../../lib/repository/run-book.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { refreshCard } from '../../lib/runs/report.ts';
import { anOutcome } from '../slack/view.ts';
import { runRecord } from '../worker/world.ts';
import { scheduleWorld } from './schedule-world.ts';

const DAY_MS = 86_400_000;

/** A run through this door under these settings, and the means to end it. */
const aRun = async (door: RunRecord['requestedBy']['door'], typed: Record<string, string>) => {
  const place = scheduleWorld('2026-03-04T02:00:00Z');
  await changeSettings(place.world, 'prod', (settings) => applySettings(settings, typed));
  const run = runRecord('run_00000001', { requestedBy: { door, person: 'schedule', channel: 'C0OPS' } });
  await createRun(place.world, run);
  const show = () => refreshCard(place.world, run.id);
  const end = (word: OutcomeWord) => endRun(place.world, run.id, anOutcome({ word, doNext: 'Do it again.' }));
  return { ...place, run, show, end };
};

describe('a scheduled run whose successes are quiet', () => {
  it('leaves no message when it goes well', async () => {
    const { said, show, end } = await aRun('schedule', { successes: 'quiet' });
    await show();
    await end('good');
    await show();
    expect(said).toEqual([]);
  });

  it.each(['gaps', 'suspicious', 'failed', 'refused'] as const)('is shown when it is %s', async (word) => {
    const { said, show, end } = await aRun('schedule', { successes: 'quiet' });
    await show();
    await end(word);
    await show();
    expect(said).toMatchObject([{ kind: 'post', channel: 'C0OPS' }]);
  });

  it('is shown when a person asked for it', async () => {
    const { said, show } = await aRun('slack', { successes: 'quiet' });
    await show();
    expect(said).toHaveLength(1);
  });
});

describe('an end that is not good', () => {
  it.each([
    ['schedule', 'failed', true],
    ['schedule', 'refused', true],
    ['schedule', 'gaps', true],
    ['slack', 'suspicious', true],
    ['slack', 'refused', false],
    ['schedule', 'good', false],
  ] as const)('of a run by %s, %s, calls people: %s', async (door, word, isTold) => {
    const { said, show, end } = await aRun(door, { tell: 'U0ANA,S0OPS' });
    await show();
    await end(word);
    await show();
    await show();
    const calls = said.filter(({ text }) => text.includes('<@U0ANA> <!subteam^S0OPS>'));
    expect(calls).toHaveLength(isTold ? 1 : 0);
  });

  it('calls once, also after a kill before it could be noted', async () => {
    const { world, said, show, end } = await aRun('schedule', { tell: 'U0ANA' });
    await end('failed');
    const { state } = world;
    const create: typeof state.create = (key, ...rest) =>
      key.endsWith('.notice.json') ? Promise.reject(new Error('killed')) : state.create(key, ...rest);
    world.state = { ...state, create };
    await expect(show()).rejects.toThrow('killed');
    world.state = state;
    await show();
    const calls = said.filter(({ text }) => text.includes('<@U0ANA>'));
    expect(new Set(calls.map(({ ts }) => ts)).size).toBe(1);
  });

  it('calls nobody about yesterday, and shows no run that was never shown', async () => {
    const { world, said, show, end } = await aRun('schedule', { tell: 'U0ANA' });
    await end('failed');
    await world.clock.advance(DAY_MS);
    await show();
    expect(said).toEqual([]);
  });

  it('calls nobody where nobody is named', async () => {
    const { said, show, end } = await aRun('schedule', {});
    await end('failed');
    await show();
    expect(said).toHaveLength(1);
    expect(said[0]?.text).not.toContain('<');
  });
});
