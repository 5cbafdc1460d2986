/**
 * Is the restored copy what the archive promises? Rows against the manifest, secrets opened with the key of the secret
 * store, DBCC CHECKDB whatever the settings say, and what it lists against the files that the archive holds.
 */
import * as z from 'zod';
import type { Manifest } from '../domain/archives/archive.ts';
import { gapsOfReferences } from '../domain/archives/references.ts';
import type { World } from '../ports/world.ts';
import { onArchive } from './drilling/drill-of-run.ts';
import { drillWorld } from './drilling/drill-world.ts';
import { compareReferences, presentIn } from './parts/compare-references.ts';
import { proveCopy } from './parts/database/prove-copy.ts';
import { bringIn, type ScratchDatabase } from './parts/scratch-database.ts';
import { defineStep, type StepContext } from './step.ts';

const Output = z.strictObject({
  tables: z.number(),
  rows: z.number(),
  keyProof: z.strictObject({ opened: z.number(), sampled: z.number() }),
  references: z.strictObject({ listed: z.number(), missing: z.number() }),
  gaps: z.array(z.string()),
  notes: z.array(z.string()),
});

/** @throws RestoredCopyDiffers, RestoredCopyDamaged, KeyDoesNotOpenData, SecretNotKept, ArchiveDamaged, and what SQL Server said */
export const step = defineStep(
  { name: 'drill-proof', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, context) => {
    const { id: runId, instance } = context.run;
    const there = drillWorld(world);
    return onArchive(there, context.run, async (manifest) => {
      const scratch = await bringIn(there, { runId, instance, manifest }, context);
      const proof = await proveCopy(there, { instance, manifest, scratch, isChecked: true }, context);
      const { references, ...listed } = await referencesOf(there, { manifest, scratch }, context);
      return {
        tables: Object.keys(proof.counts).length,
        rows: Object.values(proof.counts).reduce((sum, count) => sum + count, 0),
        keyProof: proof.keyProof,
        references,
        gaps: [...proof.gaps, ...listed.gaps],
        notes: [...proof.notes, ...listed.notes],
      };
    });
  },
);

type Copy = { manifest: Manifest; scratch: ScratchDatabase };

/** What was missing already when the archive was made is a gap of the archive, not of the way back. */
const referencesOf = async (
  world: Pick<World, 'archives' | 'octopusDatabase'>,
  { manifest, scratch }: Copy,
  { beat }: Pick<StepContext, 'beat'>,
) => {
  await beat({ text: 'comparing what the copy lists with the files' });
  const database = await world.octopusDatabase(manifest.instance, scratch.name);
  try {
    const { folders, dump, references: before } = manifest;
    const found = await compareReferences(
      database,
      {
        present: await presentIn(world, folders.indexKey),
        dumpedAt: dump.finishedAt,
        isTaken: (folder) => !(folders.leftOut ?? []).some(({ name }) => name === folder),
      },
      () => beat(),
    );
    const missing = found.packagesMissing + found.artifactsMissing;
    const isKnown = missing <= before.packagesMissing + before.artifactsMissing;
    const said = gapsOfReferences(found);
    return {
      references: { listed: found.packagesListed + found.artifactsListed, missing },
      gaps: isKnown ? [] : said,
      notes: isKnown ? said.map((gap) => `already so when the archive was taken: ${gap}`) : [],
    };
  } finally {
    await database.close();
  }
};
