/** When backups are due: cron of one form, time zones and their odd days, pauses, and what was missed. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BackupSchedule,
  cronProblem,
  dueRun,
  isTimeZone,
  nextSlot,
  type Pause,
} from '../../lib/domain/settings/schedule.ts';

const BERLIN = 'Europe/Berlin';
const planned = (schedule: Partial<BackupSchedule>, pause: Pause | null = null) => ({
  schedule: { online: null, quiesced: null, timeZone: 'UTC', ...schedule },
  pause,
});
const until = (time: string | null): Pause => ({ until: time, by: 'ana', since: '2026-03-01T00:00:00.000Z' });

/** The next `number` slots after `from`. */
const slots = (schedule: Partial<BackupSchedule>, from: string, number: number): string[] => {
  const found: string[] = [];
  let at = new Date(from);
  while (found.length < number) {
    const next = nextSlot(planned(schedule), at);
    if (next === null) break;
    found.push(next.at);
    at = new Date(next.at);
  }
  return found;
};

describe('a cron', () => {
  it.each(['0 */4 * * *', '0 2 * * *', '30 1 * * mon-fri', '15 6,18 1-15 jan,JUL *', '0 0 29 2 *', '*/5 * * * *'])(
    'may be %s',
    (cron) => expect(cronProblem(cron)).toBeNull(),
  );

  it.each([
    ['0 0 3 * * *', /five fields/],
    ['0 3 * *', /five fields/],
    ['@daily', /five fields/],
    ['', /five fields/],
    ['0  3 * * *', /five fields/],
    ['0 3 31 2 *', /no day of any year/],
    ['60 3 * * *', /minute/],
    ['0 24 * * *', /hour/],
    ['0 3 L * *', /numbers, names/],
    ['0 3 15W * *', /numbers, names/],
    ['0 3 * * mon#2', /numbers, names/],
    ['? 3 * * *', /numbers, names/],
    ['0 3 * * montag', /numbers, names/],
    ['5/15 * * * *', /./],
    ['10-5 * * * *', /./],
  ])('may not be %j', (cron, problem) => expect(cronProblem(cron)).toMatch(problem));
});

it('knows time zones by their name only', () => {
  expect(['Europe/Berlin', 'UTC', 'America/New_York', 'Asia/Kolkata'].filter(isTimeZone)).toHaveLength(4);
  expect(['', 'Mars/Olympus', '+02:00', 'Europe Berlin'].filter(isTimeZone)).toEqual([]);
});

describe('the next slot', () => {
  it('is the earlier of both kinds', () => {
    const both = planned({ online: '0 */4 * * *', quiesced: '0 2 * * *' });
    expect(nextSlot(both, new Date('2026-03-04T00:00:00Z'))).toEqual({
      at: '2026-03-04T02:00:00.000Z',
      consistency: 'quiesced',
    });
    expect(nextSlot(both, new Date('2026-03-04T02:00:00Z'))).toEqual({
      at: '2026-03-04T04:00:00.000Z',
      consistency: 'online',
    });
  });

  it('is quiesced where both fall on one moment', () => {
    const both = planned({ online: '0 */2 * * *', quiesced: '0 2 * * *' });
    expect(nextSlot(both, new Date('2026-03-04T01:00:00Z'))?.consistency).toBe('quiesced');
  });

  it('comes after the pause, and not at all in one without end', () => {
    const hourly = { online: '0 * * * *' };
    const now = new Date('2026-03-04T10:30:00Z');
    expect(nextSlot(planned(hourly, until('2026-03-05T08:00:00Z')), now)?.at).toBe('2026-03-05T08:00:00.000Z');
    expect(nextSlot(planned(hourly, until('2026-03-04T09:00:00Z')), now)?.at).toBe('2026-03-04T11:00:00.000Z');
    expect(nextSlot(planned(hourly, until(null)), now)).toBeNull();
    expect(nextSlot(planned({}), now)).toBeNull();
  });

  it('is that of the wall clock in its time zone', () => {
    expect(slots({ quiesced: '0 2 * * *', timeZone: 'Asia/Kolkata' }, '2026-03-04T00:00:00Z', 1)).toEqual([
      '2026-03-04T20:30:00.000Z',
    ]);
  });

  it('of a time that the spring gap swallows is the first moment after it', () => {
    expect(slots({ quiesced: '30 2 * * *', timeZone: BERLIN }, '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(slots({ quiesced: '30 2,14 * * *', timeZone: BERLIN }, '2026-03-28T20:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T12:30:00.000Z',
    ]);
  });

  it('of a time that the autumn overlap repeats is there once', () => {
    expect(slots({ quiesced: '30 2 * * *', timeZone: BERLIN }, '2026-10-24T00:00:00Z', 3)).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  it('of every hour comes every hour on odd days too', () => {
    const hours = (from: string) =>
      slots({ online: '0 * * * *', timeZone: BERLIN }, from, 6).map((at) => new Date(at).getUTCHours());
    expect(hours('2026-03-28T22:30:00Z')).toEqual([23, 0, 1, 2, 3, 4]);
    expect(hours('2026-10-24T22:30:00Z')).toEqual([23, 0, 1, 2, 3, 4]);
  });
});

describe('the run that is due', () => {
  const both = { online: '0 */4 * * *', quiesced: '0 2 * * *' };
  const due = (from: string, to: string, pause: Pause | null = null) =>
    dueRun(planned(both, pause), new Date(from), new Date(to));

  it('is none between two slots, and none twice', () => {
    expect(due('2026-03-04T02:00:00Z', '2026-03-04T03:55:00Z')).toBeNull();
    expect(due('2026-03-04T04:00:00Z', '2026-03-04T04:05:00Z')).toBeNull();
  });

  it('is that of the slot, also some minutes late', () => {
    const slot = { at: '2026-03-04T02:00:00.000Z', consistency: 'quiesced', isCatchUp: false, missed: [] };
    expect(due('2026-03-04T01:55:00Z', '2026-03-04T02:00:00Z')).toEqual(slot);
    expect(due('2026-03-04T01:55:00Z', '2026-03-04T02:14:00Z')).toEqual(slot);
  });

  it('is one online catch-up after a downtime, whatever was missed', () => {
    expect(due('2026-03-03T23:00:00Z', '2026-03-04T11:00:00Z')).toEqual({
      at: '2026-03-04T08:00:00.000Z',
      consistency: 'online',
      isCatchUp: true,
      missed: [
        { at: '2026-03-04T00:00:00.000Z', consistency: 'online' },
        { at: '2026-03-04T02:00:00.000Z', consistency: 'quiesced' },
        { at: '2026-03-04T04:00:00.000Z', consistency: 'online' },
        { at: '2026-03-04T08:00:00.000Z', consistency: 'online' },
      ],
    });
  });

  it('is the slot itself when the downtime ends with it, and counts what was missed before', () => {
    expect(due('2026-03-03T23:00:00Z', '2026-03-04T02:03:00Z')).toEqual({
      at: '2026-03-04T02:00:00.000Z',
      consistency: 'quiesced',
      isCatchUp: false,
      missed: [{ at: '2026-03-04T00:00:00.000Z', consistency: 'online' }],
    });
  });

  it('makes up for nothing that a pause covered', () => {
    expect(due('2026-03-03T23:00:00Z', '2026-03-04T11:00:00Z', until(null))).toBeNull();
    expect(due('2026-03-03T23:00:00Z', '2026-03-04T11:00:00Z', until('2026-03-04T06:00:00Z'))?.missed).toEqual([
      { at: '2026-03-04T08:00:00.000Z', consistency: 'online' },
    ]);
  });

  it('sees every slot once, however irregularly the clock is looked at', () => {
    const start = Date.parse('2026-03-27T00:00:00Z');
    const zoned = planned({ ...both, timeZone: BERLIN });
    const all = slots({ ...both, timeZone: BERLIN }, '2026-03-27T00:00:00Z', 22);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 40 }), (pauses) => {
        const seen: string[] = [];
        let checkedUntil = start;
        for (const minutes of [...pauses, 6000]) {
          const now = Math.min(checkedUntil + minutes * 60_000, Date.parse(all.at(-1)!));
          const found = dueRun(zoned, new Date(checkedUntil), new Date(now));
          if (found !== null) seen.push(...found.missed.map(({ at }) => at), ...(found.isCatchUp ? [] : [found.at]));
          checkedUntil = now;
        }
        expect(seen).toEqual(all.filter((at) => Date.parse(at) <= checkedUntil));
      }),
      { numRuns: 100 },
    );
  });

  it('looks back a week at most', () => {
    const found = due('2025-03-04T00:00:00Z', '2026-03-04T03:00:00Z');
    expect(found?.missed).toHaveLength(7 * 7);
  });
});
