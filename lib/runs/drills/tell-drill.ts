/**
 * The report of a drill as a file in the thread of its card. A file cannot be posted under a key, so it is claimed
 * beforehand: a kill in between leaves a card without its file, and never one with two. The record itself is kept anyway.
 */
import * as z from 'zod';
import { isOctoError } from '../../domain/errors.ts';
import { stateKeys } from '../../domain/names.ts';
import type { RunView } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { UNCHANGED, update } from '../../repository/update.ts';
import { drillReport } from '../../slack/run/drill-report.ts';

const Claimed = z.strictObject({ claimedAt: z.string().nullable() });

type TellWorld = Pick<World, 'state' | 'chat' | 'clock'>;

/** Shows what the drill found; a run that is none, or found nothing, has nothing to show. `ts` is the card. */
export const tellOfDrill = async (world: TellWorld, { run }: RunView, ts: string | null): Promise<void> => {
  const { channel } = run.requestedBy;
  const record = run.outcome?.drill ?? null;
  if (channel === null || record === null || ts === null || !(await claim(world, run.id))) return;
  const { name, title, text } = drillReport(record);
  try {
    await world.chat.shareFile({ channel, threadTs: ts, name, title, bytes: Buffer.from(text) });
  } catch (thrown) {
    // Without an answer nobody knows whether it is there.
    if (!isOctoError(thrown, 'ChatUnavailable'))
      await update(world.state, claimAt(run.id), () => ({ claimedAt: null }));
    throw thrown;
  }
};

const claimAt = (runId: string) => ({ key: stateKeys.drillReport(runId), schema: Claimed });

const claim = async (world: TellWorld, runId: string): Promise<boolean> => {
  let isMine = false;
  await update(world.state, claimAt(runId), (current) => {
    isMine = (current?.claimedAt ?? null) === null;
    return isMine ? { claimedAt: world.clock.now().toISOString() } : UNCHANGED;
  });
  return isMine;
};
