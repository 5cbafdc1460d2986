/**
 * How long an instance would take to come back, against its target: from drills that were done. Where there were none nothing
 * is said: no figure here is a guess. What could be lost is in `settings/standing.ts` and `settings/digest.ts`.
 */
import type { DrillRecord } from './drill.ts';
import { restoreTimeOf, type RestoreTime } from './restore-time.ts';

export type Objectives = {
  /** Null where no drill has got through. */
  restoreTime: RestoreTime | null;
  restoreTargetSeconds: number;
  /** The newest drill that could tell. */
  lastDrill: LastDrill | null;
};
export type LastDrill = Pick<DrillRecord, 'runId' | 'endedAt' | 'word'> & { archiveId: string };

/** Drills come newest first. */
export const objectivesOf = (
  drills: readonly DrillRecord[],
  { restoreTargetMinutes }: { restoreTargetMinutes: number },
): Objectives => {
  const last = drills.find(({ word }) => word !== 'unfinished');
  return {
    restoreTime: restoreTimeOf(drills),
    restoreTargetSeconds: restoreTargetMinutes * 60,
    lastDrill:
      last === undefined
        ? null
        : { runId: last.runId, endedAt: last.endedAt, word: last.word, archiveId: last.archive.archiveId },
  };
};
