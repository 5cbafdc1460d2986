/** The timers: at once, on every full round, each instance by itself, until they are told to stop. */
import { expect, it, vi } from 'vitest';
import { listRuns } from '../../lib/repository/run-book.ts';
import { readVerification } from '../../lib/repository/store-care/verification.ts';
import { keepSchedule, keepVerified, keepWatch } from '../../worker/ticker.ts';
import { scheduleWorld } from '../runs/schedule-world.ts';
import { advanceUntil, memoryLog } from './support.ts';

const MINUTE_MS = 60_000;

it('starts what is due on the minute, also when it was started in between', async () => {
  const { world } = scheduleWorld('2026-03-04T01:57:30Z');
  const stop = new AbortController();
  const log = memoryLog();
  const kept = keepSchedule(world, { channel: 'C0OPS', signal: stop.signal, log });
  const runs = () => listRuns(world, { limit: 5 });
  await vi.waitFor(() => expect(world.clock.sleeping()).toBe(1));
  await world.clock.advance(2.5 * MINUTE_MS);
  await vi.waitFor(async () => expect(await runs()).toMatchObject([{ requestedAt: '2026-03-04T02:00:00.000Z' }]));
  stop.abort();
  await kept;
  expect(log.lines.join('\n')).toContain('a scheduled backup was due');
});

it('goes on with the others, and tries again, when an instance cannot be looked at', async () => {
  const { world, said } = scheduleWorld('2026-03-04T01:00:00Z');
  const stop = new AbortController();
  const log = memoryLog();
  const { state } = world;
  world.instanceNames = () => ['broken', 'prod'];
  const read: typeof state.read = (key, ...rest) =>
    key.startsWith('broken/') ? Promise.reject(new Error('damaged')) : state.read(key, ...rest);
  world.state = { ...state, read };
  const kept = keepWatch(world, { channel: 'C0OPS', signal: stop.signal, log });
  await vi.waitFor(() => expect(world.clock.sleeping()).toBe(1));
  await advanceUntil(world.clock, () => expect(said).toHaveLength(1), 60 * MINUTE_MS);
  stop.abort();
  await kept;
  expect(said[0]?.text).toContain('No good archive of prod');
  expect(log.lines.filter((line) => line.includes('"instance":"broken"')).length).toBeGreaterThan(1);
});

it('moves the verification on at every round, and tries again what failed', async () => {
  const { world } = scheduleWorld('2026-03-04T01:00:00Z');
  const stop = new AbortController();
  const log = memoryLog();
  const { archives } = world;
  const list = (): never => {
    throw new Error('no store');
  };
  const kept = keepVerified(world, { channel: 'C0OPS', signal: stop.signal, log });
  const movedUntil = async () => (await readVerification(world, 'prod')).hand.movedUntil;
  await vi.waitFor(() => expect(world.clock.sleeping()).toBe(1));
  world.archives = { ...archives, list };
  await advanceUntil(world.clock, () => expect(log.lines.join()).toContain('could not be verified'), 5 * MINUTE_MS);
  expect(await movedUntil()).toBe('2026-03-04T01:00:00.000Z');
  world.archives = archives;
  await advanceUntil(
    world.clock,
    async () => expect(Date.parse(await movedUntil())).toBeGreaterThan(Date.parse('2026-03-04T01:00:00Z')),
    5 * MINUTE_MS,
  );
  stop.abort();
  await kept;
});
