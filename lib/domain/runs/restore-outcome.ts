/**
 * How a restore ended, in one word and in sentences, as `outcome.ts` does for a backup.
 *
 * Good only when the restored server was probed and given to its people with nothing left undone. A failure says first what
 * the server is now: as it was before, proven by its rows, or not touched at all.
 */
import * as z from 'zod';
import { ARCHIVING_STATES, errorRecordOf, isRefusal, type Failure } from './outcome.ts';
import type { RestorePlan } from './plan.ts';
import type { ErrorRecord, Outcome, OutcomeWord, RestoreSummary } from './run.ts';

/** What the steps of a restore found, as the workflow hands it on; null where it did not come to that. */
export const RestoreFacts = z.object({
  loaded: z
    .object({ tables: z.number(), rows: z.number(), keyProof: z.object({ opened: z.number(), sampled: z.number() }) })
    .nullable(),
  staged: z.object({ fileCount: z.number(), sizeBytes: z.number(), writtenBytes: z.number() }).nullable(),
  probed: z.object({ served: z.number() }).nullable(),
  returned: z.object({ how: z.enum(['untouched', 'returned', 'kept']), tables: z.number().nullable() }).nullable(),
  kept: z.array(z.string()),
  gaps: z.array(z.string()),
});
export type RestoreFacts = z.infer<typeof RestoreFacts>;

export const NO_FACTS: RestoreFacts = { loaded: null, staged: null, probed: null, returned: null, kept: [], gaps: [] };

export type RestoreEnding = {
  failure: Failure | null;
  /** The way back failed as well: the server may be stopped or closed to people. */
  resumeFailure: Failure | null;
  plan: RestorePlan | null;
  /** Of the target as it was, when that was sealed. */
  safetyArchiveId: string | null;
  facts: RestoreFacts;
  notes: string[];
  durationSeconds: number;
  quietSeconds: number;
};

/** The run's outcome. */
export const restoreOutcomeOf = (ending: RestoreEnding): Outcome => {
  const { failure, facts } = ending;
  const late = failure !== null && isOpen(ending) ? errorRecordOf(failure) : null;
  const error = failure === null || late !== null ? null : errorRecordOf(failure);
  const gaps = late === null ? facts.gaps : [...facts.gaps, lateGap(late)];
  const word = wordOf(error, gaps);
  return {
    word,
    gaps,
    notes: ending.notes.filter((note) => !note.startsWith(QUARANTINE)),
    error,
    safeNow: safeNow(word, ending),
    doNext: doNext(ending, { error, late, word }),
    backup: null,
    restore: error === null ? summaryOf(ending) : null,
  };
};

/** How `settle-copy` begins what it says of each thing that it made harmless. */
const QUARANTINE = 'quarantine: ';

/** The restored server is its people's: what failed after that takes nothing back. */
const isOpen = ({ failure, facts }: RestoreEnding): boolean =>
  failure === null || failure.state === 'ClearAside' || facts.returned?.how === 'kept';

const lateGap = ({ state, message, code }: ErrorRecord): string =>
  state === 'ClearAside'
    ? `what the restore replaced could not be removed: ${message} (${code})`
    : `the restored server is in use, but ${state} had not ended: ${message} (${code})`;

const wordOf = (error: ErrorRecord | null, gaps: string[]): OutcomeWord => {
  if (error !== null) return isRefusal(error.code) ? 'refused' : 'failed';
  return gaps.length > 0 ? 'gaps' : 'good';
};

const summaryOf = ({
  plan,
  facts,
  notes,
  safetyArchiveId,
  durationSeconds,
  quietSeconds,
}: RestoreEnding): RestoreSummary | null => {
  if (plan === null) return null;
  const { loaded, staged, probed, kept } = facts;
  const { archiveId, instance, takenAt } = plan.archive;
  return {
    archive: { archiveId, instance, takenAt },
    parts: plan.parts,
    as: plan.as,
    durationSeconds,
    quietSeconds,
    database: loaded && { tables: loaded.tables, rows: loaded.rows },
    files: staged && { count: staged.fileCount, sizeBytes: staged.sizeBytes, writtenBytes: staged.writtenBytes },
    keyProof: loaded && loaded.keyProof,
    served: probed?.served ?? 0,
    safetyArchiveId,
    kept,
    quarantined: notes.flatMap((note) => (note.startsWith(QUARANTINE) ? [note.slice(QUARANTINE.length)] : [])),
  };
};

/** States that only ask, take our own lock, or read from the server. */
const UNTOUCHED_IN = new Set([
  'PlanRestore',
  'AwaitApproval',
  'ConfirmPlan',
  'PlanRestoreAgain',
  'TakeLock',
  ...ARCHIVING_STATES,
]);

const safeNow = (word: OutcomeWord, ending: RestoreEnding): string => {
  const sentences = word === 'good' || word === 'gaps' ? [openNow(ending)] : [serverNow(word, ending)];
  return [...sentences, ...before(ending)].join(' ');
};

const openNow = ({ plan }: RestoreEnding): string =>
  `Octopus runs on the archive of ${plan === null ? 'this run' : minuteOf(plan.archive.takenAt)} and was probed before it was opened.`;

const minuteOf = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

const serverNow = (word: OutcomeWord, { failure, resumeFailure, facts, plan }: RestoreEnding): string => {
  if (resumeFailure !== null)
    return 'Octopus may still be stopped or closed to people: its worker goes on putting it back, every minute.';
  if (failure !== null && UNTOUCHED_IN.has(failure.state)) return 'Nothing was changed on the Octopus server.';
  if (facts.returned?.how === 'returned') {
    const { tables } = facts.returned;
    const proof =
      tables === null
        ? 'its database could not be counted before, so nothing could be compared'
        : `all ${tables} tables have as many rows as before`;
    const state =
      plan?.octopus.isRunning === false ? 'Octopus is as it was, not running' : 'Octopus is as it was and runs';
    return `${state}: ${proof}.`;
  }
  if (word === 'refused' || facts.returned !== null) return 'Nothing was changed on the Octopus server.';
  return 'If Octopus was changed, its worker puts it back as it was.';
};

/** Where the target as it was before can be had from. */
const before = ({ safetyArchiveId, facts }: RestoreEnding): string[] => [
  ...(safetyArchiveId === null ? [] : [`The server as it was before this run is ${safetyArchiveId}, and held.`]),
  ...(facts.kept.length === 0 ? [] : [`The server as it was is kept on its host: ${facts.kept.join(', ')}.`]),
];

type Found = { error: ErrorRecord | null; late: ErrorRecord | null; word: OutcomeWord };

const doNext = (
  { resumeFailure, facts, plan, safetyArchiveId }: RestoreEnding,
  { error, late, word }: Found,
): string => {
  if (resumeFailure !== null) return `${errorRecordOf(resumeFailure).advice} ${error?.advice ?? ''}`.trim();
  if (error !== null) return error.advice;
  if (late !== null) return late.advice;
  const removing =
    facts.kept.length === 0
      ? []
      : ['When you no longer need what was kept, drop that database in SQL Server and delete those folders.'];
  const looking = word === 'gaps' ? ['Look at what is named above; the restore itself is complete.'] : [];
  const back =
    safetyArchiveId === null || plan === null
      ? []
      : [
          `To go back: /octo restore ${safetyArchiveId} to ${plan.instance}. When nobody will want to: /octo backup release ${safetyArchiveId} instance:${plan.instance}`,
        ];
  return [...looking, ...removing, ...back].join(' ');
};
