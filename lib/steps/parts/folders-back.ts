/** The way out for folders: the server's own put back, or what a restore has left beside them removed. */
import { dropAsideFolders, foldersBack } from '../../archive/swap/swap-folders.ts';
import type { FolderJournal } from '../../domain/restores/folders.ts';
import type { World } from '../../ports/world.ts';
import { changeFolders, notePlaces, readFolders } from './folder-places.ts';

type HostWorld = Pick<World, 'hostDirectory'>;

/**
 * The run's folders are again as they were found, whatever had been swapped: renames only, so it takes no time. The server
 * is stopped where any was; `clearFolders` removes what was staged afterwards. May be asked again.
 * @throws FolderInTheWay, FolderLost, FolderNotMovable
 */
export const returnFolders = async (
  world: HostWorld,
  { id }: { id: string },
  beat?: () => Promise<void>,
): Promise<void> => {
  const folders = await readFolders(world, id);
  if (folders === null) return;
  const note = (places: FolderJournal[]): Promise<void> => notePlaces(world, id, places);
  await foldersBack(folders.places, { note, ...(beat && { beat }) });
};

/**
 * Removes what lies beside the folders: the old ones where they were swapped and are kept so, else what was staged.
 * @throws FolderNotRemovable, Bug for a place between the two
 */
export const clearFolders = async (world: HostWorld, { id }: { id: string }): Promise<void> => {
  const folders = await readFolders(world, id);
  if (folders === null) return;
  await dropAsideFolders(folders.places);
  await changeFolders(world, id, () => ({ ...folders, places: [] }));
};

/** Nothing is left of a restore that did not come to its end: the folders as they were found, and nothing beside them. */
export const discardFolders = async (world: HostWorld, run: { id: string }): Promise<void> => {
  await returnFolders(world, run);
  await clearFolders(world, run);
};

/** Where the old folders of a run lie, for whoever keeps them. */
export const keptFolders = async (world: HostWorld, { id }: { id: string }): Promise<string[]> =>
  ((await readFolders(world, id))?.places ?? [])
    .filter(({ phase, wasThere }) => phase === 'swapped' && wasThere)
    .map(({ aside }) => aside);
