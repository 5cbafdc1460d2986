/**
 * The questions of a restore about folders: each names what stands against it, as phrases, and changes nothing.
 */
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { type FolderTarget, isWritable, planPlaces } from '../../archive/restore/plan-places.ts';
import { lackPhrase } from '../../archive/restore/room.ts';
import { isWithin, serverFolders } from '../../archive/restore/server-folders.ts';
import { surveyFolders } from '../../archive/restore/survey.ts';
import type { FolderJournal } from '../../domain/restores/folders.ts';
import { isOctoError } from '../../domain/errors.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../../repository/sections.ts';

export type FoldersAsked = { at: ArchivePlace; instance: string; runId: string; targets: FolderTarget[] };

/** @throws PathRefused, ArchiveDamaged and what else keeps the archive from being read */
export const folderRefusals = async (
  world: Pick<World, 'archives' | 'clock' | 'instanceNames' | 'instance' | 'octopusApi'>,
  asked: FoldersAsked,
): Promise<string[]> => {
  const { at, targets, runId } = asked;
  const refusals = [...overlaps(targets), ...(await ofOthers(world, asked))];
  const planned = planOrRefuse(targets, runId);
  if ('refusal' in planned) return [...refusals, planned.refusal];
  const { places } = planned;
  const { lacks, links } = await surveyFolders(world, { at, places });
  return [
    ...refusals,
    ...places.flatMap(unwritable),
    ...lacks.map((lack) => `not enough space: ${lackPhrase(lack)}`),
    ...links.map(
      ({ path, target }) =>
        `the archive holds a link out of its folder, which the target has not: ${path} to ${target}`,
    ),
  ];
};

/** What an approver should know of the folders although nothing stands against it. */
export const folderNotes = ({ targets, runId }: Pick<FoldersAsked, 'targets' | 'runId'>): string[] =>
  planPlaces(targets, runId).flatMap((place) => [
    ...(place.way === 'inside' ? [`${place.target} cannot be renamed, so it is exchanged entry by entry`] : []),
    ...ownership(place),
  ]);

type Planned = { places: FolderJournal[] } | { refusal: string };

const planOrRefuse = (targets: FolderTarget[], runId: string): Planned => {
  try {
    return { places: planPlaces(targets, runId) };
  } catch (thrown) {
    if (isOctoError(thrown, 'FolderInTheWay')) return { refusal: thrown.message };
    throw thrown;
  }
};

/** Renaming one would take the other along. */
const overlaps = (targets: FolderTarget[]): string[] =>
  targets.flatMap(({ path }, at) =>
    targets
      .filter((other, n) => n !== at && isWithin(path, other.path) && (path !== other.path || n > at))
      .map((other) => `folder ${path} lies in folder ${other.path}: only one of them can be restored at a time`),
  );

/** A restored database names the folders of where it came from: they must not be those that another server works with. */
const ofOthers = async (
  world: Parameters<typeof folderRefusals>[0],
  { instance, targets }: FoldersAsked,
): Promise<string[]> => {
  const hostNames = (name: string): string[] => world.instance(name).hosts.map((host) => host.name);
  const own = new Set(hostNames(instance));
  const refusals: string[] = [];
  for (const name of world.instanceNames().filter((other) => other !== instance)) {
    const isNeighbour = hostNames(name).some((host) => own.has(host));
    for (const folder of await serverFolders(world, name)) {
      const isShared = isNeighbour || /^[\\/]{2}/.test(folder);
      const hit = isShared ? targets.find(({ path }) => isWithin(path, folder) || isWithin(folder, path)) : undefined;
      if (hit !== undefined) refusals.push(`folder ${hit.path} is one that instance ${name} works with`);
    }
  }
  return refusals;
};

const unwritable = ({ way, target, wasThere }: FolderJournal): string[] => {
  const folder = way === 'inside' || !wasThere ? target : dirname(target);
  return isWritable(folder) ? [] : [`the worker may not write to ${folder}`];
};

/** Without root's rights the files belong to the worker's own account afterwards. */
const ownership = ({ target, wasThere }: FolderJournal): string[] => {
  const own = process.getuid?.();
  if (own === undefined || own === 0 || !wasThere || statSync(target).uid === own) return [];
  return [
    `files in ${target} will belong to ${userInfo().username}: the account of Octopus needs full control of them`,
  ];
};
