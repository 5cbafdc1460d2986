/**
 * Performs one cloud step for Step Functions. Deployed once per group of steps, each with the least rights that its steps need;
 * a definition names the group by its placeholder. A thrown error fails the task: its code is the error name there.
 */
import { cloud } from '../lib/compose/cloud.ts';
import { loadStep } from '../lib/steps/index.ts';
import { performCloudStep } from '../lib/steps/performing/perform-step.ts';
import { door } from './door.ts';

export const handler = door('step', async (payload: unknown) => {
  const { world, log } = await cloud();
  return performCloudStep(world, { payload, loadStep, log });
});
