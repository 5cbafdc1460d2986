/**
 * Does the archive hold the packages and artifacts that the dump lists? What is missing is named.
 *
 * What counts is the archive's index, never a file that lies on the disk by now: it may have been away while the folders
 * were packed. The lists come from the database, which goes on meanwhile, so rows that are younger than the dump are left
 * out; a row that does not tell its age is taken to be in the dump.
 */
import * as z from 'zod';
import type { Section } from '../domain/archives/archive.ts';
import { OctoError } from '../domain/errors.ts';
import {
  gapsOfReferences,
  isArtifactPresent,
  isPackagePresent,
  nameArtifact,
  namePackage,
  notePresent,
  nothingPresent,
  type Present,
} from '../domain/archives/references.ts';
import { decodeIndex } from '../archive/index/index-text.ts';
import { pathBytes } from '../archive/index/path-text.ts';
import type { OctopusDatabase } from '../ports/octopus-database.ts';
import type { World } from '../ports/world.ts';
import { readSection, requireSection, writeSection, type ArchivePlace } from '../repository/sections.ts';
import { archivePlace } from './parts/archive-place.ts';
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
  const present = nothingPresent();
  await noteArchived(world, place, present);
  await context.beat({ text: 'comparing the database with the files' });
  const { finishedAt } = await requireSection(world, place, 'dump');
  const section = await compare(database, { present, dumpedAt: finishedAt }, context);
  return writeSection(world, place, { name: 'references', section });
};

const noteArchived = async (world: Pick<World, 'archives'>, place: ArchivePlace, present: Present): Promise<void> => {
  const { indexKey } = await requireSection(world, place, 'folders');
  const index = await world.archives.read(indexKey);
  if (index === null)
    throw new OctoError('ArchiveDamaged', 'the index of the folders is gone', { facts: { indexKey } });
  for (const path of decodeIndex(index.bytes).files.paths) notePresent(present, pathBytes(path).toString());
};

const LISTED_AT_MOST = 50;
/** So many rows pass between two beats: a thousand take a fraction of a second. */
const ROWS_PER_BEAT = 1000;

const compare = async (
  database: OctopusDatabase,
  { present, dumpedAt }: { present: Present; dumpedAt: string },
  { beat }: StepContext,
): Promise<Section<'references'>> => {
  const found = {
    packagesListed: 0,
    packagesMissing: 0,
    artifactsListed: 0,
    artifactsMissing: 0,
    missing: [] as string[],
  };
  const isYounger = ({ createdAt }: { createdAt: string | null }) =>
    createdAt !== null && Date.parse(createdAt) > Date.parse(dumpedAt);
  let rows = 0;
  const beatNowAndThen = async () => void (++rows % ROWS_PER_BEAT === 0 && (await beat()));
  const miss = (name: string) => found.missing.length < LISTED_AT_MOST && found.missing.push(name);
  for await (const listed of database.packages()) {
    await beatNowAndThen();
    if (isYounger(listed)) continue;
    found.packagesListed += 1;
    if (isPackagePresent(present, listed)) continue;
    found.packagesMissing += 1;
    miss(namePackage(listed));
  }
  for await (const listed of database.artifacts()) {
    await beatNowAndThen();
    if (isYounger(listed)) continue;
    found.artifactsListed += 1;
    if (isArtifactPresent(present, listed)) continue;
    found.artifactsMissing += 1;
    miss(nameArtifact(listed));
  }
  return found;
};
