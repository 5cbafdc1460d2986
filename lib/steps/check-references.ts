/**
 * Does the archive hold the packages and artifacts that the dump lists? What is missing is named.
 *
 * What counts is the archive's index, never a file that lies on the disk by now: it may have been away while the folders
 * were packed. The lists come from the database, which goes on meanwhile, so rows that are younger than the dump are left
 * out; a row that does not tell its age is taken to be in the dump.
 */
import * as z from 'zod';
import type { Section } from '../domain/archives/archive.ts';
import { gapsOfReferences } from '../domain/archives/references.ts';
import type { World } from '../ports/world.ts';
import { readSection, requireSection, writeSection, type ArchivePlace } from '../repository/sections.ts';
import { archivePlace } from './parts/archive-place.ts';
import { compareReferences, presentIn } from './parts/compare-references.ts';
import { defineStep, type StepContext } from './step.ts';

const Output = z.strictObject({
  listed: z.number(),
  missing: z.number(),
  gaps: z.array(z.string()),
});

export const step = defineStep(
  { name: 'check-references', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, context) => {
    const place = archivePlace(context.run);
    const section = (await readSection(world, place, 'references')) ?? (await check(world, place, context));
    return {
      listed: section.packagesListed + section.artifactsListed,
      missing: section.packagesMissing + section.artifactsMissing,
      gaps: gapsOfReferences(section),
    };
  },
);

const check = async (world: World, place: ArchivePlace, context: StepContext): Promise<Section<'references'>> => {
  const database = await world.octopusDatabase(place.instance);
  const { indexKey, leftOut = [] } = await requireSection(world, place, 'folders');
  const present = await presentIn(world, indexKey);
  await context.beat({ text: 'comparing the database with the files' });
  const { finishedAt } = await requireSection(world, place, 'dump');
  const isTaken = (folder: string) => !leftOut.some(({ name }) => name === folder);
  const section = await compareReferences(database, { present, dumpedAt: finishedAt, isTaken }, () => context.beat());
  return writeSection(world, place, { name: 'references', section });
};
