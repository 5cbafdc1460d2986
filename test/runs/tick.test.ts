/** The tick: one run per slot, whoever looks and however often it is killed; one catch-up after a downtime. */
import { describe, expect, it } from 'vitest';
import { scheduleWorld } from './schedule-world.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { listRuns, readRun } from '../../lib/repository/run-book.ts';
import { tick } from '../../lib/runs/tick.ts';

const PROD = { instance: 'prod', channel: 'C0OPS' };
const HOUR_MS = 3_600_000;

describe('the tick', () => {
  it('starts nothing at its first look, whatever lies before it', async () => {
    const { world } = scheduleWorld('2026-03-04T04:00:00Z');
    expect(await tick(world, PROD)).toBeNull();
    expect(await listRuns(world, { limit: 5 })).toEqual([]);
  });

  it('starts the run of a slot once, quiesced in its window', async () => {
    const { world, started } = scheduleWorld('2026-03-04T01:55:00Z');
    await tick(world, PROD);
    await world.clock.advance(5 * 60_000);
    const first = await tick(world, PROD);
    expect(await tick(world, PROD)).toBeNull();
    await world.clock.advance(5 * 60_000);
    expect(await tick(world, PROD)).toBeNull();
    expect(started).toEqual([first?.runId]);
    expect(await readRun(world, first!.runId)).toMatchObject({
      requestedBy: { door: 'schedule', person: 'schedule', channel: 'C0OPS' },
      reason: null,
      options: { consistency: 'quiesced' },
    });
  });

  it('is one run when several look at once', async () => {
    const { world, started } = scheduleWorld('2026-03-04T01:55:00Z');
    await tick(world, PROD);
    await world.clock.advance(5 * 60_000);
    const found = await Promise.all([tick(world, PROD), tick(world, PROD), tick(world, PROD)]);
    expect(new Set(found.flatMap((one) => one?.runId ?? [])).size).toBe(1);
    expect(new Set(started).size).toBe(1);
    expect(await listRuns(world, { limit: 5 })).toHaveLength(1);
  });

  it('finds the same run when it was killed before it could note that it looked', async () => {
    const { world, started } = scheduleWorld('2026-03-04T01:55:00Z');
    await tick(world, PROD);
    await world.clock.advance(5 * 60_000);
    const { state } = world;
    const change: typeof state.change = (key, ...rest) =>
      key.startsWith('schedule/') ? Promise.reject(new Error('killed')) : state.change(key, ...rest);
    world.state = { ...state, change };
    await expect(tick(world, PROD)).rejects.toThrow('killed');
    world.state = state;
    await world.clock.advance(5 * 60_000);
    expect((await tick(world, PROD))?.runId).toBe(started[0]);
    expect(await listRuns(world, { limit: 5 })).toHaveLength(1);
  });

  it('makes up for a downtime with one online run that says so', async () => {
    const { world } = scheduleWorld('2026-03-03T23:00:00Z');
    await tick(world, PROD);
    await world.clock.advance(12 * HOUR_MS);
    const caught = await tick(world, PROD);
    expect(caught).toMatchObject({ isCatchUp: true });
    expect(await readRun(world, caught!.runId)).toMatchObject({
      options: { consistency: 'online' },
      reason: expect.stringMatching(/^catch-up: 4 scheduled backups were missed since 2026-03-04T00:00/) as string,
    });
    expect(await tick(world, PROD)).toBeNull();
    expect(await listRuns(world, { limit: 5 })).toHaveLength(1);
  });

  it('starts none while paused, and goes on after it without a catch-up', async () => {
    const { world } = scheduleWorld('2026-03-04T01:55:00Z');
    await tick(world, PROD);
    const pause = { until: '2026-03-04T11:00:00.000Z', by: 'ana', since: '2026-03-04T01:55:00.000Z' };
    await changeSettings(world, 'prod', (settings) => ({ ...settings, pause }));
    await world.clock.advance(9.2 * HOUR_MS);
    expect(await tick(world, PROD)).toBeNull();
    await world.clock.advance(HOUR_MS);
    expect(await tick(world, PROD)).toMatchObject({ isCatchUp: false });
  });

  it('joins the run that is at work', async () => {
    const { world } = scheduleWorld('2026-03-04T01:55:00Z');
    await tick(world, PROD);
    await world.clock.advance(5 * 60_000);
    const first = await tick(world, PROD);
    await world.clock.advance(2 * HOUR_MS);
    expect(await tick(world, PROD)).toEqual({ runId: first?.runId, isJoined: true, isCatchUp: false });
    expect(await listRuns(world, { limit: 5 })).toHaveLength(1);
  });

  it('uses the channel of the settings', async () => {
    const { world } = scheduleWorld('2026-03-04T01:55:00Z');
    await tick(world, PROD);
    await changeSettings(world, 'prod', (settings) => ({
      ...settings,
      tell: { ...settings.tell, channel: 'C0NIGHT' },
    }));
    await world.clock.advance(5 * 60_000);
    const { runId } = (await tick(world, PROD))!;
    expect((await readRun(world, runId))?.requestedBy.channel).toBe('C0NIGHT');
  });
});
