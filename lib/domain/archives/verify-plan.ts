/**
 * When each stored object is read again: a hand goes round the space of SHA-256 names at an even pace, and what it passes is
 * verified. Pure; what is verified and where the hand is kept is `lib/archive/care/verify-stretch.ts` and `lib/runs/verify-tick.ts`.
 *
 * Names are spread evenly, so each look costs about the same, and no list of what was verified is needed. The hand goes
 * round in three quarters of the promised time: whatever is stored is read again within that time, as long as nothing stood
 * still for longer than the last quarter.
 */
import * as z from 'zod';

export const Hand = z.strictObject({
  /** Where the hand is: from 0 up to and without 1. */
  position: z.number().min(0).lt(1),
  /** The moment up to which it has been moved; behind the clock after a standstill. */
  movedUntil: z.string(),
  /** When it last came round, having passed everything since it set out; null before. */
  cameRoundAt: z.string().nullable(),
});
export type Hand = z.infer<typeof Hand>;

/** Names from `from` up to and without `before`, in hex as far as it matters; `null` is the end of all names. */
export type Stretch = { from: string; before: string | null };

const DAY_MS = 86_400_000;
const SHARE_OF_TIME = 0.75;
/** At most so much at once: of two terabytes it takes half a minute, so little is lost when it is broken off. */
const LONGEST_STRETCH = 1 / 1000;
/** 48 bits: as fine as a number can tell positions apart with room to spare. */
const DIGITS = 12;

/** The hand before it has ever moved. */
export const restingHand = (now: Date): Hand => ({ position: 0, movedUntil: now.toISOString(), cameRoundAt: null });

/** What to verify next, and the hand once that is done; `null` when it is where it should be. */
export const nextStretch = (
  hand: Hand,
  { now, verifyDays }: { now: Date; verifyDays: number },
): { stretch: Stretch; after: Hand } | null => {
  const roundMs = verifyDays * DAY_MS * SHARE_OF_TIME;
  const movedMs = Date.parse(hand.movedUntil);
  const due = (now.getTime() - movedMs) / roundMs;
  if (due <= 0) return null;
  const share = Math.min(due, LONGEST_STRETCH, 1 - hand.position);
  const end = hand.position + share;
  // In whole milliseconds, rounded up: else the last fraction of one would be due for ever.
  const movedUntil = new Date(Math.min(now.getTime(), movedMs + Math.ceil(share * roundMs))).toISOString();
  const isRound = end >= 1;
  return {
    stretch: { from: hexOf(hand.position), before: isRound ? null : hexOf(end) },
    after: { position: isRound ? 0 : end, movedUntil, cameRoundAt: isRound ? now.toISOString() : hand.cameRoundAt },
  };
};

/** Does the hand pass this name on the stretch? */
export const isOnStretch = (name: string, { from, before }: Stretch): boolean =>
  name >= from && (before === null || name < before);

/** How long ago the hand should have been where it is. */
export const behindSeconds = ({ movedUntil }: Hand, now: Date): number =>
  Math.max(0, Math.round((now.getTime() - Date.parse(movedUntil)) / 1000));

const hexOf = (position: number): string =>
  Math.floor(position * 16 ** DIGITS)
    .toString(16)
    .padStart(DIGITS, '0');
