/**
 * How a state fails, and what its Retry and Catch make of it.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
import type { Catcher, Retrier } from './asl.ts';

/** The moment of a transition: everything that could turn out different the next time. */
export type Moment = { at: Date; random: () => number; uuid: () => string };

/** The error name and cause a state failed with; `location` is the field whose expression could not be computed. */
export type Failure = { error: string; cause?: string; location?: string; alsoKnownAs?: string };

/** A failure on its way up, as an Error. */
export type StateFailure = Error & { failure: Failure };

export const stateFailure = (error: string, cause: string, rest: { location?: string } = {}): StateFailure =>
  Object.assign(new Error(`${error}: ${cause}`), { failure: { error, cause, ...rest } });

export const isStateFailure = (thrown: unknown): thrown is StateFailure =>
  thrown instanceof Error && 'failure' in thrown;

/** Fail whatever Catch says. */
const TERMINAL = new Set(['States.DataLimitExceeded', 'States.Runtime']);

const names = ({ error, alsoKnownAs }: Failure): string[] => (alsoKnownAs ? [error, alsoKnownAs] : [error]);

const matches = (errorEquals: string[], failure: Failure): boolean =>
  errorEquals.some(
    (wanted) =>
      names(failure).includes(wanted) ||
      (wanted === 'States.ALL' && !TERMINAL.has(failure.error)) ||
      (wanted === 'States.TaskFailed' && failure.error !== 'States.Timeout' && !TERMINAL.has(failure.error)),
  );

export const findCatcher = (catchers: Catcher[] | undefined, failure: Failure): Catcher | undefined =>
  catchers?.find(({ ErrorEquals }) => matches(ErrorEquals, failure));

/**
 * When to try again and which retrier says so, or `null`. Only the first retrier that names the error counts, each
 * with its own number of attempts, as in Step Functions. `used` holds how often each retrier was used in this state.
 */
export const planRetry = (
  retriers: Retrier[] | undefined,
  failure: Failure,
  { used, moment }: { used: readonly number[]; moment: Moment },
): { retrier: number; until: string } | null => {
  const index = retriers?.findIndex(({ ErrorEquals }) => matches(ErrorEquals, failure)) ?? -1;
  const retrier = retriers?.[index];
  const count = used[index] ?? 0;
  if (!retrier || count >= (retrier.MaxAttempts ?? 3)) return null;
  const growing = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** count;
  const seconds = Math.min(growing, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  const delay = retrier.JitterStrategy === 'FULL' ? moment.random() * seconds : seconds;
  return { retrier: index, until: new Date(moment.at.getTime() + delay * 1000).toISOString() };
};
