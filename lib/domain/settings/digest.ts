/** A week of backups of one instance in numbers: pure, from its runs and its archives. */
import type { Manifest } from '../archives/archive.ts';
import { type DrillRecord, isRestorable } from '../drills/drill.ts';
import { objectivesOf, type Objectives } from '../drills/objectives.ts';
import type { OutcomeWord, RunRecord } from '../runs/run.ts';

export type DigestArchive = { archiveId: string; takenAt: string; word: Manifest['word']; sizeBytes: number };

export type Digest = {
  instance: string;
  /** ISO 8601; the week ends with `to`. */
  from: string;
  to: string;
  /** Runs that were asked for in the week, by how they ended. */
  outcomes: Partial<Record<OutcomeWord | 'running', number>>;
  /** When runs failed or were refused. */
  failedAt: string[];
  /** Oldest first. */
  archives: DigestArchive[];
  /** What the newest archive holds more than the oldest of the week; null with fewer than two. */
  growthBytes: number | null;
  /** What was stored for the archives of the week. */
  addedBytes: number;
  quiet: { totalSeconds: number; longestSeconds: number };
  /** The longest time within the week that a loss would have reached back; null without any good archive. */
  longestGapSeconds: number | null;
  targetSeconds: number;
  /** Drills of the week, and what they say of a restore. */
  drills: { good: number; failed: number };
  objectives: Objectives;
};

export type Week = {
  instance: string;
  to: Date;
  /** Newest first, the week's and older ones. */
  runs: readonly RunRecord[];
  /** Newest first: the week's, and older ones down to the first good one before it. */
  manifests: readonly Manifest[];
  targetSeconds: number;
  restoreTargetMinutes: number;
  /** Newest first, the week's and older ones. */
  drills: readonly DrillRecord[];
};

const WEEK_MS = 7 * 86_400_000;

/** Where the week that ends with `to` begins. */
export const weekBefore = (to: Date): Date => new Date(to.getTime() - WEEK_MS);

/** The numbers of the week. */
export const digestOf = ({ instance, to, runs, manifests, drills, ...targets }: Week): Digest => {
  const from = weekBefore(to).toISOString();
  const asked = runs.filter(({ workflow, requestedAt }) => workflow === 'backup' && requestedAt >= from);
  const taken = manifests.filter(({ takenAt }) => takenAt >= from).toReversed();
  const archives = taken.map(archiveOf);
  const [oldest, newest] = [archives[0], archives.at(-1)];
  const quiets = asked.map(({ outcome }) => outcome?.backup?.quietSeconds ?? 0);
  return {
    instance,
    from,
    to: to.toISOString(),
    outcomes: countBy(asked.map(({ outcome }) => outcome?.word ?? 'running')),
    failedAt: asked.flatMap(({ outcome, requestedAt }) =>
      outcome?.word === 'failed' || outcome?.word === 'refused' ? [requestedAt] : [],
    ),
    archives,
    growthBytes: archives.length < 2 || !oldest || !newest ? null : newest.sizeBytes - oldest.sizeBytes,
    addedBytes: sum(taken.map(({ database, folders }) => database.addedBytes + folders.addedBytes)),
    quiet: { totalSeconds: sum(quiets), longestSeconds: Math.max(0, ...quiets) },
    longestGapSeconds: longestGap(manifests, { from, to: to.toISOString() }),
    targetSeconds: targets.targetSeconds,
    drills: {
      good: drills.filter((drill) => drill.endedAt >= from && isRestorable(drill)).length,
      failed: drills.filter(({ endedAt, word }) => endedAt >= from && word === 'failed').length,
    },
    objectives: objectivesOf(drills, targets),
  };
};

const archiveOf = ({ archiveId, takenAt, word, database, folders }: Manifest): DigestArchive => ({
  archiveId,
  takenAt,
  word,
  sizeBytes: database.sizeBytes + folders.sizeBytes,
});

/** From each good archive to the next; the last one of before the week counts from its own time, the last to now. */
const longestGap = (manifests: readonly Manifest[], { from, to }: { from: string; to: string }): number | null => {
  const good = manifests
    .filter(({ word, isSafety }) => word === 'good' && isSafety !== true)
    .map(({ takenAt }) => takenAt);
  const inWeek = good.filter((takenAt) => takenAt >= from);
  const before = good.find((takenAt) => takenAt < from);
  const moments = [to, ...inWeek, ...(before === undefined ? [] : [before])].map((time) => Date.parse(time));
  const gaps = moments.slice(1).map((moment, at) => (moments[at]! - moment) / 1000);
  return gaps.length === 0 ? null : Math.max(...gaps);
};

const countBy = <T extends string>(words: readonly T[]): Partial<Record<T, number>> => {
  const counts: Partial<Record<T, number>> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
