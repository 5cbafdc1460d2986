/**
 * Puts staged folders in the place of the server's, and takes that back: renames, each written down before it is made.
 *
 * What lies where is decided by the phase that was written down and by what is there, so either direction goes on after a
 * kill between any two acts. The server is stopped meanwhile; that, and what is staged, is left to others.
 */
import { chmod, lstat, mkdir, readdir, rename, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OctoError } from '../../domain/errors.ts';
import { isRestoreFolder } from '../../domain/names.ts';
import type { FolderJournal, FolderPhase } from '../../domain/restores/folders.ts';
import { syncFolder } from '../../repository/lease/host-file.ts';
import { codeOf } from '../pack/file-status.ts';
import { removeFolder } from './remove-folder.ts';

export type Swapping = {
  /** Writes the places down; returns when that is durable. */
  note: (places: FolderJournal[]) => Promise<void>;
  /** Asked before each act: it may refuse to go on. */
  beat?: () => Promise<void>;
};

type End = 'target' | 'beside' | 'aside';
type Act = { phase: FolderPhase; from: End; to: End };

const EMPTY: Act = { phase: 'emptying', from: 'target', to: 'aside' };
const FILL: Act = { phase: 'filling', from: 'beside', to: 'target' };
const CLEAR: Act = { phase: 'clearing', from: 'target', to: 'beside' };
const REFILL: Act = { phase: 'refilling', from: 'aside', to: 'target' };

/** What is left to do, by how far a place has come. */
type Route = Partial<Record<FolderPhase, Act[]>>;
const THERE: Route = { staged: [EMPTY, FILL], emptying: [EMPTY, FILL], filling: [FILL], swapped: [] };
const BACK: Route = {
  staging: [],
  staged: [],
  // What lies at the target is still the server's own, as far as it has not been put aside.
  emptying: [REFILL],
  filling: [CLEAR, REFILL],
  swapped: [CLEAR, REFILL],
  clearing: [CLEAR, REFILL],
  refilling: [REFILL],
  returned: [],
};

/** Every place holds the archive's content, and its own lies aside. @throws FolderInTheWay, FolderLost */
export const swapFolders = async (places: FolderJournal[], swapping: Swapping): Promise<FolderJournal[]> => {
  for (const { beside } of places.filter(({ phase }) => phase === 'staged')) {
    if (!(await isThere(beside)))
      throw new OctoError('FolderLost', `${beside} is not there`, { facts: { path: beside } });
  }
  return travel(places, { ...swapping, route: THERE, end: 'swapped' });
};

/** Every place holds its own content again, whatever had been swapped. @throws FolderInTheWay, FolderLost */
export const foldersBack = (places: FolderJournal[], swapping: Swapping): Promise<FolderJournal[]> =>
  travel(places, { ...swapping, route: BACK, end: 'returned' });

/**
 * Removes what a restore has left beside the places: the old content of those that are swapped, the staged one of all
 * others. May be asked again. @throws Bug for a place between the two, FolderNotRemovable
 */
export const dropAsideFolders = async (places: FolderJournal[]): Promise<void> => {
  for (const place of places) {
    if (!['staging', 'staged', 'swapped', 'returned'].includes(place.phase)) {
      throw new OctoError('Bug', `${place.target} is ${place.phase}: nothing of it may be removed`);
    }
    if (place.way === 'inside') await removeFolder(dirname(place.beside));
    else await removeFolder(place.phase === 'swapped' ? place.aside : place.beside);
  }
};

type Travel = Swapping & { route: Route; end: FolderPhase };

const travel = async (places: FolderJournal[], { route, end, note, beat }: Travel): Promise<FolderJournal[]> => {
  let all = places;
  const enter = async (at: number, phase: FolderPhase): Promise<void> => {
    if (all[at]!.phase === phase) return;
    all = all.with(at, { ...all[at]!, phase });
    await note(all);
  };
  for (const [at, place] of places.entries()) {
    const acts = route[place.phase];
    if (acts === undefined) throw new OctoError('Bug', `${place.target} is ${place.phase} and cannot become ${end}`);
    for (const act of acts) {
      await beat?.();
      await enter(at, act.phase);
      await (place.way === 'beside' ? renameWhole(place, act) : renameEntries(place, act, beat));
    }
    await enter(at, end);
  }
  return all;
};

const renameWhole = async (place: FolderJournal, act: Act): Promise<void> => {
  const [from, to] = [place[act.from], place[act.to]];
  const [isFromThere, isToThere] = [await isThere(from), await isThere(to)];
  if (!isFromThere) {
    // Done already; or there never was anything to put aside; or the archive's content, which the way back can do without.
    if (isToThere || act === CLEAR || (act !== FILL && !place.wasThere)) return;
    throw new OctoError('FolderLost', `neither ${from} nor ${to} is there`, { facts: { from, to } });
  }
  if (isToThere) {
    // A server that was started in between makes its folders anew: an empty one at the target is in nobody's way.
    await removeEmpty(place.target, from === place.target ? to : from);
    if (act.from === 'target') return;
  }
  await move(from, to);
  await syncFolder(dirname(to));
};

/** The entries of a folder that cannot be renamed itself: those that are still there are those that are left to do. */
const renameEntries = async (place: FolderJournal, act: Act, beat: Swapping['beat']): Promise<void> => {
  const [from, to] = [place[act.from], place[act.to]];
  await mkdir(to, { recursive: true });
  for (const name of await namesIn(from)) {
    if (isRestoreFolder(name.toString())) continue;
    const [entry, goal] = [below(from, name), below(to, name)];
    if (await isThere(goal)) throw inTheWay(goal.toString(), entry.toString());
    await beat?.();
    await move(entry, goal);
  }
  await syncFolder(to);
  if (await isThere(from)) await syncFolder(from);
};

const removeEmpty = async (folder: string, other: string): Promise<void> => {
  try {
    await rmdir(folder);
  } catch (cause) {
    throw inTheWay(folder, other, cause);
  }
};

const inTheWay = (path: string, other: string, cause?: unknown): OctoError =>
  new OctoError('FolderInTheWay', `${path} is in the way of ${other}`, { cause, facts: { path, other } });

const below = (folder: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${folder}/`), name]);

const namesIn = async (folder: string): Promise<Buffer[]> =>
  (await isThere(folder)) ? readdir(folder, { encoding: 'buffer' }) : [];

const isThere = async (path: string | Buffer): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
};

const move = async (from: string | Buffer, to: string | Buffer): Promise<void> => {
  try {
    await rename(from, to).catch((cause: unknown) => moveReadOnly({ from, to, cause }));
  } catch (cause) {
    throw new OctoError('FolderNotMovable', `${String(from)} cannot be renamed to ${String(to)} (${codeOf(cause)})`, {
      cause,
    });
  }
};

type Move = { from: string | Buffer; to: string | Buffer; cause: unknown };

/** A folder that goes to another parent is written to for that: one that forbids it is opened, and closed again there. */
const moveReadOnly = async ({ from, to, cause }: Move): Promise<void> => {
  const stats = await lstat(from);
  if (codeOf(cause) !== 'EACCES' || !stats.isDirectory()) throw cause;
  await chmod(from, stats.mode | 0o200);
  await rename(from, to);
  await chmod(to, stats.mode);
};
