/** Is there room for what a restore writes beside the folders? Links take none; everything else is counted in full. */
import { statfsSync, statSync } from 'node:fs';
import { OctoError } from '../../domain/errors.ts';
import { type Rows, STATE } from './staged-rows.ts';
import { type Staging, whereIs } from './tree.ts';

export type Lack = { path: string; neededBytes: number; freeBytes: number };

/** The disks that have less room than the staging still needs there. */
export const lacksOf = (staging: Staging, { states }: Pick<Rows, 'states'>): Lack[] => {
  const needed = new Map<string, number>();
  for (const [row, state] of states.entries()) {
    if (state !== STATE.copyable && state !== STATE.absent) continue;
    const { place } = whereIs(staging, staging.index.files.paths[row]!)!;
    needed.set(place.name, (needed.get(place.name) ?? 0) + staging.index.files.size.at(row));
  }
  const disks = Map.groupBy(needed, ([name]) => statSync(existing(staging.places.get(name)!.beside)).dev);
  return [...disks.values()].flatMap((places) => {
    const path = existing(staging.places.get(places[0]![0])!.beside);
    const neededBytes = places.reduce((sum, [, bytes]) => sum + bytes, 0);
    const { bavail, bsize } = statfsSync(path);
    const freeBytes = bavail * bsize;
    return freeBytes < neededBytes ? [{ path, neededBytes, freeBytes }] : [];
  });
};

/** @throws FolderDiskFull */
export const assertRoom = (staging: Staging, rows: Rows): void => {
  const [lack] = lacksOf(staging, rows);
  if (lack !== undefined) {
    throw new OctoError('FolderDiskFull', `not enough space: ${lackPhrase(lack)}`, { facts: lack });
  }
};

/** `the disk of /srv/octopus needs 9.4 GB, has 2.1 GB` */
export const lackPhrase = ({ path, neededBytes, freeBytes }: Lack): string =>
  `the disk of ${path} needs ${gigabytes(neededBytes)}, has ${gigabytes(freeBytes)}`;

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** The folder, or the nearest above it that is there. */
export const existing = (path: string): string => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? existing(path.replace(/[\\/]+[^\\/]+[\\/]*$/, '') || '/') : path;
};
