/**
 * The folders and links of staged places: made before the files, and made final after them.
 *
 * Modes come last, the deepest folder first, since one that may not be entered hides those below it.
 */
import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { FolderJournal } from '../../domain/restores/folders.ts';
import { syncFolder } from '../../repository/lease/host-file.ts';
import type { Owner } from '../crew/settle-files.ts';
import type { ArchiveIndex } from '../index/archive-index.ts';
import { pathBelow, pathBytes } from '../index/path-text.ts';
import { modeOf } from './write-files.ts';

/** Where the paths of an index come to lie, for the places that are restored; `null` for all others. */
export type Staging = {
  index: ArchiveIndex;
  places: ReadonlyMap<string, FolderJournal>;
  /** Who the staged files are given to, by place; `null` leaves them to the worker's account. */
  owners: ReadonlyMap<string, Owner | null>;
};

/** The name of the place that a path of the index begins with. */
export const placeOf = (path: string): string => path.split('/', 1)[0]!;

/** Where `path` lies on the disk: `staged`, and `present` on the target as it is now. */
export const whereIs = ({ places }: Pick<Staging, 'places'>, path: string) => {
  const name = placeOf(path);
  const place = places.get(name);
  if (place === undefined) return null;
  const below = path.slice(name.length + 1);
  return { place, staged: pathBelow(place.beside, below), present: pathBelow(place.target, below) };
};

/** Only root may give files away: to whom the server's own folder belongs. */
export const ownerOf = ({ wasThere, target }: FolderJournal): Owner | null => {
  if (process.getuid?.() !== 0 || !wasThere) return null;
  const { uid, gid } = statSync(target);
  return { uid, gid };
};

/** Makes the root of a place, or finds it; since when it is there, in ms by the file system's clock. */
export const openRoot = ({ beside }: FolderJournal): number => {
  mkdirSync(dirname(beside), { recursive: true });
  mkdirSync(beside, { recursive: true, mode: 0o700 });
  return lstatSync(beside).mtimeMs;
};

/** Every folder that the files and links need, open to the worker until `finishTree`. */
export const makeFolders = (staging: Staging): void => {
  for (const path of foldersOf(staging)) {
    const { staged } = whereIs(staging, path)!;
    if (mkdirSync(staged, { recursive: true, mode: 0o700 }) === undefined) chmodSync(staged, 0o700);
  }
};

/** Links, then owners and modes of the folders; all names are durable afterwards. */
export const finishTree = async (staging: Staging): Promise<void> => {
  const { directories, links } = staging.index;
  for (const { path, target } of links) makeLink(staging, path, target);
  const modes = new Map(directories.map(({ path, mode }) => [path, modeOf(mode)]));
  for (const path of foldersOf(staging).toSorted().toReversed()) {
    const { place, staged } = whereIs(staging, path)!;
    await syncFolder(staged);
    const owner = staging.owners.get(place.name) ?? null;
    if (owner !== null) chownSync(staged, owner.uid, owner.gid);
    chmodSync(staged, modes.get(path) ?? 0o755);
  }
  for (const place of staging.places.values()) await finishRoot(staging, place);
};

/** Folders of the places that are staged: those the index names, and those its files and links lie in. */
const foldersOf = ({ index, places }: Staging): string[] => {
  const folders = new Set(index.directories.map(({ path }) => path));
  for (const path of [...index.files.paths, ...index.links.map((link) => link.path)]) {
    for (let parent = parentOf(path); !folders.has(parent); parent = parentOf(parent)) folders.add(parent);
  }
  return [...folders].filter((path) => path.includes('/') && places.has(placeOf(path)));
};

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** The root of a place has no line in the index: it becomes what the server's own is. */
const finishRoot = async (staging: Staging, place: FolderJournal): Promise<void> => {
  await syncFolder(place.beside);
  const owner = staging.owners.get(place.name) ?? null;
  if (owner !== null) chownSync(place.beside, owner.uid, owner.gid);
  chmodSync(place.beside, place.wasThere ? statSync(place.target).mode & 0o7777 : 0o755);
  await syncFolder(dirname(place.beside));
};

/** Is there a link at `path` with just this text? */
export const isLinkTo = (path: string | Buffer, target: string): boolean => {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return false;
  return readlinkSync(path, { encoding: 'buffer' }).equals(Buffer.from(pathBytes(target)));
};

const makeLink = (staging: Staging, path: string, target: string): void => {
  const found = whereIs(staging, path);
  if (found === null) return;
  const { staged, place } = found;
  if (isLinkTo(staged, target)) return;
  rmSync(staged, { force: true });
  symlinkSync(pathBytes(target), staged);
  const owner = staging.owners.get(place.name) ?? null;
  if (owner !== null) lchownSync(staged, owner.uid, owner.gid);
};
