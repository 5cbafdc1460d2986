/** One run at a time for an instance: its lock, with the fence that tells a later run from an earlier one. */
import * as z from 'zod';
import { takeLock } from '../repository/lease/lock.ts';
import { defineStep } from './step.ts';

/** @throws LockHeld, which names whose run it is */
export const step = defineStep(
  {
    name: 'take-lock',
    runsOn: 'cloud',
    input: z.strictObject({}),
    output: z.strictObject({ fence: z.number() }),
  },
  async (world, _input, { run }) => {
    const { fence } = await takeLock(world, run);
    return { fence };
  },
);
