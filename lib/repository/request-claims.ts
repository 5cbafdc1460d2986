/**
 * Which call carries out a request that was handed over: the first one, and its own repetitions. Any other call with the same
 * request is a second delivery of what one person did once.
 */
import * as z from 'zod';
import { stateKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { UNCHANGED, update } from './update.ts';

const RequestClaim = z.strictObject({ call: z.string(), at: z.string() });

/** Is it for `call` to carry the request out? Asked again by the same call, the answer is the same. */
export const claimRequest = async (
  world: Pick<World, 'state' | 'clock'>,
  { requestKey, call }: { requestKey: string; call: string },
): Promise<boolean> => {
  const at = world.clock.now().toISOString();
  const claim = await update(world.state, { key: stateKeys.request(requestKey), schema: RequestClaim }, (current) =>
    current === null ? { call, at } : UNCHANGED,
  );
  return claim?.call === call;
};
