/** How a drill ended, in one word and in sentences, as `runs/outcome.ts` does for a backup. */
import { errorRecordOf, isRefusal, type Failure } from '../runs/outcome.ts';
import type { ErrorRecord, Outcome } from '../runs/run.ts';
import type { DrillRecord } from './drill.ts';

export type DrillEnding = {
  failure: Failure | null;
  /** What was written down of it; null when nothing was begun, or it could not be written. */
  record: DrillRecord | null;
  /** The newest good archive. */
  latestGood: { archiveId: string; takenAt: string } | null;
};

/** The run's outcome. */
export const drillOutcomeOf = (ending: DrillEnding): Outcome => {
  const { failure, record } = ending;
  const error = failure === null ? null : errorRecordOf(failure);
  const word = wordOf(error, record);
  return {
    word,
    gaps: record?.gaps ?? [],
    notes: record?.notes ?? [],
    error,
    safeNow: [UNTOUCHED, ...said(ending)].join(' '),
    doNext:
      error?.advice ??
      (word === 'gaps' ? 'Look at what is named above: a restore would bring the archive back without it.' : ''),
    backup: null,
    drill: record,
  };
};

const UNTOUCHED = 'Octopus, its database and its folders were not touched.';

const wordOf = (error: ErrorRecord | null, record: DrillRecord | null): Outcome['word'] => {
  if (error !== null) return isRefusal(error.code) ? 'refused' : 'failed';
  return record?.word === 'gaps' ? 'gaps' : 'good';
};

const said = ({ record, latestGood }: DrillEnding): string[] => {
  if (record === null) return [];
  if (record.word === 'unfinished') return ['The drill ended before it could say anything about the archive.'];
  if (record.word !== 'failed') return ['This archive can be restored: it was, and what came back was compared.'];
  const { archiveId } = record.archive;
  const newest =
    latestGood === null
      ? 'There is no good archive of this instance.'
      : `The newest good archive is ${latestGood.archiveId}${latestGood.archiveId === archiveId ? ', this one' : ''}.`;
  return [`Do not rely on ${archiveId}.`, newest];
};
