/**
 * Times as people type them: `2026-03-04`, `2026-03-04T02:00`, `today`, `yesterday`, and lengths such as `90m`, `4h`, `7d`.
 *
 * Days and times are those of a time zone, UTC unless another is named; a time that ends in Z is one of UTC all the same. What
 * is not understood is `null`: nothing is guessed.
 */

const DAY_MS = 86_400_000;
const UTC = 'UTC';
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** A stretch of time: from `from` up to and without `before`. */
export type Span = { from: Date; before: Date };

/** `4h` in milliseconds: minutes, hours, days, weeks; `null` for anything else. */
export const lengthOf = (text: string): number | null => {
  const [, number, unit] = /^(\d{1,5})\s*(m|h|d|w)$/i.exec(text.trim()) ?? [];
  return number === undefined || unit === undefined ? null : Number(number) * UNITS_MS[unit.toLowerCase()]!;
};

/** The moment where something that began `since` began: a length ago, a day's first instant, or a time of day. */
export const sinceWhen = (text: string, now: Date, timeZone = UTC): Date | null => {
  const ago = lengthOf(text);
  if (ago !== null) return new Date(now.getTime() - ago);
  return dayOf(text, now, timeZone)?.from ?? instantOf(text, timeZone);
};

/** The day that the text names: `today`, `yesterday` or a date that exists. */
export const dayOf = (text: string, now: Date, timeZone = UTC): Span | null => {
  const word = text.trim().toLowerCase();
  const today = wallTime(now, timeZone).slice(0, DATE_LENGTH);
  if (word === 'today') return dayFrom(today, timeZone);
  if (word === 'yesterday') return dayFrom(dateAfter(today, -1), timeZone);
  return /^\d{4}-\d{2}-\d{2}$/.test(word) && instantOf(`${word}T00:00`, UTC) !== null ? dayFrom(word, timeZone) : null;
};

const dayFrom = (date: string, timeZone: string): Span => ({
  from: momentOf(`${date}T00:00:00`, timeZone),
  before: momentOf(`${dateAfter(date, 1)}T00:00:00`, timeZone),
});

/** `2026-03-04T02:00`, with seconds and `Z` or without; `null` for a date that does not exist, as 31 February. */
const instantOf = (text: string, timeZone: string): Date | null => {
  const [, date, time, seconds = '00', zulu] =
    /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::(\d{2})(?:\.\d+)?)?(Z)?$/i.exec(text.trim()) ?? [];
  if (date === undefined || time === undefined) return null;
  const wall = `${date}T${time}:${seconds}`;
  const instant = new Date(`${wall}Z`);
  if (Number.isNaN(instant.getTime()) || !instant.toISOString().startsWith(wall)) return null;
  return zulu === undefined ? momentOf(wall, timeZone) : instant;
};

const DATE_LENGTH = 'YYYY-MM-DD'.length;

const dateAfter = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, DATE_LENGTH);

/** What the clocks of the zone show, `2026-03-04T02:00:00`. Swedish dates are those of ISO 8601. */
const wallTime = (moment: Date, timeZone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
    .format(moment)
    .replace(' ', 'T');

/** When the clocks of the zone show this time: the first such moment, or, in a spring gap, one right beside it. */
const momentOf = (wall: string, timeZone: string): Date => {
  const asUtc = Date.parse(`${wall}Z`);
  const offsetAt = (time: number): number => Date.parse(`${wallTime(new Date(time), timeZone)}Z`) - time;
  // The offset of a day earlier is that of before a change; where it does not lead back to the wall time, that of after does.
  const earlier = asUtc - offsetAt(asUtc - DAY_MS);
  return new Date(offsetAt(earlier) === asUtc - earlier ? earlier : asUtc - offsetAt(asUtc + DAY_MS));
};
