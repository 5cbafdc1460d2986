import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayOf, lengthOf, sinceWhen } from '../../lib/domain/settings/when.ts';

const NOW = new Date('2026-03-04T12:30:00.000Z');

test.each([
  ['today', '2026-03-04'],
  ['Yesterday', '2026-03-03'],
  ['2024-02-29', '2024-02-29'],
])('%s is a whole day of UTC', (text, day) => {
  const from = new Date(`${day}T00:00:00.000Z`);
  expect(dayOf(text, NOW)).toEqual({ from, before: new Date(from.getTime() + 86_400_000) });
});

test.each([
  ['7d', '2026-02-25T12:30:00.000Z'],
  ['90m', '2026-03-04T11:00:00.000Z'],
  ['4H', '2026-03-04T08:30:00.000Z'],
  ['2w', '2026-02-18T12:30:00.000Z'],
  ['yesterday', '2026-03-03T00:00:00.000Z'],
  ['2026-03-01', '2026-03-01T00:00:00.000Z'],
  ['2026-03-01T02:15', '2026-03-01T02:15:00.000Z'],
  ['2026-03-01T02:15:07Z', '2026-03-01T02:15:07.000Z'],
])('since %s is since %s', (text, expected) => {
  expect(sinceWhen(text, NOW)?.toISOString()).toBe(expected);
});

test.each(['', 'soon', '7', '7y', 'd', '-4h', '2026-02-30', '2026-13-01', '2026-3-4', '2026-03-01T25:00', '999999d'])(
  '%j is not guessed at',
  (text) => {
    expect(sinceWhen(text, NOW)).toBeNull();
    expect(dayOf(text, NOW)).toBeNull();
  },
);

test('lengths add up', () => {
  expect(lengthOf('1w')).toBe(lengthOf('7d'));
  expect(lengthOf('24h')).toBe(lengthOf('1d'));
  expect(lengthOf('60m')).toBe(lengthOf('1h'));
});

test('whatever is typed is a moment or nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (text) => {
      const since = sinceWhen(text, NOW);
      expect(since === null || Number.isFinite(since.getTime())).toBe(true);
    }),
  );
});

describe('in a time zone', () => {
  const BERLIN = 'Europe/Berlin';
  test.each([
    { text: 'today', from: '2026-03-04T23:00', before: '2026-03-05T23:00' },
    { text: 'yesterday', from: '2026-03-03T23:00', before: '2026-03-04T23:00' },
    { text: '2026-07-01', from: '2026-06-30T22:00', before: '2026-07-01T22:00' },
    // The days of the change of clocks have 23 and 25 hours.
    { text: '2026-03-29', from: '2026-03-28T23:00', before: '2026-03-29T22:00' },
    { text: '2026-10-25', from: '2026-10-24T22:00', before: '2026-10-25T23:00' },
  ])('$text, half an hour past midnight there', ({ text, from, before }) => {
    const span = { from: new Date(`${from}:00Z`), before: new Date(`${before}:00Z`) };
    expect(dayOf(text, new Date('2026-03-04T23:30:00Z'), BERLIN)).toEqual(span);
  });

  test('times are those of its clocks, unless they end in Z', () => {
    const since = (text: string) => sinceWhen(text, NOW, BERLIN)?.toISOString();
    expect(since('2026-07-01T08:00')).toBe('2026-07-01T06:00:00.000Z');
    expect(since('2026-07-01T08:00Z')).toBe('2026-07-01T08:00:00.000Z');
    expect(since('2026-03-29T03:00')).toBe('2026-03-29T01:00:00.000Z');
    // Shown twice that night: the first time counts.
    expect(since('2026-10-25T02:30')).toBe('2026-10-25T00:30:00.000Z');
    expect(since('2026-02-30T08:00')).toBeUndefined();
  });
});
