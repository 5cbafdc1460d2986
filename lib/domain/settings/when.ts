/**
 * Times as people type them: `2026-03-04`, `2026-03-04T02:00`, `today`, `yesterday`, and lengths such as `90m`, `4h`, `7d`.
 *
 * Days are those of UTC, as in the names of archives. What is not understood is `null`: nothing is guessed.
 */

const DAY_MS = 86_400_000;
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** A stretch of time: from `from` up to and without `before`. */
export type Span = { from: Date; before: Date };

/** `4h` in milliseconds: minutes, hours, days, weeks; `null` for anything else. */
export const lengthOf = (text: string): number | null => {
  const [, number, unit] = /^(\d{1,5})\s*(m|h|d|w)$/i.exec(text.trim()) ?? [];
  return number === undefined || unit === undefined ? null : Number(number) * UNITS_MS[unit.toLowerCase()]!;
};

/** The moment where something that began `since` began: a length ago, a day's first instant, or a time of day in UTC. */
export const sinceWhen = (text: string, now: Date): Date | null => {
  const ago = lengthOf(text);
  if (ago !== null) return new Date(now.getTime() - ago);
  return dayOf(text, now)?.from ?? instantOf(text);
};

/** The day that the text names: `today`, `yesterday` or a date that exists. */
export const dayOf = (text: string, now: Date): Span | null => {
  const word = text.trim().toLowerCase();
  if (word === 'today') return dayFrom(now.getTime());
  if (word === 'yesterday') return dayFrom(now.getTime() - DAY_MS);
  const midnight = /^\d{4}-\d{2}-\d{2}$/.test(word) ? instantOf(`${word}T00:00`) : null;
  return midnight && dayFrom(midnight.getTime());
};

const dayFrom = (time: number): Span => {
  const from = Math.floor(time / DAY_MS) * DAY_MS;
  return { from: new Date(from), before: new Date(from + DAY_MS) };
};

/** `2026-03-04T02:00`, with seconds and `Z` or without; `null` for a date that does not exist, as 31 February. */
const instantOf = (text: string): Date | null => {
  const [, date, time, seconds = '00'] =
    /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::(\d{2})(?:\.\d+)?)?Z?$/i.exec(text.trim()) ?? [];
  if (date === undefined || time === undefined) return null;
  const iso = `${date}T${time}:${seconds}.000Z`;
  const instant = new Date(iso);
  return Number.isNaN(instant.getTime()) || instant.toISOString() !== iso ? null : instant;
};
