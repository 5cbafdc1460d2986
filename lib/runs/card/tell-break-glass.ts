/**
 * A break-glass in a message of its own: it calls the whole channel, and stays open until somebody else has looked at it.
 * Posted under a key, so that a kill in between edits the same message; closed by an edit, once.
 */
import * as z from 'zod';
import { stateKeys } from '../../domain/names.ts';
import type { RunView } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { readRecord, update } from '../../repository/update.ts';
import { breakGlassMessage } from '../../slack/run/break-glass.ts';

const Told = z.strictObject({ ts: z.string(), isClosed: z.boolean() });

/** Announces the run's break-glass, and closes the announcement when somebody else has. */
export const tellOfBreakGlass = async (
  world: Pick<World, 'state' | 'chat'>,
  { run, approval }: RunView,
): Promise<void> => {
  const { channel } = run.requestedBy;
  if (channel === null || approval?.decision?.isBreakGlass !== true) return;
  const at = { key: stateKeys.breakGlass(run.id), schema: Told };
  const told = await readRecord(world.state, at);
  const isClosed = approval.closure !== null;
  if (told !== null && told.isClosed === isClosed) return;
  const message = breakGlassMessage(run, { decision: approval.decision, closure: approval.closure });
  const once = { key: `${run.id}:break-glass`, since: run.requestedAt };
  const { ts } =
    told === null
      ? await world.chat.post({ ...message, channel, once })
      : await world.chat.update({ ...message, channel, ts: told.ts }).then(() => told);
  await update(world.state, at, () => ({ ts, isClosed }));
};
