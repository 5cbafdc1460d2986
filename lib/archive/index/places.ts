/** Which folders belong to an instance: those the server names and is worth restoring from, and those the configuration adds. */
import { FOLDER_ROLES, type FolderRole } from '../../ports/octopus.ts';
import type { World } from '../../ports/world.ts';
import type { Place } from '../pack/walk.ts';

/** Telemetry is not worth a restore: Octopus makes it anew. */
const ROLES_TAKEN = new Set<FolderRole>(FOLDER_ROLES.filter((role) => role !== 'telemetry'));

/** The names that places of this instance can have; the server need not have each of its own. */
export const knownPlaces = (world: Pick<World, 'instance'>, instance: string): string[] => [
  ...ROLES_TAKEN,
  ...world.instance(instance).extraFolders.map(({ name }) => name),
];

/** The places a backup takes, as the server names them now. */
export const placesOf = async (world: Pick<World, 'octopusApi' | 'instance'>, instance: string): Promise<Place[]> => {
  const folders = await (await world.octopusApi(instance)).serverFolders();
  return [
    ...folders.filter(({ role }) => ROLES_TAKEN.has(role)).map(({ role, path }) => ({ name: role, path })),
    ...world.instance(instance).extraFolders,
  ];
};
