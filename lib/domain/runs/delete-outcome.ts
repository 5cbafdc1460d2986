/** How a deletion ended, in one word and in sentences, as `outcome.ts` does for a backup. */
import { errorRecordOf, isRefusal, type Failure } from './outcome.ts';
import type { DeletePlan } from './plan.ts';
import type { Outcome } from './run.ts';

export type DeleteEnding = {
  failure: Failure | null;
  plan: DeletePlan | null;
  /** Is the archive still in the list? */
  isListed: boolean;
  notes: string[];
  /** The newest good archive. */
  latestGood: { archiveId: string; takenAt: string } | null;
};

/** The run's outcome. An archive that left the list is deleted, whatever failed after that. */
export const deleteOutcomeOf = ({ failure, plan, isListed, notes, latestGood }: DeleteEnding): Outcome => {
  const found = failure === null ? null : errorRecordOf(failure);
  const isDeleted = plan !== null && !isListed;
  const error = isDeleted ? null : found;
  return {
    word: error === null ? 'good' : isRefused(error.code) ? 'refused' : 'failed',
    gaps: [],
    notes: isDeleted && found !== null ? [...notes, `${found.message} (${found.code})`] : notes,
    error,
    safeNow: [isDeleted ? '' : 'The archive is there as before.', newest(latestGood)].join(' ').trim(),
    doNext: error?.advice ?? '',
    backup: null,
    deleted: isDeleted ? plan.archive : null,
  };
};

/** What keeps an archive is no failure: nothing was begun. */
const KEPT = new Set<string>(['ArchiveHeld', 'ArchiveInUse', 'ArchiveLocked', 'ArchiveNeeded', 'ArchiveUnknown']);

const isRefused = (code: string): boolean => isRefusal(code) || KEPT.has(code);

const newest = (latestGood: DeleteEnding['latestGood']): string =>
  latestGood === null
    ? 'There is no good archive of this instance.'
    : `The newest good archive is ${latestGood.archiveId}.`;
