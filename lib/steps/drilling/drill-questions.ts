/**
 * The questions of a drill: each names what stands against it, as phrases. What would speak against the archive is not asked
 * here but found by the drill itself, because that is what it is for.
 */
import { statfs } from 'node:fs/promises';
import { existing } from '../../archive/restore/room.ts';
import type { Manifest } from '../../domain/archives/archive.ts';
import type { DrillPlace } from '../../ports/drill-place.ts';
import { damagedNames } from '../../repository/damage.ts';
import { readLock } from '../../repository/lease/lock.ts';
import { PLACE_QUESTIONS } from '../parts/restore-checks-database.ts';
import type { Question } from '../planning/refusals.ts';
import type { Instance } from '../../domain/instance.ts';
import type { DrillWorld } from './drill-world.ts';

export type DrillPlanning = {
  /** As `drill-world.ts` makes it, and so is the instance. */
  world: DrillWorld;
  instance: Instance;
  manifest: Manifest;
  place: DrillPlace;
};
type DrillQuestion = Question<DrillPlanning>;

const archiveIsWhole: DrillQuestion = async ({ world, manifest: { instance, archiveId } }) =>
  (await damagedNames(world, instance)).has(archiveId)
    ? [`${archiveId} was found damaged before: /octo backup verify says whether it still is`]
    : [];

const folderHasRoom: DrillQuestion = async ({ place: { folder }, manifest: { folders } }) => {
  const { bavail, bsize } = await statfs(existing(folder));
  const freeBytes = bavail * bsize;
  return freeBytes >= folders.sizeBytes
    ? []
    : [
        `not enough space for the files in ${folder}: needs ${gigabytes(folders.sizeBytes)}, has ${gigabytes(freeBytes)}`,
      ];
};

/** So many times the size of the copy must be free on the volume of a production database: it goes on growing meanwhile. */
const PRODUCTION_MARGIN = 2;

const productionKeepsRoom: DrillQuestion = async ({ world, instance, manifest: { dump }, place }) => {
  if (place.own !== null) return [];
  const { data } = await (await world.sqlServer(instance.name)).freeBytes();
  if (data === null)
    return ['the SQL Server of the instance does not tell how much room it has: grant the login VIEW SERVER STATE'];
  const needBytes = dump.fileBytes * PRODUCTION_MARGIN;
  return data >= needBytes
    ? []
    : [
        `a drill on production leaves room to spare: needs ${gigabytes(needBytes)} on its data volume, has ${gigabytes(data)}`,
      ];
};

/** Without a lock of its own a drill holds up no backup; but it does not begin on top of one. */
const productionIsNotAtWork: DrillQuestion = async ({ world, instance, place }) => {
  if (place.own !== null) return [];
  const { holder } = await readLock(world, instance.name);
  return holder === null ? [] : [`${holder.runId} works on ${instance.name}: ask for the drill when it has ended`];
};

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** In the order a reader would mend them. */
export const DRILL_QUESTIONS: readonly DrillQuestion[] = [
  archiveIsWhole,
  ...PLACE_QUESTIONS.map(
    (question): DrillQuestion =>
      (planning) =>
        question({ ...planning, parts: 'all' }),
  ),
  folderHasRoom,
  productionKeepsRoom,
  productionIsNotAtWork,
];
