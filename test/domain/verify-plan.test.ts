/** Whatever is stored is read again within the promised time, whenever it was stored and however ticks come. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  behindSeconds,
  type Hand,
  isOnStretch,
  nextStretch,
  restingHand,
  type Stretch,
} from '../../lib/domain/archives/verify-plan.ts';

const START = Date.parse('2026-03-04T02:00:00.000Z');
const DAY_MS = 86_400_000;
const at = (ms: number): Date => new Date(START + ms);

/** Moves the hand on at each tick; what it passed, and when. */
const move = (hand: Hand, ticksMs: readonly number[], verifyDays: number) => {
  const passed: { ms: number; stretch: Stretch }[] = [];
  let last = hand;
  for (const ms of ticksMs) {
    for (let next = nextStretch(last, { now: at(ms), verifyDays }); next !== null;) {
      passed.push({ ms, stretch: next.stretch });
      last = next.after;
      next = nextStretch(last, { now: at(ms), verifyDays });
    }
  }
  return { passed, hand: last };
};

const name = fc.stringMatching(/^[0-9a-f]{64}$/);
const days = fc.integer({ min: 1, max: 60 });
/** Pauses between ticks, as shares of the longest that the promise allows. */
const pauses = fc.array(fc.constantFrom(0.001, 0.01, 0.1, 0.5, 0.99), { minLength: 40, maxLength: 80 });

test('every name is passed within the promised time, again and again', () => {
  fc.assert(
    fc.property(name, days, pauses, (object, verifyDays, shares) => {
      const ticks = shares.reduce<number[]>((list, share) => {
        list.push((list.at(-1) ?? 0) + Math.floor((share * verifyDays * DAY_MS) / 4));
        return list;
      }, []);
      const { passed } = move(restingHand(at(0)), ticks, verifyDays);
      const seen = passed.filter(({ stretch }) => isOnStretch(object, stretch)).map(({ ms }) => ms);
      const moments = [0, ...seen, ticks.at(-1)!];
      for (const [n, ms] of moments.slice(1).entries())
        expect(ms - moments[n]!).toBeLessThanOrEqual(verifyDays * DAY_MS);
    }),
    { numRuns: 30 },
  );
});

test('stretches follow one another without a gap, and none is passed twice in a round', () => {
  const { passed } = move(
    restingHand(at(0)),
    [0.2, 0.3, 1, 3, 5, 7.4].map((day) => day * DAY_MS),
    10,
  );
  const ends = passed.map(({ stretch }) => stretch.before);
  expect(passed.slice(1).map(({ stretch }) => stretch.from)).toEqual(ends.slice(0, -1));
  expect(passed[0]!.stretch.from).toBe('000000000000');
  expect(ends).not.toContain(null);
  expect(new Set(ends).size).toBe(ends.length);
});

test('it comes round after three quarters of the time, and begins anew', () => {
  const { hand, passed } = move(restingHand(at(0)), [7.5 * DAY_MS], 10);
  expect(hand).toEqual({
    position: 0,
    movedUntil: at(7.5 * DAY_MS).toISOString(),
    cameRoundAt: at(7.5 * DAY_MS).toISOString(),
  });
  expect(passed.at(-1)!.stretch.before).toBeNull();
  expect(isOnStretch('f'.repeat(64), passed.at(-1)!.stretch)).toBe(true);
});

test('after a standstill it says how far it is behind, and goes on where it was in small parts', () => {
  const { hand } = move(restingHand(at(0)), [DAY_MS], 10);
  const now = at(3 * DAY_MS);
  expect(behindSeconds(hand, now)).toBe(2 * 86_400);
  const next = nextStretch(hand, { now, verifyDays: 10 })!;
  expect(Date.parse(next.after.movedUntil)).toBeLessThan(at(1.01 * DAY_MS).getTime());
  expect(behindSeconds(hand, at(0))).toBe(0);
  expect(nextStretch(hand, { now: at(DAY_MS), verifyDays: 10 })).toBeNull();
});

test('another promise changes the pace, not where it is', () => {
  const { hand } = move(restingHand(at(0)), [DAY_MS], 10);
  const next = nextStretch(hand, { now: at(DAY_MS + 60_000), verifyDays: 2 })!;
  expect(next.stretch.from).toBe(nextStretch(hand, { now: at(2 * DAY_MS), verifyDays: 10 })!.stretch.from);
});
