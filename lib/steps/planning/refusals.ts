/**
 * Asks everything that can stand against a piece of work, and tells all of it at once.
 *
 * A question names refusals as phrases. An answer that cannot be had is a refusal too, unless it passes by itself and
 * nothing else stands in the way: then the work may simply be tried again.
 */
import { isOctoError, OctoError } from '../../domain/errors.ts';

export type Question<P> = (planning: P) => Promise<string[]>;

/** `subject` begins the sentence, e.g. `backup of prod`. @throws PlanRefused, or what has to pass first */
export const requireNoRefusal = async <P>(
  subject: string,
  questions: readonly Question<P>[],
  planning: P,
): Promise<void> => {
  const answers = await Promise.all(questions.map((question) => ask(question, planning)));
  const refusals = answers.flatMap((answer) => answer.refusals);
  const failures = answers.flatMap((answer) => answer.failure ?? []);
  const passing = failures.find(({ canRetry }) => canRetry);
  if (passing !== undefined && refusals.length === 0 && failures.every(({ canRetry }) => canRetry)) throw passing;
  const all = [...new Set([...refusals, ...phrasesOf(failures)])];
  if (all.length === 0) return;
  throw new OctoError('PlanRefused', `${subject} cannot begin: ${all.join('; ')}`, {
    facts: { refusalCount: all.length },
  });
};

/** With the advice of each code, said once: that of the refusal itself can only send the reader here. */
const phrasesOf = (failures: readonly OctoError[]): string[] =>
  [...Map.groupBy(failures, ({ code }) => code)].map(([code, alike]) => {
    const messages = new Set(alike.map(({ message }) => message));
    return `${[...messages].join('; ')} (${code}: ${alike[0]!.advice})`;
  });

const ask = async <P>(question: Question<P>, planning: P): Promise<{ refusals: string[]; failure?: OctoError }> => {
  try {
    return { refusals: await question(planning) };
  } catch (thrown) {
    if (isOctoError(thrown) && thrown.code !== 'Bug') return { refusals: [], failure: thrown };
    throw thrown;
  }
};
