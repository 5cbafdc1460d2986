/** The folders of a run's restore as its journal knows them: planned once, written down before anything is made. */
import { planPlaces } from '../../archive/restore/plan-places.ts';
import { OctoError } from '../../domain/errors.ts';
import type { FolderJournal, FoldersJournal } from '../../domain/restores/folders.ts';
import type { RestorePlan } from '../../domain/runs/plan.ts';
import type { World } from '../../ports/world.ts';
import { changeJournal, readJournal } from '../../repository/restore-journal.ts';

type HostWorld = Pick<World, 'hostDirectory'>;

/** The section of the run's journal, begun from the plan where there is none. @throws FolderInTheWay, HostFileDamaged */
export const beginFolders = async (
  world: HostWorld,
  runId: string,
  plan: Pick<RestorePlan, 'folders'>,
): Promise<FoldersJournal> => {
  const standing = await readFolders(world, runId);
  if (standing !== null) return standing;
  return changeFolders(world, runId, () => ({ places: planPlaces(plan.folders, runId), summary: null }));
};

/** The section, or `null` when no folder was begun. @throws HostFileDamaged */
export const readFolders = async (world: HostWorld, runId: string): Promise<FoldersJournal | null> =>
  (await readJournal(world, runId))?.folders ?? null;

/** Writes down where the places of a run are; returns when that is durable. */
export const notePlaces = async (world: HostWorld, runId: string, places: FolderJournal[]): Promise<void> => {
  await changeFolders(world, runId, (folders) => ({ summary: folders?.summary ?? null, places }));
};

export const changeFolders = async (
  world: HostWorld,
  runId: string,
  change: (folders: FoldersJournal | null) => FoldersJournal,
): Promise<FoldersJournal> => {
  const { folders } = await changeJournal(world, runId, (journal) => ({
    ...journal,
    folders: change(journal.folders),
  }));
  return folders!;
};

/** @throws Bug when the folders of the run were never staged */
export const requireStaged = async (world: HostWorld, runId: string): Promise<FoldersJournal> => {
  const folders = await readFolders(world, runId);
  if (folders?.summary != null) return folders;
  throw new OctoError('Bug', `the folders of ${runId} are not staged`);
};
