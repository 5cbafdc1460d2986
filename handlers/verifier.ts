/**
 * Reads the stored archives again, a piece at a time, in the cloud: what is read there is not carried anywhere. An instance's hand
 * stops well before the function does, and goes on at the next call.
 */
import type { Context } from 'aws-lambda';
import { cloud } from '../lib/compose/cloud.ts';
import { door } from './door.ts';
import { verifyRound } from './rounds.ts';

/** One object at most is being read when the signal fires. */
const REST_MS = 30_000;

export const handler = door('verifier', async (_event: unknown, context: Context) => {
  const { world, channel, log } = await cloud();
  const signal = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - REST_MS));
  await Promise.all(world.instanceNames().map((instance) => verifyRound(world, { instance, channel, log, signal })));
});
