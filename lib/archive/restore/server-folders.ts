/** The folders that servers and this program work with: where a copy of single files has no business. */
import { realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { isOctoError } from '../../domain/errors.ts';
import type { World } from '../../ports/world.ts';
import { listArchives } from '../../repository/catalog.ts';
import { existing } from './room.ts';

type Asked = Pick<World, 'instance' | 'octopusApi' | 'archives' | 'clock'>;

/** Those of one instance; of a server that does not answer, those that its newest archive was taken from. */
export const serverFolders = async (world: Asked, name: string): Promise<string[]> => {
  const { extraFolders } = world.instance(name);
  return [...(await namedByServer(world, name)), ...extraFolders.map(({ path }) => path)];
};

const namedByServer = async (world: Asked, name: string): Promise<string[]> => {
  try {
    return (await (await world.octopusApi(name)).serverFolders()).map(({ path }) => path);
  } catch (thrown) {
    if (!isOctoError(thrown)) throw thrown;
    for await (const { folders } of listArchives(world, name)) return folders.places.map(({ path }) => path);
    return [];
  }
};

/** The folder of a server, of a share or of this program that `path` lies in or would hold; `null` when there is none. */
export const folderInUse = async (
  world: Asked & Pick<World, 'instanceNames' | 'hostDirectory' | 'octopusProgram'>,
  path: string,
): Promise<string | null> => {
  const used = [world.hostDirectory];
  for (const name of world.instanceNames()) {
    const { share } = world.instance(name).database;
    used.push(share.workerPath, ...(await homeOf(world, name)), ...(await serverFolders(world, name)));
  }
  const real = realPath(path);
  return used.find((folder) => isWithin(real, realPath(folder)) || isWithin(realPath(folder), real)) ?? null;
};

/** Where the program beside the worker keeps its configuration; nothing where it cannot be asked. */
const homeOf = async (world: Pick<World, 'octopusProgram'>, name: string): Promise<string[]> => {
  try {
    const home = (await world.octopusProgram(name).showConfiguration()).settings['Octopus.Home'];
    return typeof home === 'string' ? [home] : [];
  } catch (thrown) {
    if (isOctoError(thrown)) return [];
    throw thrown;
  }
};

/** Is `path` the folder or below it? */
export const isWithin = (path: string, folder: string): boolean => {
  const way = relative(folder, path);
  return way === '' || (!/^\.\.(?:[\\/]|$)/.test(way) && !isAbsolute(way));
};

/** Without links, also where the end of it is not there yet. */
const realPath = (path: string): string => {
  const there = existing(resolve(path));
  return join(realpathSync(there), relative(there, resolve(path)));
};
