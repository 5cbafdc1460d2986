/** Which archive a drill tries, where nobody has named one. */
import { createHash } from 'node:crypto';

export const DRILL_CHOICES = ['newest', 'oldest', 'random'] as const;
export type DrillChoice = (typeof DRILL_CHOICES)[number];

export const isDrillChoice = (text: string): text is DrillChoice => DRILL_CHOICES.some((choice) => choice === text);

/** One of the ids, which come newest first; `null` of none. Chance is drawn from `seed`: the same request tries the same archive. */
export const chosenArchive = (ids: readonly string[], choice: DrillChoice, seed: string): string | null => {
  const drawn = createHash('sha256').update(seed).digest().readUIntBE(0, 6);
  const at = { newest: 0, oldest: ids.length - 1, random: ids.length === 0 ? 0 : drawn % ids.length }[choice];
  return ids[at] ?? null;
};
