/** How saving the keys of an instance ended. What was kept is in the notes, by its fingerprint. */
import { errorRecordOf, isRefusal } from '../../domain/runs/outcome.ts';
import type { Outcome } from '../../domain/runs/run.ts';
import type { Ended } from './backup-outcome.ts';

/** The outcome: good when the secret store has given back what it was given. */
export const keysOutcome = ({ failure, notes }: Pick<Ended, 'failure' | 'notes'>): Outcome => {
  const error = failure === null ? null : errorRecordOf(failure);
  return {
    word: error === null ? 'good' : isRefusal(error.code) ? 'refused' : 'failed',
    gaps: [],
    notes,
    error,
    safeNow: error === null ? 'What opens the data of this instance is in the secret store.' : 'Nothing was changed.',
    doNext: error?.advice ?? '',
    backup: null,
  };
};
