/**
 * The restored copy takes the server's name, and the database that had it is kept under another. The server is stopped.
 * The renames are in `parts/swap-back.ts`, with the way back.
 */
import * as z from 'zod';
import { swapIn } from './parts/swap-back.ts';
import { defineStep } from './step.ts';

/** @throws DatabaseSwapped, DatabaseExists, DatabaseInUse, and what else SQL Server said */
export const step = defineStep(
  { name: 'swap-database', runsOn: 'host', input: z.strictObject({}), output: z.strictObject({}) },
  async (world, _input, { run, beat }) => {
    await swapIn(world, run, () => beat({ text: 'renaming the databases' }));
    return {};
  },
);
