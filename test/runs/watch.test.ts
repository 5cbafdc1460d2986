/** The watcher: one thread per outage, said again with growing pauses, closed when a good archive is back. */
import { describe, expect, it } from 'vitest';
import { applySettings } from '../../lib/domain/settings/setting-fields.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { watch } from '../../lib/runs/watch.ts';
import { plantArchive, type Said, scheduleWorld } from './schedule-world.ts';

const PROD = { instance: 'prod', channel: 'C0OPS' };
const START = '2026-03-04T02:00:00.000Z';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** An instance whose target is eight hours, with a good archive of the start. */
const watched = async () => {
  const place = scheduleWorld(START);
  await plantArchive(place.world, { takenAt: START });
  const lookEvery = async (stepMs: number, times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      await watch(place.world, PROD).catch(() => undefined);
      await place.world.clock.advance(stepMs);
    }
  };
  return { ...place, lookEvery };
};

const kinds = (said: Said[]): string[] => said.map(({ kind }) => kind);

describe('the watcher', () => {
  it('says nothing as long as a good archive is within the target', async () => {
    const { said, lookEvery } = await watched();
    await lookEvery(10 * MINUTE_MS, 6 * 8 + 1);
    expect(said).toEqual([]);
  });

  it('opens one thread, and repeats after 1, 2, 4, 8, 16, 24 and 24 hours', async () => {
    const { world, said, lookEvery } = await watched();
    await world.clock.advance(8 * HOUR_MS + 1000);
    const times: number[] = [];
    const openedAt = world.clock.now().getTime();
    for (let n = 0; n < 6 * 24 * 4; n++) {
      const before = said.length;
      await lookEvery(0, 1);
      if (said.length > before) times.push((world.clock.now().getTime() - openedAt) / HOUR_MS);
      await world.clock.advance(10 * MINUTE_MS);
    }
    expect(times).toEqual([0, 1, 3, 7, 15, 31, 55, 79]);
    expect(kinds(said)).toEqual(['post', ...times.slice(1).map(() => 'reply')]);
    expect(new Set(said.map(({ ts }) => ts)).size).toBe(1);
    expect(said[0]?.channel).toBe('C0OPS');
    expect(said[0]?.text).toMatch(/No good archive of prod within 8 h.*8 h old/);
  });

  it('closes the thread when a good archive is back, and opens another for the next outage', async () => {
    const { world, said, lookEvery } = await watched();
    await world.clock.advance(9 * HOUR_MS);
    await lookEvery(10 * MINUTE_MS, 2);
    await plantArchive(world, { takenAt: world.clock.now().toISOString(), word: 'gaps' });
    await lookEvery(10 * MINUTE_MS, 2);
    expect(kinds(said)).toEqual(['post']);
    await plantArchive(world, { takenAt: new Date(world.clock.now().getTime() - MINUTE_MS).toISOString() });
    await lookEvery(10 * MINUTE_MS, 3);
    expect(kinds(said)).toEqual(['post', 'update', 'reply']);
    expect(said[1]?.text).toMatch(/prod has a good archive within its target again/);
    await world.clock.advance(9 * HOUR_MS);
    await lookEvery(10 * MINUTE_MS, 2);
    expect(kinds(said)).toEqual(['post', 'update', 'reply', 'post']);
    expect(said[3]?.ts).not.toBe(said[0]?.ts);
  });

  it('gives a new instance its time', async () => {
    const { world, said } = scheduleWorld(START);
    await watch(world, PROD);
    await world.clock.advance(8 * HOUR_MS);
    await watch(world, PROD);
    expect(said).toEqual([]);
    await world.clock.advance(MINUTE_MS);
    await watch(world, PROD);
    expect(said[0]?.text).toMatch(/there is none at all/);
  });

  it('says it once when two look at the same moment', async () => {
    const { world, said } = await watched();
    await world.clock.advance(9 * HOUR_MS);
    await Promise.all([watch(world, PROD), watch(world, PROD), watch(world, PROD)]);
    expect(kinds(said)).toEqual(['post']);
  });

  it('says later what the chat did not take', async () => {
    const { world, said, slack, lookEvery } = await watched();
    await world.clock.advance(9 * HOUR_MS);
    slack.isDown = true;
    await lookEvery(10 * MINUTE_MS, 3);
    expect(said).toEqual([]);
    slack.isDown = false;
    await lookEvery(10 * MINUTE_MS, 2);
    expect(kinds(said)).toEqual(['post']);
    slack.isDown = true;
    await plantArchive(world, { takenAt: world.clock.now().toISOString() });
    await lookEvery(10 * MINUTE_MS, 2);
    slack.isDown = false;
    await lookEvery(10 * MINUTE_MS, 2);
    expect(kinds(said)).toEqual(['post', 'update', 'reply']);
  });

  it('finds its own message when it was killed before it could note where', async () => {
    const { world, said, lookEvery } = await watched();
    await world.clock.advance(9 * HOUR_MS);
    const { state } = world;
    world.state = { ...state, change: () => Promise.reject(new Error('killed')) };
    await lookEvery(10 * MINUTE_MS, 1);
    world.state = state;
    await lookEvery(10 * MINUTE_MS, 2);
    expect(new Set(said.map(({ ts }) => ts)).size).toBe(1);
  });

  it('mentions those whom the settings name, paused or not', async () => {
    const { world, said } = await watched();
    const pause = { until: null, by: 'ben', since: START };
    await changeSettings(world, 'prod', (settings) => ({ ...applySettings(settings, { tell: 'U0ANA,S0OPS' }), pause }));
    await world.clock.advance(9 * HOUR_MS);
    await watch(world, PROD);
    expect(said[0]?.text).toMatch(/<@U0ANA> <!subteam\^S0OPS>$/);
  });
});
