/** How far the verification by schedule is, kept per instance: where its hand is, and what it found and has yet to tell. */
import * as z from 'zod';
import { Hand, restingHand } from '../../domain/archives/verify-plan.ts';
import { stateKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { readRecord, UNCHANGED, update } from '../update.ts';

type State = Pick<World, 'state'>;

const Found = z.strictObject({ key: z.string(), what: z.string(), archives: z.array(z.string()) });

const VerificationRecord = z.strictObject({
  hand: Hand,
  /** Found, and perhaps neither marked nor told when the process was killed. */
  untold: z.array(Found),
});
export type VerificationRecord = z.infer<typeof VerificationRecord>;

/** Where the verification is; one that never began rests. */
export const readVerification = async (
  world: Pick<World, 'state' | 'clock'>,
  instance: string,
): Promise<VerificationRecord> =>
  (await readRecord(world.state, recordAt(instance))) ?? { hand: restingHand(world.clock.now()), untold: [] };

/** Moves it on, unless somebody else has moved it since `seen`. */
export const moveVerification = async (
  world: State,
  instance: string,
  { seen, next }: { seen: VerificationRecord; next: VerificationRecord },
): Promise<VerificationRecord> => {
  const moved = await update(world.state, recordAt(instance), (current) => {
    if (current === null) return next;
    const isMoved = current.hand.movedUntil !== seen.hand.movedUntil;
    return isMoved || JSON.stringify(current) === JSON.stringify(next) ? UNCHANGED : next;
  });
  return moved ?? next;
};

const recordAt = (instance: string) => ({ key: stateKeys.verification(instance), schema: VerificationRecord });
