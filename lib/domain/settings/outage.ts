/**
 * An outage of backups: an instance without a good archive inside its target age. Pure: what to say next, and when.
 *
 * One outage is one thread. It is opened once, said again with pauses that double up to a day, and closed when a good
 * archive is back. Whoever says something claims it first; a claim that nobody fulfilled is taken over after minutes.
 */
import * as z from 'zod';

const Outage = z.strictObject({
  /** When the target was missed. */
  since: z.string(),
  channel: z.string(),
  /** The thread; null until the first message is posted. */
  ts: z.string().nullable(),
  /** How often it was said, and when last. */
  said: z.number().int(),
  saidAt: z.string().nullable(),
  claimedAt: z.string().nullable(),
});
export type Outage = z.infer<typeof Outage>;

/** What the watcher knows of an instance: when it first looked, and the outage that is open. */
export const WatchRecord = z.strictObject({ since: z.string(), outage: Outage.nullable() });
export type WatchRecord = z.infer<typeof WatchRecord>;

export type Sight = { now: Date; newestGoodAt: string | null; targetHours: number; channel: string | null };
export type Say = 'nothing' | 'open' | 'remind' | 'close';

const HOUR_MS = 3_600_000;
const CLAIM_MS = 300_000;
const LONGEST_PAUSE_HOURS = 24;

/** What to say now, and the record to keep before it is said. */
export const nextSay = (record: WatchRecord | null, sight: Sight): { say: Say; record: WatchRecord } => {
  const now = sight.now.toISOString();
  const { since, outage } = record ?? { since: now, outage: null };
  const missedAt = targetMissedAt(since, sight);
  if (outage === null) {
    if (missedAt === null || sight.channel === null) return { say: 'nothing', record: { since, outage: null } };
    const opened = { since: missedAt, channel: sight.channel, ts: null, said: 0, saidAt: null, claimedAt: now };
    return { say: 'open', record: { since, outage: opened } };
  }
  const say = dueSay(outage, missedAt !== null, sight.now);
  if (say === 'close' && outage.ts === null) return { say: 'nothing', record: { since, outage: null } };
  return { say, record: { since, outage: say === 'nothing' ? outage : { ...outage, claimedAt: now } } };
};

/** The outage after something was said of it. */
export const afterSaying = (outage: Outage, { ts, at }: { ts: string; at: Date }): Outage => ({
  ...outage,
  ts,
  said: outage.said + 1,
  saidAt: at.toISOString(),
  claimedAt: null,
});

const dueSay = (outage: Outage, isMissed: boolean, now: Date): Say => {
  const isClaimed = outage.claimedAt !== null && now.getTime() - Date.parse(outage.claimedAt) < CLAIM_MS;
  if (isClaimed) return 'nothing';
  if (!isMissed) return 'close';
  if (outage.ts === null || outage.saidAt === null) return 'open';
  const pauseHours = Math.min(LONGEST_PAUSE_HOURS, 2 ** (outage.said - 1));
  return now.getTime() - Date.parse(outage.saidAt) >= pauseHours * HOUR_MS ? 'remind' : 'nothing';
};

/** Without any archive the target counts from the first look: a new instance is given its time. */
const targetMissedAt = (since: string, { now, newestGoodAt, targetHours }: Sight): string | null => {
  const from = Date.parse(newestGoodAt ?? since);
  const missedMs = from + targetHours * HOUR_MS;
  return now.getTime() > missedMs ? new Date(missedMs).toISOString() : null;
};
