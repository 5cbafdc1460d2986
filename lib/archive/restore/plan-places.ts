/**
 * How each folder of a server can be exchanged: renamed as a whole where its parent allows that, else entry by entry.
 *
 * Only looks; what it finds is written into the run's journal before anything is made.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { OctoError } from '../../domain/errors.ts';
import { restoreFolders } from '../../domain/names.ts';
import type { FolderJournal } from '../../domain/restores/folders.ts';
import { existing } from './room.ts';

/** A folder of the archive and where it goes on this host. */
export type FolderTarget = { name: string; path: string };

/** The places of a restore before it has begun. @throws FolderInTheWay where a target is no folder */
export const planPlaces = (targets: FolderTarget[], runId: string): FolderJournal[] =>
  targets.map(({ name, path }) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() === false)
      throw new OctoError('FolderInTheWay', `${path} is not a folder`, { facts: { path } });
    // Shared storage is often reached through a link: what is renamed is the folder that it leads to.
    const target = found === undefined ? path : realpathSync(path);
    const way = found !== undefined && !canRename(target) ? 'inside' : 'beside';
    const folders = restoreFolders[way](target, runId);
    return { name, target, way, ...folders, wasThere: found !== undefined, beganAtMs: 0, phase: 'staging' };
  });

/** A mount point cannot be renamed, nor anything in a folder that may not be written to. */
const canRename = (folder: string): boolean =>
  dirname(folder) !== folder && statSync(folder).dev === statSync(dirname(folder)).dev && isWritable(dirname(folder));

/** May this account make and remove names here? Where nothing is yet, the nearest folder above tells. */
export const isWritable = (folder: string): boolean => {
  try {
    accessSync(existing(folder), constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
