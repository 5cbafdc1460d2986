import * as fc from 'fast-check';
import { expect, test } from 'vitest';
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
