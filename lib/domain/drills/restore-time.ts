/** How long a restore takes, told from the drills there were: an expectation for people, and nothing where there were none. */
import { restoreSeconds, type DrillRecord } from './drill.ts';

/** From how many drills, the middle of them, the shortest and the longest. */
export type RestoreTime = { drills: number; seconds: number; leastSeconds: number; mostSeconds: number };

/** So many of the newest drills are told from. */
export const DRILLS_TOLD_FROM = 5;

/** Drills come newest first; those that did not get through tell nothing. */
export const restoreTimeOf = (drills: readonly DrillRecord[]): RestoreTime | null => {
  const taken = drills
    .map(restoreSeconds)
    .filter((seconds) => seconds !== null)
    .slice(0, DRILLS_TOLD_FROM)
    .toSorted((a, b) => a - b);
  const [least, most] = [taken[0], taken.at(-1)];
  if (least === undefined || most === undefined) return null;
  return {
    drills: taken.length,
    seconds: taken[Math.floor(taken.length / 2)]!,
    leastSeconds: least,
    mostSeconds: most,
  };
};
