/**
 * How a backup ended, in one word and in sentences: card, exit code, API and metric are computed from this alone.
 *
 * Good only when everything was checked; what is missing or unproven is a gap. Every word but good says what is safe now
 * and what to do next.
 */
import { catalogue, isErrorCode, type ErrorCode } from '../errors.ts';
import type { BackupSummary, ErrorRecord, Outcome, OutcomeWord } from './run.ts';

/** A failed state as the workflow hands it on: `error` is a code of ours or of Step Functions, `cause` our error as JSON. */
export type Failure = { state: string; error: string; cause: string };

export type BackupEnding = {
  endedAt: string;
  failure: Failure | null;
  /** The way back failed as well: maintenance mode may still be on. */
  resumeFailure: Failure | null;
  /** What was sealed, or null when it did not come to that. Its word is final: what failed afterwards is a note. */
  sealed: {
    word: 'good' | 'gaps' | 'suspicious';
    gaps: string[];
    unusual?: string[] | undefined;
    summary: BackupSummary;
  } | null;
  notes: string[];
  /** The newest good archive other than this run's. */
  latestGood: { archiveId: string; takenAt: string } | null;
};

/** The run's outcome. */
export const outcomeOf = (ending: BackupEnding): Outcome => {
  const { failure, sealed } = ending;
  const error = failure === null || sealed !== null ? null : errorRecordOf(failure);
  const word = wordOf(ending, error);
  return {
    word,
    gaps: sealed?.gaps ?? [],
    unusual: sealed?.unusual ?? [],
    notes: failure === null || sealed === null ? ending.notes : [...ending.notes, noteOn(failure)],
    error,
    safeNow: safeNow(word, ending),
    doNext: doNext(word, ending, error),
    backup: sealed?.summary ?? null,
  };
};

/** The archive stands, and `latest` may be it: what failed after the seal changes nothing about it. */
const noteOn = (failure: Failure): string => {
  const { state, message, code } = errorRecordOf(failure);
  return `${state} failed when the archive was whole already: ${message} (${code})`;
};

/** A failed state as people and programs read it. */
export const errorRecordOf = (failure: Failure): ErrorRecord => {
  const code = codeOf(failure.error);
  return { code, message: messageOf(failure, code), advice: catalogue[code].advice, state: failure.state };
};

/** Codes that mean: nothing was begun. */
const REFUSALS = new Set<string>([
  'PlanRefused',
  'PlanChanged',
  'LockHeld',
  'ApprovalDenied',
  'ApprovalExpired',
  'ApprovalVoid',
  'LossesBeyondPlan',
]);

/** Does the code mean that nothing was begun? */
export const isRefusal = (code: string): boolean => REFUSALS.has(code);

const wordOf = (ending: BackupEnding, error: ErrorRecord | null): OutcomeWord => {
  if (error !== null) return isRefusal(error.code) ? 'refused' : 'failed';
  if (ending.sealed === null) return 'failed';
  // A second opinion costs nothing here: whoever sealed with gaps and called it good is not believed.
  return ending.sealed.word === 'good' && ending.sealed.gaps.length > 0 ? 'gaps' : ending.sealed.word;
};

/** The names Step Functions gives to failures that are not ours. */
const ENGINE_CODES = new Map<string, ErrorCode>([
  ['States.HeartbeatTimeout', 'WorkerSilent'],
  ['States.Timeout', 'StepTimedOut'],
]);

const codeOf = (error: string): ErrorCode =>
  isErrorCode(error) ? error : (ENGINE_CODES.get(error) ?? 'WorkflowFault');

const MESSAGE_CHARACTERS = 600;

const messageOf = (failure: Failure, code: ErrorCode): string => {
  if (code === 'WorkerSilent') return `the worker fell silent in ${failure.state}`;
  if (code === 'StepTimedOut') return `${failure.state} ran out of time`;
  const message = messageIn(failure.cause) ?? `${failure.error} in ${failure.state}: ${failure.cause}`;
  return message.length <= MESSAGE_CHARACTERS ? message : `${message.slice(0, MESSAGE_CHARACTERS - 1)}…`;
};

/** The facts of our error; none where it is not ours or was cut short. */
export const factsOf = ({ cause }: Failure): Record<string, unknown> => {
  const { facts } = parseObject(cause);
  return typeof facts === 'object' && facts !== null ? (facts as Record<string, unknown>) : {};
};

/** Our errors travel as JSON; Lambda puts its own wrapping around a thrown one. */
const messageIn = (cause: string): string | null => {
  const parsed = parseObject(cause);
  const message = parsed['message'] ?? parsed['errorMessage'];
  return typeof message === 'string' ? message : null;
};

const parseObject = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
};

const safeNow = (word: OutcomeWord, ending: BackupEnding): string => {
  const archive = word === 'good' ? 'The newest good archive is this one.' : archiveNow(ending);
  return word === 'good' && ending.resumeFailure === null ? archive : [serverNow(word, ending), archive].join(' ');
};

/**
 * The states that archive a server in use, in order: an online backup, and what a restore does before it changes anything.
 * The dump comes first, so that every file its rows name is there when the folders are read.
 */
export const ARCHIVING_STATES: readonly string[] = [
  'SaveKeys',
  'DumpDatabase',
  'SampleSecrets',
  'PackFolders',
  'PackChanges',
  'VerifyDump',
  'StoreDatabase',
  'ProveKey',
  'CheckReferences',
  'SealArchive',
];

/** States that only ask, or take our own lock. */
const UNTOUCHED_IN = new Set(['PlanRun', 'AwaitApproval', 'ConfirmPlan', 'PlanAgain', 'TakeLock']);

/** States that only read from the server. Whether it runs, they cannot say: it may be what failed. */
const READING_IN = new Set(['SaveKeys', 'PackFolders']);

const serverNow = (word: OutcomeWord, ending: BackupEnding): string => {
  const isUntouched = word === 'refused' || UNTOUCHED_IN.has(ending.failure?.state ?? '');
  if (isUntouched) return 'Nothing was changed.';
  if (ending.resumeFailure !== null)
    return 'Octopus may still be in maintenance mode: its worker puts it back as soon as it can reach the server.';
  if (READING_IN.has(ending.failure?.state ?? '')) return 'Nothing was changed on the Octopus server.';
  return 'Octopus is running, and its maintenance mode is as it was before.';
};

const archiveNow = ({ latestGood, endedAt }: BackupEnding): string =>
  latestGood === null
    ? 'There is no good archive of this instance yet.'
    : `The newest good archive, ${latestGood.archiveId}, is ${ageBetween(latestGood.takenAt, endedAt)} old.`;

const doNext = (word: OutcomeWord, ending: BackupEnding, error: ErrorRecord | null): string => {
  if (ending.resumeFailure !== null)
    return `${errorRecordOf(ending.resumeFailure).advice} ${error?.advice ?? ''}`.trim();
  if (error !== null) return error.advice;
  if (word === 'gaps')
    return 'Mend what is missing, then ask for the backup again; or accept this archive with its gaps, so that it counts as good.';
  if (word === 'suspicious')
    return (
      'Find out whether the change is meant. If it is, accept this archive, and it counts as good from then on; where such changes ' +
      'are usual, raise shrink-tolerance or growth-tolerance in the backup settings. If it is not, find out what was lost.'
    );
  return word === 'good' ? '' : catalogue.Bug.advice;
};

/** `26 h`, `3 days`: as coarse as a reader needs it. */
const ageBetween = (from: string, to: string): string => {
  const minutes = Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 72 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
};
