import { describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/adapters/clock.system.ts';
import { jumpingClock, testClock } from '../clock.ts';

const reason = new Error('enough');

describe.each([
  ['system', () => systemClock],
  ['test', () => testClock()],
])('%s clock', (_name, open) => {
  test('a sleep that is aborted rejects with the reason, before and after it began', async () => {
    await expect(open().sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const sleeping = open().sleep(60_000, abort.signal);
    abort.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });
});

test('the test clock wakes sleepers in order, each at its own time, also those who sleep again', async () => {
  const clock = testClock('2026-03-04T02:00:00Z');
  const woken: string[] = [];
  const sleeper = async (name: string, ...pauses: number[]) => {
    for (const ms of pauses) {
      await clock.sleep(ms);
      woken.push(`${name} ${clock.now().toISOString().slice(17, 23)}`);
    }
  };
  const all = Promise.all([sleeper('slow', 3_000), sleeper('often', 1_000, 1_000, 500), sleeper('later', 9_000)]);
  await clock.advance(5_000);
  expect(woken).toEqual(['often 01.000', 'often 02.000', 'often 02.500', 'slow 03.000']);
  expect(clock.sleeping()).toBe(1);
  await clock.advance(4_000);
  await all;
  expect(clock.now().toISOString()).toBe('2026-03-04T02:00:09.000Z');
});

test('the jumping clock has slept as long as asked, at once', async () => {
  const clock = jumpingClock('2026-03-04T02:00:00Z');
  await clock.sleep(3_600_000);
  expect(clock.now().toISOString()).toBe('2026-03-04T03:00:00.000Z');
  expect(clock.slept).toEqual([3_600_000]);
});
