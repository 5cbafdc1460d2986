/** Sizes, durations and times as people read them; text of strangers made harmless and short. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  count,
  cut,
  duration,
  escape,
  escapeAndCut,
  localTime,
  oneLine,
  size,
  stopwatch,
  utcTime,
} from '../../lib/slack/text.ts';

describe('numbers', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [42_700_000_000, '42.7 GB'],
    [2e12, '2.0 TB'],
    [5e18, '5000.0 PB'],
  ])('says %d bytes as %s', (bytes, said) => {
    expect(size(bytes)).toBe(said);
  });

  it.each([
    [0, '0 s'],
    [-3, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [190, '3 min 10 s'],
    [599, '9 min 59 s'],
    [1_080, '18 min'],
    [3_569, '59 min'],
    [3_600, '1 h'],
    [3_900, '1 h 5 min'],
    [90_000, '25 h'],
  ])('says %d seconds as %s', (seconds, said) => {
    expect(duration(seconds)).toBe(said);
  });

  it.each([
    [20, '0:20'],
    [401, '6:41'],
    [3_723, '1:02:03'],
  ])('stops %d seconds at %s', (seconds, said) => {
    expect(stopwatch(seconds)).toBe(said);
  });

  it('counts one and many', () => {
    expect([count(1, 'file'), count(18_204, 'file'), count(2, 'entry', 'entries')]).toEqual([
      '1 file',
      '18,204 files',
      '2 entries',
    ]);
  });
});

describe('times', () => {
  it('says UTC, and lets Slack say it in the reader’s time', () => {
    expect(utcTime('2026-03-05T02:00:00.123Z')).toBe('2026-03-05 02:00 UTC');
    expect(localTime('2026-03-05T02:00:00Z')).toBe(
      '<!date^1772676000^{date_short_pretty} {time}|2026-03-05 02:00 UTC>',
    );
  });
});

const hostile = fc.string({ unit: 'grapheme', maxLength: 400 }).map((text) => `${text}<!channel>&<@U1|x>👩‍👩‍👧‍👦${text}`);

describe('text of strangers', () => {
  it('leaves no angle bracket and no bare ampersand', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(escape(text)).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
      }),
    );
  });

  it('keeps to the length, never cuts an escape or a character in two, and counts what it left out', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 60, max: 300 }), (text, most) => {
        const shown = escapeAndCut(text, most);
        expect(shown.length).toBeLessThanOrEqual(most);
        expect(shown).not.toMatch(/&(?!amp;|lt;|gt;)/);
        expect(shown.isWellFormed()).toBe(text.isWellFormed() || shown.isWellFormed());
        if (escape(text).length <= most) return;
        const left = Number(/ … \(([\d,]+) more characters?\)$/.exec(shown)?.[1]?.replaceAll(',', ''));
        const kept = shown
          .slice(0, shown.lastIndexOf(' … ('))
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&amp;', '&');
        expect(text.startsWith(kept)).toBe(true);
        expect(text.slice(0, text.length - left).trimEnd()).toBe(kept);
      }),
    );
  });

  it('cuts only what is too long', () => {
    expect(cut('short', 60)).toBe('short');
    expect(cut('x'.repeat(4_000), 100)).toBe(`${'x'.repeat(64)} … (3,936 more characters)`);
  });

  it('makes one printable line', () => {
    expect(oneLine(' a\n\tb\u001b[31mc\u202ed ')).toBe('a b [31mc d');
    expect(oneLine('👩‍👩‍👧')).toBe('👩‍👩‍👧');
  });
});
