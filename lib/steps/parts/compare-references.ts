/**
 * Files against the lists of a database: packages of the built-in feed and artifacts that it names, and an archive lacks.
 * Used on the live database when an archive is made, and on a restored copy when one is drilled.
 */
import type { Section } from '../../domain/archives/archive.ts';
import { OctoError } from '../../domain/errors.ts';
import {
  isArtifactPresent,
  isPackagePresent,
  nameArtifact,
  namePackage,
  notePresent,
  nothingPresent,
  type Present,
} from '../../domain/archives/references.ts';
import { decodeIndex } from '../../archive/index/index-text.ts';
import { pathBytes } from '../../archive/index/path-text.ts';
import type { OctopusDatabase } from '../../ports/octopus-database.ts';
import type { World } from '../../ports/world.ts';

/** The packages and artifacts that an index of folders holds. @throws ArchiveDamaged */
export const presentIn = async (world: Pick<World, 'archives'>, indexKey: string): Promise<Present> => {
  const present = nothingPresent();
  const index = await world.archives.read(indexKey);
  if (index === null)
    throw new OctoError('ArchiveDamaged', 'the index of the folders is gone', { facts: { indexKey } });
  for (const path of decodeIndex(index.bytes).files.paths) notePresent(present, pathBytes(path).toString());
  return present;
};

const LISTED_AT_MOST = 50;
/** So many rows pass between two beats: a thousand take a fraction of a second. */
const ROWS_PER_BEAT = 1000;

/** `isTaken`: is the folder in the archive? What is not in it by intention is not compared. */
export type Comparing = { present: Present; dumpedAt: string; isTaken: (folder: string) => boolean };

/** What the database lists that is younger than the dump is left out; a row that does not tell its age is taken to be in it. */
export const compareReferences = async (
  database: Pick<OctopusDatabase, 'packages' | 'artifacts'>,
  { present, dumpedAt, isTaken }: Comparing,
  beat: () => Promise<void>,
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
  for await (const listed of isTaken('packages') ? database.packages() : []) {
    await beatNowAndThen();
    if (isYounger(listed)) continue;
    found.packagesListed += 1;
    if (isPackagePresent(present, listed)) continue;
    found.packagesMissing += 1;
    miss(namePackage(listed));
  }
  for await (const listed of isTaken('artifacts') ? database.artifacts() : []) {
    await beatNowAndThen();
    if (isYounger(listed)) continue;
    found.artifactsListed += 1;
    if (isArtifactPresent(present, listed)) continue;
    found.artifactsMissing += 1;
    miss(nameArtifact(listed));
  }
  return found;
};
