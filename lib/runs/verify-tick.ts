/**
 * A piece of verification at each tick, so that everything stored is read again within the days that the settings name.
 *
 * What a stretch has shown is written down together with the hand's move, then marked, then told: killed in between, the
 * next tick does the rest, and a message is posted under a key of its own. Two tickers may read the same; they tell it once.
 */
import { verifyStretch } from '../archive/care/verify-stretch.ts';
import { nextStretch } from '../domain/archives/verify-plan.ts';
import type { World } from '../ports/world.ts';
import { markDamaged } from '../repository/damage.ts';
import { readSettings } from '../repository/settings.ts';
import { moveVerification, readVerification, type VerificationRecord } from '../repository/store-care/verification.ts';
import { damageMessage } from '../slack/damage.ts';

/** Leaves the rest to the next tick: one that fell behind catches up without being in anybody's way. */
const BUDGET_MS = 120_000;

type VerifyWorld = Pick<World, 'archives' | 'state' | 'clock' | 'chat'>;
type Ticking = { instance: string; channel: string | null; signal: AbortSignal };

/** Verifies what is due for the instance. `channel` as in `tick`. @throws the reason of `signal`, and what store and chat throw */
export const verifyTick = async (world: VerifyWorld, { instance, channel, signal }: Ticking): Promise<void> => {
  const startedMs = world.clock.now().getTime();
  const { verifyDays, tell } = await readSettings(world, instance);
  const telling = { instance, channel: tell.channel ?? channel, mentions: tell.mentions };
  let record = await tellFound(world, await readVerification(world, instance), telling);
  for (;;) {
    signal.throwIfAborted();
    const now = world.clock.now();
    const due = nextStretch(record.hand, { now, verifyDays });
    // The hand is put down where it rests, so that the next tick knows since when it has to move.
    if (due === null) return void (await moveVerification(world, instance, { seen: record, next: record }));
    const { damaged } = await verifyStretch(world, instance, { stretch: due.stretch, signal });
    const next = { hand: due.after, untold: damaged };
    record = await tellFound(world, await moveVerification(world, instance, { seen: record, next }), telling);
    if (world.clock.now().getTime() - startedMs > BUDGET_MS) return;
  }
};

type Telling = { instance: string; channel: string | null; mentions: readonly string[] };

const tellFound = async (
  world: VerifyWorld,
  record: VerificationRecord,
  { instance, channel, mentions }: Telling,
): Promise<VerificationRecord> => {
  const { untold, hand } = record;
  if (untold.length === 0) return record;
  await markDamaged(world, instance, untold);
  if (channel !== null) {
    const once = { key: `damage:${instance}:${hand.movedUntil}`, since: hand.movedUntil };
    await world.chat.post({ ...damageMessage({ instance, found: untold, tell: mentions }), channel, once });
  }
  return moveVerification(world, instance, { seen: record, next: { hand, untold: [] } });
};
