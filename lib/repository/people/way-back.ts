/** The test message of `check`, and the proof that a click on it came back: one record for the whole installation. */
import * as z from 'zod';
import { stateKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { readRecord, UNCHANGED, update } from '../update.ts';

const WayBack = z.strictObject({
  /** The last test message, and where it is. */
  id: z.string(),
  channel: z.string(),
  ts: z.string(),
  postedAt: z.string(),
  isClicked: z.boolean(),
  /** When a click last came back, on this or an earlier message. */
  proven: z.strictObject({ by: z.string(), at: z.string() }).nullable(),
});
export type WayBack = z.infer<typeof WayBack>;

type State = Pick<World, 'state'>;
const at = { key: stateKeys.wayBack(), schema: WayBack };

/** The last test; `null` when there was none. */
export const readWayBack = (world: State): Promise<WayBack | null> => readRecord(world.state, at);

/** Notes a new test message. Gives the one before. */
export const noteTest = async (
  world: State,
  message: Pick<WayBack, 'id' | 'channel' | 'ts' | 'postedAt'>,
): Promise<WayBack | null> => {
  let before: WayBack | null = null;
  await update(world.state, at, (current) => {
    before = current;
    return { ...message, isClicked: false, proven: current?.proven ?? null };
  });
  return before;
};

/** Notes the click on test `id`. `isFirst` is false when it was clicked before; null when it is not the last test. */
export const noteClick = async (
  world: State,
  id: string,
  proven: NonNullable<WayBack['proven']>,
): Promise<{ test: WayBack; isFirst: boolean } | null> => {
  let isFirst = false;
  const test = await update(world.state, at, (current) => {
    isFirst = current?.id === id && !current.isClicked;
    return current !== null && isFirst ? { ...current, isClicked: true, proven } : UNCHANGED;
  });
  return test === null || test.id !== id ? null : { test, isFirst };
};
