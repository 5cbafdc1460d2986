import { describe, expect, test } from 'vitest';
import { countDifferences } from '../../lib/domain/restores/copy.ts';

const promised = { Project: 12, Release: 4000, ServerTask: 900, Event: 50_000, Gone: 3 };
const wrong = (counts: Record<string, number>, consistency: 'quiesced' | 'online' = 'quiesced'): string[] =>
  countDifferences({ ...promised, ...counts }, { counts: promised, consistency })
    .filter(({ isExplained }) => !isExplained)
    .map(({ table }) => table);

describe('rows of a restored database', () => {
  test('that are as promised differ in nothing', () => {
    expect(countDifferences(promised, { counts: promised, consistency: 'quiesced' })).toEqual([]);
  });

  test('may differ a little where a quiet server writes by itself', () => {
    expect(countDifferences({ ...promised, ServerTask: 899 }, { counts: promised, consistency: 'quiesced' })).toEqual([
      { table: 'ServerTask', has: 899, promised: 900, isExplained: true },
    ]);
    expect(wrong({ Event: 49_000, ServerTask: 1000 })).toEqual([]);
    expect(wrong({ Event: 48_999, ServerTask: 799 })).toEqual(['Event', 'ServerTask']);
  });

  test('of people are all there, unless people were at work', () => {
    expect(wrong({ Release: 3999 })).toEqual(['Release']);
    expect(wrong({ Release: 3999, Project: 13 }, 'online')).toEqual([]);
    expect(wrong({ Release: 3900, Project: 3 }, 'online')).toEqual(['Project', 'Release']);
  });

  test('of a table that is not there, or that nobody promised, are missing or too many', () => {
    expect(wrong({ Gone: 0, Strange: 1 })).toEqual(['Gone', 'Strange']);
    expect(countDifferences({ ServerTask: 900 }, { counts: promised, consistency: 'quiesced' })).toHaveLength(4);
  });
});
