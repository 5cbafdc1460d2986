/**
 * Names what a walk has seen, so that the next walk can tell that all is as it was without taking in the last index: that
 * is most of the work when nothing has changed. A digest stands for an index only if it says the same of every file.
 */
import { createHash } from 'node:crypto';
import { isSettled } from './known-content.ts';
import type { Place, Tree } from './walk.ts';

/** Paths are hashed by the thousand: one text of all of them could be too long for a string. */
const PATHS_AT_A_TIME = 4096;

/** SHA-256 of everything that an index says of a tree, but for the content of its files. */
export const treeDigest = (places: Place[], { files, directories, links }: Tree): string => {
  const sha256 = createHash('sha256').update(JSON.stringify([places, directories, links]));
  for (let row = 0; row < files.paths.length; row += PATHS_AT_A_TIME) {
    sha256.update(files.paths.slice(row, row + PATHS_AT_A_TIME).join('\n')).update('\n');
  }
  for (const column of [files.mode, files.mtime, files.size]) sha256.update(column.bytes());
  return sha256.digest('hex');
};

/** Did no file change so shortly before `startedAt` that a later change may not show in its time? */
export const isTreeSettled = ({ files: { mtime } }: Tree, startedAt: number): boolean => {
  for (let row = 0; row < mtime.length; row++) if (!isSettled(mtime.at(row), startedAt)) return false;
  return true;
};
