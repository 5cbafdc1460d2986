/**
 * Lists the files below the places of an instance, without opening any.
 *
 * Links are noted, never followed. What cannot be listed is a problem with a name, not a reason to stop; a place that is
 * not there at all is one.
 */
import { lstatSync, readdirSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { OctoError } from '../../domain/errors.ts';
import { isRestoreFolder } from '../../domain/names.ts';
import { type Numbers, numbers } from '../index/columns.ts';
import { codeOf, microseconds } from './file-status.ts';
import { pathBelow, pathText } from '../index/path-text.ts';

export type Place = { name: string; path: string };
/** `isLost`: the file is there and is not in the archive. */
export type Problem = { path: string; what: string; isLost: boolean };

/** Paths begin with the name of their place; times in microseconds. `files.place` is the row of the place. */
export type Tree = {
  files: { paths: string[]; place: Numbers; mode: Numbers; mtime: Numbers; size: Numbers };
  directories: { mode: number; path: string }[];
  links: { target: string; path: string }[];
  problems: Problem[];
};

/** So many directories are listed before the event loop gets a turn: heartbeats must not starve. */
const DIRECTORIES_PER_TURN = 64;

/** Everything below `places`, in a fixed order. @throws FolderMissing, FolderUnreadable */
export const walk = async (places: Place[], signal?: AbortSignal): Promise<Tree> => {
  const tree: Tree = {
    files: { paths: [], place: numbers(), mode: numbers(), mtime: numbers(), size: numbers() },
    directories: [],
    links: [],
    problems: [],
  };
  let listed = 0;
  for (const [row, place] of places.entries()) {
    assertThere(place);
    const pending = [''];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      pending.push(...listDirectory(tree, { row, place, directory }).toReversed());
      if (++listed % DIRECTORIES_PER_TURN === 0) await setImmediate();
      signal?.throwIfAborted();
    }
  }
  return tree;
};

/** Where the file of a walked tree lies on the disk. */
export const diskPath = (places: Place[], tree: Tree, file: number): Buffer | string => {
  const place = places[tree.files.place.at(file)]!;
  return pathBelow(place.path, tree.files.paths[file]!.slice(place.name.length + 1));
};

const assertThere = ({ name, path }: Place): void => {
  const facts = { folder: name, path };
  let stats;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) readdirSync(path);
  } catch (cause) {
    throw new OctoError('FolderUnreadable', `folder ${name} cannot be listed: ${path}`, { cause, facts });
  }
  if (stats?.isDirectory() !== true) {
    throw new OctoError('FolderMissing', `folder ${name} is not there: ${path}`, { facts });
  }
};

/** Adds the entries of one directory to the tree; the paths of its directories, below the place. */
const listDirectory = (tree: Tree, at: { row: number; place: Place; directory: string }): string[] => {
  const { place, directory } = at;
  const below: string[] = [];
  let names;
  try {
    names = readNames(directory === '' ? place.path : pathBelow(place.path, directory));
  } catch (cause) {
    tree.problems.push({
      path: `${place.name}/${directory}`,
      isLost: codeOf(cause) !== 'ENOENT',
      what: `the folder cannot be listed (${codeOf(cause)})`,
    });
    return below;
  }
  for (const name of names) {
    if (directory === '' && isRestoreFolder(name)) continue;
    const relative = directory === '' ? name : `${directory}/${name}`;
    const path = `${place.name}/${relative}`;
    const onDisk = pathBelow(place.path, relative);
    try {
      const stats = lstatSync(onDisk);
      if (stats.isFile()) addFile(tree, { path, stats, row: at.row });
      else if (stats.isDirectory()) below.push(relative);
      if (stats.isDirectory()) tree.directories.push({ path, mode: stats.mode & 0o7777 });
      else if (stats.isSymbolicLink()) {
        tree.links.push({ path, target: pathText(readlinkSync(onDisk, { encoding: 'buffer' })) });
      } else if (!stats.isFile())
        tree.problems.push({ path, isLost: false, what: 'neither a file, a folder nor a link; left out' });
    } catch (cause) {
      tree.problems.push({ path, isLost: codeOf(cause) !== 'ENOENT', what: `cannot be looked at (${codeOf(cause)})` });
    }
  }
  return below;
};

const addFile = ({ files }: Tree, { path, stats, row }: { path: string; stats: Stats; row: number }): void => {
  files.paths.push(path);
  files.place.push(row);
  files.mode.push(stats.mode & 0o7777);
  files.mtime.push(microseconds(stats));
  files.size.push(stats.size);
};

/** Names as index text, sorted. Names that are no UTF-8 decode to U+FFFD, then the directory is read again as bytes. */
const readNames = (directory: Buffer | string): string[] => {
  const names = readdirSync(directory);
  if (!names.some((name) => name.includes('\uFFFD'))) return names.map(pathText).sort();
  return readdirSync(directory, { encoding: 'buffer' }).map(pathText).sort();
};
