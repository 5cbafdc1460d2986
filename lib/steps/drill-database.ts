/** The database of the archive restored on trial, under the scratch name of the run. What it holds is looked at by `drill-proof.ts`. */
import * as z from 'zod';
import { onArchive } from './drilling/drill-of-run.ts';
import { drillWorld } from './drilling/drill-world.ts';
import { bringIn } from './parts/scratch-database.ts';
import { defineStep } from './step.ts';

/** @throws ArchiveDamaged, DumpNotTrusted, RestoreRoomMissing, LoadFileDamaged, and what SQL Server said */
export const step = defineStep(
  {
    name: 'drill-database',
    runsOn: 'host',
    input: z.strictObject({}),
    output: z.strictObject({ sizeBytes: z.number() }),
  },
  async (world, _input, context) => {
    const { run } = context;
    const there = drillWorld(world);
    return onArchive(there, run, async (manifest) => {
      await bringIn(there, { runId: run.id, instance: run.instance, manifest }, context);
      return { sizeBytes: manifest.database.sizeBytes };
    });
  },
);
