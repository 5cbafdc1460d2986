/** Removes what the drill has made, however it went: the copy of the database, its dump on the share, the files. */
import * as z from 'zod';
import { removeFolder } from '../archive/swap/remove-folder.ts';
import { filesFolder } from './drilling/drill-of-run.ts';
import { drillWorld, requireDrillPlace } from './drilling/drill-world.ts';
import { discardScratch } from './parts/scratch-database.ts';
import { defineStep } from './step.ts';

/** @throws FolderNotRemovable, and what SQL Server said */
export const step = defineStep(
  { name: 'drill-clear', runsOn: 'host', isWayOut: true, input: z.strictObject({}), output: z.strictObject({}) },
  async (world, _input, { run, beat }) => {
    await beat({ text: 'removing what was restored on trial' });
    await removeFolder(filesFolder(requireDrillPlace(world), run));
    await discardScratch(drillWorld(world), run);
    return {};
  },
);
