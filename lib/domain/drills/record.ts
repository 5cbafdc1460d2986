/** The record of a drill, from what its steps found; and which failures speak against the archive rather than against the place. */
import type { Manifest } from '../archives/archive.ts';
import type { ErrorCode } from '../errors.ts';
import { errorRecordOf, type Failure } from '../runs/outcome.ts';
import type { DrillPlan } from '../runs/plan.ts';
import type { RunRecord, StepNote } from '../runs/run.ts';
import { type DrillFacts, type DrillRecord, RESTORING_STATES } from './drill.ts';

export type Drilled = {
  run: Pick<RunRecord, 'id' | 'instance' | 'requestedAt' | 'requestedBy'>;
  plan: DrillPlan;
  manifest: Pick<Manifest, 'archiveId' | 'takenAt' | 'source'>;
  steps: readonly StepNote[];
  endedAt: string;
  failure: Failure | null;
  /** What was restored on trial could not be removed. */
  clearFailure: Failure | null;
  drilled: DrillFacts;
};

/** What is wrong with the archive or its key; every other failure leaves open how it is. */
const AGAINST_ARCHIVE: ReadonlySet<string> = new Set<ErrorCode>([
  'ArchiveDamaged',
  'BackupDamaged',
  'DumpNotTrusted',
  'KeyDoesNotOpenData',
  'LinkRefused',
  'PathRefused',
  'RestoredCopyDamaged',
  'RestoredCopyDiffers',
  'SecretNotKept',
]);

export const recordOfDrill = ({
  run,
  plan,
  manifest,
  failure,
  clearFailure,
  drilled,
  ...when
}: Drilled): DrillRecord => {
  const error = failure === null ? null : errorRecordOf(failure);
  return {
    version: 1,
    runId: run.id,
    instance: run.instance,
    archive: {
      archiveId: manifest.archiveId,
      takenAt: manifest.takenAt,
      octopusVersion: manifest.source.octopusVersion,
    },
    place: plan.place,
    askedBy: run.requestedBy.person,
    startedAt: run.requestedAt,
    endedAt: when.endedAt,
    word: wordOf(error?.code ?? null, drilled.gaps),
    dumpBytes: drilled.restored?.sizeBytes ?? null,
    proven: drilled.proven,
    files: drilled.files,
    seconds: secondsOf(when.steps),
    gaps: drilled.gaps,
    notes: [...drilled.notes, ...(clearFailure === null ? [] : [leftover(clearFailure)])],
    error: error && { code: error.code, message: error.message, state: error.state ?? '' },
  };
};

const wordOf = (code: string | null, gaps: readonly string[]): DrillRecord['word'] => {
  if (code !== null) return AGAINST_ARCHIVE.has(code) ? 'failed' : 'unfinished';
  return gaps.length > 0 ? 'gaps' : 'good';
};

const leftover = (failure: Failure): string => {
  const { message, code } = errorRecordOf(failure);
  return `what was restored on trial could not be removed yet, the worker tries again every hour: ${message} (${code})`;
};

const secondsOf = (steps: readonly StepNote[]): Record<string, number> =>
  Object.fromEntries(
    steps
      .filter(({ state, status }) => status === 'done' && RESTORING_STATES.some((restoring) => restoring === state))
      .map(({ state, startedAt, endedAt, updatedAt }) => [
        state,
        Math.round((Date.parse(endedAt ?? updatedAt) - Date.parse(startedAt)) / 1000),
      ]),
  );
