/**
 * When backups are due: pure, from the settings and two moments, so that every mode and every ticker finds the same.
 *
 * One form of cron: five fields of numbers and names. In a spring gap a fixed time runs at the first moment after it, in
 * an autumn overlap it runs once; times with `*` follow the clock on the wall. Croner computes, nothing of it is kept.
 * @see https://croner.56k.guru/usage/pattern/
 */
import { Cron } from 'croner';

export type BackupSchedule = {
  /** Backups without maintenance mode; null is never. */
  online: string | null;
  /** Backups in maintenance mode; null is never. */
  quiesced: string | null;
  timeZone: string;
};

export type Consistency = 'quiesced' | 'online';
/** A moment (ISO 8601) at which the schedule asks for a backup. */
export type Slot = { at: string; consistency: Consistency };
export type Pause = { until: string | null; by: string; since: string };

/** The one run to start now. A catch-up stands for slots that nobody was there to start. */
export type DueRun = Slot & { isCatchUp: boolean; missed: Slot[] };

type Planned = { schedule: BackupSchedule; pause: Pause | null };

/** So late a slot still counts as kept: two ticks may fail. */
const ON_TIME_MINUTES = 15;
/** Slots longer ago are not counted: nobody asks how many were missed before a week. */
const LOOK_BACK_DAYS = 7;
const MINUTE_MS = 60_000;

const PARTS = /^([\d*,/\- ]|\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b)+$/i;

/** What is wrong with a cron of ours, as a phrase; null when it is right and fires some day. */
export const cronProblem = (cron: string): string | null => {
  if (!/^\S+( \S+){4}$/.test(cron)) return 'it needs five fields: minute, hour, day, month, weekday';
  if (!PARTS.test(cron)) return 'it may hold numbers, names of months and weekdays, and * , - /';
  try {
    return cronOf(cron, 'UTC').nextRun() === null ? 'no day of any year matches it' : null;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^\w+: /, '') : String(error);
  }
};

/** Does this machine know the time zone? Names as in `Europe/Berlin`. */
export const isTimeZone = (name: string): boolean => {
  try {
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
};

/** The next slot after a moment that no pause covers; null when nothing is planned, or paused without end. */
export const nextSlot = ({ schedule, pause }: Planned, after: Date): Slot | null => {
  if (pause !== null && pause.until === null) return null;
  const from = pause?.until != null && Date.parse(pause.until) > after.getTime() ? new Date(pause.until) : after;
  // A slot at the very end of a pause counts: the pause covers what lies before its end.
  const since = from === after ? after : new Date(from.getTime() - 1);
  const found = crons(schedule).flatMap(({ cron, consistency }) => {
    const at = cron.nextRun(since);
    return at === null ? [] : [{ at: at.toISOString(), consistency }];
  });
  return found.toSorted(byTime)[0] ?? null;
};

/** The run that is due at `now` when slots up to `checkedUntil` were seen to; null when none is. Two slots at once are one quiesced run. */
export const dueRun = (planned: Planned, checkedUntil: Date, now: Date): DueRun | null => {
  const slots = slotsBetween(planned.schedule, checkedUntil, now).filter(({ at }) => !isPaused(planned.pause, at));
  const punctual = new Date(now.getTime() - ON_TIME_MINUTES * MINUTE_MS).toISOString();
  const onTime = slots.filter(({ at }) => at >= punctual);
  const missed = slots.filter(({ at }) => at < punctual);
  const kept = onTime.findLast(({ consistency }) => consistency === 'quiesced') ?? onTime.at(-1);
  if (kept !== undefined) return { ...kept, isCatchUp: false, missed };
  const last = missed.at(-1);
  // Outside its chosen window nobody expects maintenance mode: what is caught up is taken online.
  return last === undefined ? null : { at: last.at, consistency: 'online', isCatchUp: true, missed };
};

/** The slot (ISO 8601) of the drill that is due at `now`: the last one since `checkedUntil` that no pause covers. */
export const dueDrill = (
  { drill, schedule, pause }: Planned & { drill: { cron: string | null } },
  checkedUntil: Date,
  now: Date,
): string | null => {
  if (drill.cron === null) return null;
  const since = new Date(Math.max(checkedUntil.getTime(), now.getTime() - LOOK_BACK_DAYS * 1440 * MINUTE_MS));
  const slots = [...momentsOf(cronOf(drill.cron, schedule.timeZone), since, now)];
  return slots.findLast((at) => !isPaused(pause, at)) ?? null;
};

/** The longest time, in hours, from one slot to the next within the coming week; null with fewer than two. */
export const widestGapHours = (schedule: BackupSchedule, now: Date): number | null => {
  const slots = slotsBetween(schedule, now, new Date(now.getTime() + LOOK_BACK_DAYS * 1440 * MINUTE_MS));
  const gaps = slots.slice(1).map(({ at }, before) => (Date.parse(at) - Date.parse(slots[before]!.at)) / 3_600_000);
  return gaps.length === 0 ? null : Math.max(...gaps);
};

/** Moments (ISO 8601) after `after` and up to `until` at which the schedule asks for a backup, oldest first, at most so many. */
export const comingSlots = (
  schedule: BackupSchedule,
  { after, until, most }: { after: Date; until: Date; most: number },
): string[] => {
  const each = crons(schedule).map(({ cron }) => momentsOf(cron, after, until).take(most).toArray());
  return [...new Set(each.flat())].toSorted().slice(0, most);
};

/** Does the pause cover the moment (ISO 8601)? */
export const isPaused = (pause: Pause | null, at: string): boolean =>
  pause !== null && (pause.until === null || Date.parse(at) < Date.parse(pause.until));

const slotsBetween = (schedule: BackupSchedule, after: Date, until: Date): Slot[] => {
  const since = new Date(Math.max(after.getTime(), until.getTime() - LOOK_BACK_DAYS * 1440 * MINUTE_MS));
  return crons(schedule)
    .flatMap(({ cron, consistency }) => [...momentsOf(cron, since, until)].map((at) => ({ at, consistency })))
    .toSorted(byTime);
};

const momentsOf = function* (cron: Cron, after: Date, until: Date): Generator<string> {
  for (let at = cron.nextRun(after); at !== null && at <= until; at = cron.nextRun(at)) yield at.toISOString();
};

const crons = ({ online, quiesced, timeZone }: BackupSchedule): { cron: Cron; consistency: Consistency }[] => [
  ...(quiesced === null ? [] : [{ cron: cronOf(quiesced, timeZone), consistency: 'quiesced' as const }]),
  ...(online === null ? [] : [{ cron: cronOf(online, timeZone), consistency: 'online' as const }]),
];

const cronOf = (cron: string, timezone: string): Cron =>
  new Cron(cron, { mode: '5-part', fixedTimeRule: 'no-wildcard', timezone, paused: true });

/** At the same moment quiesced comes first. */
const byTime = (a: Slot, b: Slot): number => a.at.localeCompare(b.at) || b.consistency.localeCompare(a.consistency);
