/** The weekly digest in words, the same in Slack and in a terminal. */
import { headText, type AuditHead } from '../../domain/audit.ts';
import type { Digest } from '../../domain/settings/digest.ts';
import { columns } from '../../domain/reply.ts';
import { objectivesWords } from '../run/drill-words.ts';
import { count, duration, size, utcTime } from '../text.ts';

/** A sentence, and a line for each number. */
export const digestWords = (digest: Digest, auditHead: AuditHead): { headline: string; lines: string[] } => ({
  headline: headline(digest),
  lines: columns([
    ['week', `${digest.from.slice(0, 10)} to ${digest.to.slice(0, 10)} (UTC)`],
    ['runs', outcomes(digest)],
    ['archives', `${count(digest.archives.length, 'archive')}, ${size(digest.addedBytes)} stored for them`],
    ['growth', growth(digest)],
    ['quiet time', `${duration(digest.quiet.totalSeconds)} in all, ${duration(digest.quiet.longestSeconds)} at most`],
    ['could have lost', loss(digest)],
    ['drills', drilled(digest)],
    ['audit', `${count(auditHead.n, 'entry', 'entries')}, head ${headText(auditHead, 16)}`],
  ]),
});

const headline = ({ instance, longestGapSeconds, targetSeconds, outcomes: counts }: Digest): string => {
  if (longestGapSeconds === null) return `🔴 ${instance} has no good archive.`;
  if (longestGapSeconds > targetSeconds) {
    return `🟠 ${instance} missed its target of ${duration(targetSeconds)} this week: once it was ${duration(longestGapSeconds)}.`;
  }
  return `✅ ${instance} kept its target of ${duration(targetSeconds)} all week, with ${count(counts.good ?? 0, 'good backup')}.`;
};

const outcomes = ({ outcomes: counts }: Digest): string => {
  const words = Object.entries(counts).map(([word, number]) => `${number} ${word}`);
  return words.length === 0 ? 'none' : words.join(', ');
};

const growth = ({ growthBytes, archives }: Digest): string => {
  const newest = archives.at(-1);
  if (growthBytes === null || newest === undefined) return 'fewer than two archives';
  const sign = growthBytes < 0 ? '-' : '+';
  return `${sign}${size(Math.abs(growthBytes))}, to ${size(newest.sizeBytes)}`;
};

const loss = ({ longestGapSeconds, targetSeconds }: Digest): string =>
  longestGapSeconds === null
    ? 'everything: no good archive'
    : `${duration(longestGapSeconds)} at most, target ${duration(targetSeconds)}`;

const drilled = ({ drills: { good, failed }, objectives }: Digest): string =>
  [`${good} good, ${failed} failed`, ...objectivesWords(objectives, utcTime)].join(' · ');
