/**
 * Which archives to keep: pure, from the archives there are and the policy of their instance.
 *
 * The newest of each day, week, month and year counts, in the time zone of the schedule. An archive that has gaps, is
 * suspicious, was found damaged or is a restore's safety archive takes no place of a good one: it stays for as long as it
 * would if it were good. Nothing goes before a newer good one is there. Counted are archives, not days: whatever time passes, without backups nothing goes.
 */
import * as z from 'zod';
import type { Manifest } from './archive.ts';

const count = z.number().int().min(0).max(1000);

export const Retention = z.strictObject({
  /** So many of the newest. */
  last: count,
  /** The newest of each of so many days (weeks from Monday, months, years) that have one. */
  daily: count,
  weekly: count,
  monthly: count,
  yearly: count,
  /** So many of the newest good ones stay whatever the rest says. */
  floor: z.number().int().min(1).max(1000),
});
export type Retention = z.infer<typeof Retention>;

/** Two days of the default schedule whole, then thinned out over a year: some forty archives. */
export const DEFAULT_RETENTION: Retention = { last: 14, daily: 14, weekly: 8, monthly: 12, yearly: 0, floor: 3 };

/** An archive as far as its keeping is concerned. */
export type Candidate = {
  archiveId: string;
  takenAt: string;
  word: Manifest['word'];
  isDamaged: boolean;
  /** Kept by a restore before it overwrote that state, which is the one that somebody wanted to be rid of. */
  isSafety: boolean;
  /** Held by a person, or just being read. */
  isHeld: boolean;
  isRead: boolean;
  /** The store lets nobody delete it before then; `null` where it does. */
  lockedUntil: string | null;
};

export const RULES = [
  'held',
  'read',
  'locked',
  'newest',
  'floor',
  'last',
  'daily',
  'weekly',
  'monthly',
  'yearly',
] as const;
/** `newest`: no newer good one is there yet. The others are named as in `Retention` and `Candidate`. */
export type Rule = (typeof RULES)[number];

/** The rules that keep the archive, strongest first; none: it goes. */
export type Verdict = { archiveId: string; takenAt: string; rules: Rule[] };

type Judging = { retention: Retention; timeZone: string; now: Date };

/** What becomes of each archive, newest first. */
export const retentionVerdicts = (candidates: readonly Candidate[], { timeZone, ...rest }: Judging): Verdict[] =>
  verdictsOf(candidates, { ...rest, dayOf: dayIn(timeZone) });

type DayOf = (moment: string) => string;
type Counting = { retention: Retention; now: Date; dayOf: DayOf };

const verdictsOf = (candidates: readonly Candidate[], judging: Counting): Verdict[] => {
  const archives = candidates.toSorted(newestFirst);
  const sound = archives.filter(isSound);
  const kept = new Map(archives.map(({ archiveId }) => [archiveId, new Set<Rule>()]));
  const keep = (rule: Rule, chosen: readonly Candidate[]): void => {
    for (const { archiveId } of chosen) kept.get(archiveId)!.add(rule);
  };
  const now = judging.now.toISOString();
  keep(
    'held',
    archives.filter(({ isHeld }) => isHeld),
  );
  keep(
    'read',
    archives.filter(({ isRead }) => isRead),
  );
  keep(
    'locked',
    archives.filter(({ lockedUntil }) => lockedUntil !== null && lockedUntil > now),
  );
  const [newestSound] = sound;
  keep('newest', archives.slice(0, newestSound === undefined ? undefined : archives.indexOf(newestSound) + 1));
  keep('floor', sound.slice(0, judging.retention.floor));
  // Twice: among good ones, and among all, so that what is not good stays as long and takes no good one's place.
  for (const among of [sound, archives]) for (const [rule, chosen] of byPeriod(among, judging)) keep(rule, chosen);
  return archives.map(({ archiveId, takenAt }) => {
    const rules = kept.get(archiveId)!;
    return { archiveId, takenAt, rules: RULES.filter((rule) => rules.has(rule)) };
  });
};

/** Good, of the ordinary kind, and nothing was found wrong with it since. */
export const isSound = ({ word, isDamaged, isSafety }: Pick<Candidate, 'word' | 'isDamaged' | 'isSafety'>): boolean =>
  word === 'good' && !isDamaged && !isSafety;

/**
 * When the archive goes if every run of the schedule (`slots`, ISO 8601, oldest first) leaves a good one from now on; `null`
 * when it outlives them all, or when a hold or a lock keeps it.
 */
export const keptUntil = (
  candidates: readonly Candidate[],
  archiveId: string,
  { slots, retention, timeZone }: Omit<Judging, 'now'> & { slots: readonly string[] },
): string | null => {
  const dayOf = dayIn(timeZone);
  const goesAfter = (runs: number): boolean => {
    const future = slots.slice(0, runs).map(goodArchiveAt);
    const now = new Date(slots[runs - 1]!);
    const verdicts = verdictsOf([...candidates, ...future], { retention, now, dayOf });
    return verdicts.find((verdict) => verdict.archiveId === archiveId)?.rules.length === 0;
  };
  if (slots.length === 0 || !goesAfter(slots.length)) return null;
  // What went stays gone as more archives come: so halving finds the run after which it goes.
  let [stays, goes] = [0, slots.length];
  while (goes - stays > 1) {
    const middle = Math.floor((stays + goes) / 2);
    if (goesAfter(middle)) goes = middle;
    else stays = middle;
  }
  return slots[goes - 1]!;
};

/** A good archive that a backup at that moment would leave. */
export const goodArchiveAt = (takenAt: string): Candidate => ({
  archiveId: takenAt,
  takenAt,
  word: 'good',
  isDamaged: false,
  isSafety: false,
  isHeld: false,
  isRead: false,
  lockedUntil: null,
});

const newestFirst = (a: Candidate, b: Candidate): number =>
  compare(b.takenAt, a.takenAt) || compare(b.archiveId, a.archiveId);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byPeriod = (archives: readonly Candidate[], { retention, dayOf }: Counting): [Rule, Candidate[]][] => {
  const days = archives.map(({ takenAt }) => dayOf(takenAt));
  const newestOfEach = (periodOf: (day: string) => string, most: number): Candidate[] => {
    const periods = days.map(periodOf);
    return archives.filter((_, at) => periods[at] !== periods[at - 1]).slice(0, most);
  };
  return [
    ['last', archives.slice(0, retention.last)],
    ['daily', newestOfEach((day) => day, retention.daily)],
    ['weekly', newestOfEach(mondayOf, retention.weekly)],
    ['monthly', newestOfEach((day) => day.slice(0, 7), retention.monthly)],
    ['yearly', newestOfEach((day) => day.slice(0, 4), retention.yearly)],
  ];
};

/** The calendar day of a moment, as `2026-03-04`; each is worked out once, since that is what takes the time. */
const dayIn = (timeZone: string): DayOf => {
  const known = new Map<string, string>();
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return (moment) => {
    const day = known.get(moment) ?? format.format(new Date(moment));
    known.set(moment, day);
    return day;
  };
};

const DAY_MS = 86_400_000;

const mondayOf = (day: string): string => {
  const time = Date.parse(day);
  const sinceMonday = (new Date(time).getUTCDay() + 6) % 7;
  return new Date(time - sinceMonday * DAY_MS).toISOString().slice(0, 10);
};
