/** Retention over random histories: what may never go, and that it goes on as it began. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Candidate,
  DEFAULT_RETENTION,
  isSound,
  keptUntil,
  type Retention,
  retentionVerdicts,
  type Verdict,
} from '../../lib/domain/archives/retention.ts';
import { comingSlots } from '../../lib/domain/settings/schedule.ts';

const NOW = new Date('2026-03-04T12:00:00.000Z');
const NONE: Retention = { last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, floor: 1 };
const HOUR_MS = 3_600_000;

const archive = (takenAt: string, changes: Partial<Candidate> = {}): Candidate => ({
  archiveId: `arc of ${takenAt}`,
  takenAt,
  word: 'good',
  isDamaged: false,
  isSafety: false,
  isHeld: false,
  isRead: false,
  lockedUntil: null,
  ...changes,
});

/** One archive every so many hours, newest first. */
const every = (hours: number, amount: number): Candidate[] =>
  Array.from({ length: amount }, (_, at) => archive(new Date(NOW.getTime() - at * hours * HOUR_MS).toISOString()));

const judge = (archives: readonly Candidate[], retention: Partial<Retention> = {}, timeZone = 'UTC'): Verdict[] =>
  retentionVerdicts(archives, { retention: { ...NONE, ...retention }, timeZone, now: NOW });

const keptBy = (verdicts: Verdict[], rule: string): string[] =>
  verdicts.flatMap(({ takenAt, rules }) => (rules.some((one) => one === rule) ? [takenAt.slice(0, 16)] : []));

const survivors = (archives: readonly Candidate[], verdicts: Verdict[]): Candidate[] => {
  const kept = new Set(verdicts.filter(({ rules }) => rules.length > 0).map(({ archiveId }) => archiveId));
  return archives.filter(({ archiveId }) => kept.has(archiveId));
};

describe('each rule', () => {
  test('last: the newest, whenever they were taken', () => {
    expect(keptBy(judge(every(6, 5), { last: 2 }), 'last')).toEqual(['2026-03-04T12:00', '2026-03-04T06:00']);
  });

  test('daily: the newest of each day that has one, as the clock on the wall counts days', () => {
    const archives = ['2026-03-04T00:30', '2026-03-03T23:30', '2026-03-03T10:00', '2026-02-20T10:00'].map((time) =>
      archive(`${time}:00.000Z`),
    );
    expect(keptBy(judge(archives, { daily: 3 }), 'daily')).toEqual([
      '2026-03-04T00:30',
      '2026-03-03T23:30',
      '2026-02-20T10:00',
    ]);
    expect(keptBy(judge(archives, { daily: 3 }, 'Europe/Berlin'), 'daily')).toEqual([
      '2026-03-04T00:30',
      '2026-03-03T10:00',
      '2026-02-20T10:00',
    ]);
  });

  test('weekly begins on Monday; monthly and yearly go by the calendar', () => {
    const archives = every(24, 700);
    expect(keptBy(judge(archives, { weekly: 3 }), 'weekly')).toEqual([
      '2026-03-04T12:00',
      '2026-03-01T12:00',
      '2026-02-22T12:00',
    ]);
    expect(keptBy(judge(archives, { monthly: 3 }), 'monthly')).toEqual([
      '2026-03-04T12:00',
      '2026-02-28T12:00',
      '2026-01-31T12:00',
    ]);
    expect(keptBy(judge(archives, { yearly: 9 }), 'yearly')).toEqual([
      '2026-03-04T12:00',
      '2025-12-31T12:00',
      '2024-12-31T12:00',
    ]);
  });

  test('what is held, read or locked stays, and a lock that has ended keeps nothing', () => {
    const [newest, ...older] = every(1, 5) as [Candidate, ...Candidate[]];
    const verdicts = judge([
      newest,
      { ...older[0]!, isHeld: true },
      { ...older[1]!, isRead: true },
      { ...older[2]!, lockedUntil: '2026-03-05T00:00:00.000Z' },
      { ...older[3]!, lockedUntil: '2026-03-04T11:00:00.000Z' },
    ]);
    expect(verdicts.map(({ rules }) => rules)).toEqual([['newest', 'floor'], ['held'], ['read'], ['locked'], []]);
  });

  test('nothing goes before a newer good one is there', () => {
    const archives = every(1, 4).map((one, at) => (at < 3 ? { ...one, word: 'gaps' as const } : one));
    expect(judge(archives).every(({ rules }) => rules.includes('newest'))).toBe(true);
    expect(judge(archives.slice(0, 3)).every(({ rules }) => rules.includes('newest'))).toBe(true);
  });

  test.each([{ isDamaged: true }, { isSafety: true }, { word: 'gaps' as const }])(
    'what is %o stays as long as if it were good, and takes no place of a good one',
    (flaw) => {
      const archives = every(6, 12).map((one, at) => (at % 2 === 1 ? { ...one, ...flaw } : one));
      expect(keptBy(judge(archives, { last: 3 }), 'last')).toEqual(
        [0, 1, 2, 4].map((at) => archives[at]!.takenAt.slice(0, 16)),
      );
    },
  );

  test('what a restore kept before it overwrote it fills no floor, and lets nothing older go', () => {
    const archives = every(1, 5).map((one, at) => (at < 3 ? { ...one, isSafety: true } : one));
    const verdicts = judge(archives, { floor: 2 });
    expect(verdicts.map(({ rules }) => rules)).toEqual([
      ['newest'],
      ['newest'],
      ['newest'],
      ['newest', 'floor'],
      ['floor'],
    ]);
  });
});

describe('over random histories', () => {
  const candidate = fc.record({
    hours: fc.integer({ min: 0, max: 24 * 500 }),
    word: fc.constantFrom('good' as const, 'good' as const, 'gaps' as const, 'suspicious' as const),
    isDamaged: fc.constantFrom(false, false, true),
    isSafety: fc.constantFrom(false, false, true),
    isHeld: fc.constantFrom(false, false, false, true),
    isRead: fc.constantFrom(false, false, false, true),
    lockHours: fc.option(fc.integer({ min: -100, max: 100 }), { freq: 5 }),
  });
  const history = fc.uniqueArray(candidate, { selector: ({ hours }) => hours, maxLength: 60 }).map((drawn) =>
    drawn.map(({ hours, lockHours, ...rest }) =>
      archive(new Date(NOW.getTime() - hours * HOUR_MS).toISOString(), {
        ...rest,
        lockedUntil: lockHours === null ? null : new Date(NOW.getTime() + lockHours * HOUR_MS).toISOString(),
      }),
    ),
  );
  const few = fc.integer({ min: 0, max: 6 });
  const policy = fc.record({
    last: few,
    daily: few,
    weekly: few,
    monthly: few,
    yearly: few,
    floor: fc.integer({ min: 1, max: 5 }),
  });
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Kiritimati');
  const always = (holds: (archives: Candidate[], retention: Retention, timeZone: string) => void): void =>
    fc.assert(fc.property(history, policy, zone, holds), { numRuns: 300 });

  test('the newest good ones, the held, the read and the locked never go', () => {
    always((archives, retention, timeZone) => {
      const left = new Set(survivors(archives, judge(archives, retention, timeZone)).map(({ archiveId }) => archiveId));
      const good = archives.filter(isSound).toSorted((a, b) => (a.takenAt < b.takenAt ? 1 : -1));
      for (const { archiveId } of good.slice(0, retention.floor)) expect(left).toContain(archiveId);
      const protectedOnes = archives.filter(
        ({ isHeld, isRead, lockedUntil }) => isHeld || isRead || (lockedUntil ?? '') > NOW.toISOString(),
      );
      for (const { archiveId } of protectedOnes) expect(left).toContain(archiveId);
      // Without a good one nothing goes.
      expect(left.size).toBeGreaterThanOrEqual(good.length === 0 ? archives.length : 1);
    });
  });

  test('what stayed stays when it is judged again', () => {
    always((archives, retention, timeZone) => {
      const left = survivors(archives, judge(archives, retention, timeZone));
      expect(survivors(left, judge(left, retention, timeZone))).toEqual(left);
    });
  });

  test('the order in which archives are given changes nothing', () => {
    always((archives, retention, timeZone) => {
      expect(judge(archives.toReversed(), retention, timeZone)).toEqual(judge(archives, retention, timeZone));
    });
  });

  test('keeping more, or holding more, drops none that was kept', () => {
    const more = fc.constantFrom('last', 'daily', 'weekly', 'monthly', 'yearly', 'floor' as const);
    const drawn = fc.record({ archives: history, retention: policy, timeZone: zone, rule: more, held: fc.nat() });
    const grows = fc.property(drawn, ({ archives, retention, timeZone, rule, held }) => {
      const before = survivors(archives, judge(archives, retention, timeZone));
      const larger = judge(archives, { ...retention, [rule]: retention[rule] + 1 }, timeZone);
      expect(survivors(archives, larger)).toEqual(expect.arrayContaining(before));
      const holding = archives.map((one, at) => (at === held % archives.length ? { ...one, isHeld: true } : one));
      const ids = survivors(holding, judge(holding, retention, timeZone)).map(({ archiveId }) => archiveId);
      expect(ids).toEqual(expect.arrayContaining(before.map(({ archiveId }) => archiveId)));
    });
    fc.assert(grows, { numRuns: 300 });
  });

  test('a newer archive brings none back that would have gone', () => {
    always((archives, retention, timeZone) => {
      const gone = judge(archives, retention, timeZone).filter(({ rules }) => rules.length === 0);
      const newer = archive(new Date(NOW.getTime() + HOUR_MS).toISOString());
      const after = new Map(
        judge([...archives, newer], retention, timeZone).map(({ archiveId, rules }) => [archiveId, rules]),
      );
      for (const { archiveId } of gone) expect(after.get(archiveId)).toEqual([]);
    });
  });
});

describe('kept until', () => {
  const schedule = { online: '0 */4 * * *', quiesced: '0 2 * * *', timeZone: 'UTC' };
  const inAYear = new Date(NOW.getTime() + 400 * 24 * HOUR_MS);
  const slots = comingSlots(schedule, { after: NOW, until: inAYear, most: 3000 });
  const until = (candidates: Candidate[], retention: Partial<Retention>): string | null =>
    keptUntil(candidates, candidates[0]!.archiveId, {
      retention: { ...NONE, ...retention },
      timeZone: 'UTC',
      slots,
    });

  test('the run after which no rule keeps it any more', () => {
    // Seven runs a day, at 0, 2, 4, 8, 12, 16 and 20; this one was taken at 12.
    expect(until(every(1, 1), { last: 3 })).toBe('2026-03-05T00:00:00.000Z');
    expect(until(every(1, 1), { daily: 3 })).toBe('2026-03-04T16:00:00.000Z');
    expect(until([archive('2026-03-03T20:00:00.000Z')], { daily: 3 })).toBe('2026-03-06T00:00:00.000Z');
    expect(until([archive('2026-02-28T20:00:00.000Z')], { monthly: 4 })).toBe('2026-06-01T00:00:00.000Z');
  });

  test('slots are as many as were asked for, none twice', () => {
    const minutely = { online: '* * * * *', quiesced: '*/2 * * * *', timeZone: 'UTC' };
    const some = comingSlots(minutely, { after: NOW, until: inAYear, most: 4 });
    expect(some.map((slot) => slot.slice(11, 16))).toEqual(['12:01', '12:02', '12:03', '12:04']);
  });

  test('is not known for what is held, outlives the horizon, or has no schedule', () => {
    expect(until([archive('2026-02-28T20:00:00.000Z', { isHeld: true })], {})).toBeNull();
    expect(until([archive('2025-12-31T20:00:00.000Z')], { yearly: 3 })).toBeNull();
    const without = { retention: NONE, timeZone: 'UTC', slots: [] };
    expect(keptUntil(every(1, 1), every(1, 1)[0]!.archiveId, without)).toBeNull();
  });

  test('by default an archive of noon stays two days, one of the end of a month a year', () => {
    const horizon = { retention: DEFAULT_RETENTION, timeZone: 'UTC', slots };
    const noon = every(1, 1);
    expect(keptUntil(noon, noon[0]!.archiveId, horizon)).toBe('2026-03-06T12:00:00.000Z');
    const end = [archive('2026-02-28T20:00:00.000Z')];
    expect(keptUntil(end, end[0]!.archiveId, horizon)).toBe('2027-02-01T00:00:00.000Z');
  });
});
