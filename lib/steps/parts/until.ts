/**
 * Reading back: the answer of a changing call decides nothing, what the other side shows afterwards does.
 */
import type { Clock } from '../../ports/clock.ts';

export type Patience = { tries: number; everySeconds: number; signal: AbortSignal };

/** Asks until `holds` says yes; false when it never did within the patience. */
export const until = async (clock: Clock, patience: Patience, holds: () => Promise<boolean>): Promise<boolean> => {
  for (let tried = 1; ; tried += 1) {
    if (await holds()) return true;
    if (tried >= patience.tries) return false;
    await clock.sleep(patience.everySeconds * 1000, patience.signal);
  }
};
