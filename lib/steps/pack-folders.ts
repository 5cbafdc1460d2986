/**
 * Takes the folders of an instance into the store. Used twice in a backup: while the server is in use, and again when it
 * is quiet, for what changed in between; only then the section is written. The work is in `lib/archive`.
 */
import * as z from 'zod';
import { type PackedFolders, packFolders } from '../archive/pack-folders.ts';
import type { LeftOut } from '../domain/archives/left-out.ts';
import { readSection, writeSection } from '../repository/sections.ts';
import { trashedNames } from '../repository/store-care/trash.ts';
import { archivePlace } from './parts/archive-place.ts';
import { foldersPlanned } from './planning/folder-choice.ts';
import { defineStep } from './step.ts';

const Input = z.strictObject({ instance: z.string(), pass: z.enum(['first', 'second']) });
const Output = z.strictObject({
  fileCount: z.number(),
  sizeBytes: z.number(),
  addedBytes: z.number(),
  problemCount: z.number(),
});

const PROBLEMS_LISTED = 50;

export const step = defineStep(
  { name: 'pack-folders', runsOn: 'host', input: Input, output: Output },
  async (world, { instance, pass }, context) => {
    const { run, signal } = context;
    const at = archivePlace(run);
    const finished = await readSection(world, at, 'folders');
    if (finished !== null) return Output.strip().parse(finished);

    const { taken: places, leftOut } = await foldersPlanned(world, run);
    const avoid = await trashedNames(world, instance);
    const packed = await packFolders(
      world,
      { instance, runId: run.id, pass, places, avoid, isPartial: leftOut.some(({ by }) => by === 'request') },
      { signal, onProgress: (done) => void context.beat(progress(done)).catch(() => undefined) },
    );
    if (pass === 'first') return summary(packed);
    await context.beat();
    return Output.strip().parse(
      await writeSection(world, at, { name: 'folders', section: sectionOf(packed, leftOut) }),
    );
  },
);

const progress = ({ bytes, ofBytes }: { bytes: number; ofBytes: number }) => ({
  percent: Math.min(100, Math.floor((100 * bytes) / Math.max(1, ofBytes))),
  text: `${Math.round(bytes / 1e6)} of ${Math.round(ofBytes / 1e6)} MB of changed files`,
});

const summary = ({ fileCount, sizeBytes, addedBytes, problems }: PackedFolders) => ({
  fileCount,
  sizeBytes,
  addedBytes,
  problemCount: problems.length,
});

/** What was lost comes first in the list, which is cut. */
const sectionOf = (packed: PackedFolders, leftOut: LeftOut[]) => ({
  indexKey: packed.indexKey,
  indexSha256: packed.indexSha256,
  places: packed.places,
  ...summary(packed),
  problems: packed.problems
    .toSorted((a, b) => Number(b.isLost) - Number(a.isLost))
    .slice(0, PROBLEMS_LISTED)
    .map(({ path, what }) => ({ path, what })),
  lostCount: packed.problems.filter(({ isLost }) => isLost).length,
  ...(leftOut.length === 0 ? {} : { leftOut }),
});
