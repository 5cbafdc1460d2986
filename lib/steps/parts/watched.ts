/** Long work in SQL Server as beats of the step: progress goes out, and a beat that is refused stops the work. */
import type { Watch } from '../../ports/sql-server.ts';
import type { StepContext } from '../step.ts';

/** @throws what the work throws, or Cancelled, TaskGone, FenceLost when that is why it was stopped */
export const watched = async <T>(
  { beat, signal }: Pick<StepContext, 'beat' | 'signal'>,
  text: string,
  work: (watch: Watch) => Promise<T>,
): Promise<T> => {
  const refusal = new AbortController();
  const onProgress = (percent: number): void => {
    beat({ percent, text }).catch((thrown: unknown) => refusal.abort(thrown));
  };
  try {
    return await work({ onProgress, signal: AbortSignal.any([signal, refusal.signal]) });
  } catch (thrown) {
    throw refusal.signal.aborted ? refusal.signal.reason : thrown;
  }
};
