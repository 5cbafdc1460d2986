/**
 * Writes the folders of an archive beside those of a server: every file compared with its SHA-256, durable when it returns.
 *
 * A file that is right on the target already is linked or copied from there; only the rest is read from the store. What an
 * earlier attempt has staged is compared again and kept. Nothing of the target itself is changed: see `lib/archive/swap`.
 */
import { OctoError } from '../../domain/errors.ts';
import type { FolderJournal } from '../../domain/restores/folders.ts';
import { archiveKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../../repository/sections.ts';
import { openCrew } from '../crew/crew.ts';
import { codeOf } from '../pack/file-status.ts';
import { openStaging } from './open-archive.ts';
import { assertRoom } from './room.ts';
import { assertLinks } from './safe-index.ts';
import { byLastLook, byStaged, classifyRows, type Rows, settleRows, STATE } from './staged-rows.ts';
import { finishTree, makeFolders, openRoot, type Staging, whereIs } from './tree.ts';
import { writeFiles } from './write-files.ts';

export type StageRequest = {
  at: ArchivePlace;
  places: FolderJournal[];
  /** Only looks for what was changed after it was staged, through a link that it shares with the target. */
  isLastLook?: boolean;
};
export type StageWatch = {
  signal?: AbortSignal | undefined;
  onProgress?: (done: { bytes: number; ofBytes: number }) => void;
};
export type Staged = { fileCount: number; sizeBytes: number; keptCount: number; fetchedBytes: number };

/** Makes the folder that each place is staged in, and notes since when it is there. @throws FolderNotWritable, FolderDiskFull */
export const openRoots = (places: FolderJournal[]): FolderJournal[] =>
  places.map((place) => {
    try {
      const beganAtMs = openRoot(place);
      return place.beganAtMs === 0 ? { ...place, beganAtMs } : place;
    } catch (thrown) {
      throw refusalOf(thrown, place);
    }
  });

/**
 * Stages the places, whose folders `openRoots` has made. May be asked again, also after a kill.
 * @throws PathRefused, LinkRefused, ArchiveDamaged, FolderDiskFull, FolderNotWritable, and what the store throws
 */
export const stageFolders = async (
  world: Pick<World, 'archives'>,
  { at, places, isLastLook = false }: StageRequest,
  watch: StageWatch = {},
): Promise<Staged> => {
  const staging = await openStaging(world, { at, places });
  assertLinks(staging);
  try {
    return await writeStaging(world, { staging, prefix: archiveKeys.packs(at.instance), isLastLook }, watch);
  } catch (thrown) {
    throw watch.signal?.aborted === true ? thrown : refusalOf(thrown, places[0]!);
  }
};

type Writing = { staging: Staging; prefix: string; isLastLook: boolean };

const writeStaging = async (
  world: Pick<World, 'archives'>,
  { staging, prefix, isLastLook }: Writing,
  { signal, onProgress }: StageWatch,
): Promise<Staged> => {
  const { index } = staging;
  makeFolders(staging);
  const rows = await classifyRows(staging, { decide: isLastLook ? byLastLook : byStaged, signal });
  const crew = openCrew({ slotBytes: 0, mostTasks: index.files.paths.length, signal });
  let bytes = 0;
  const advance = (more: number): void => onProgress?.({ bytes: (bytes += more), ofBytes: rows.sizeBytes });
  const settle = (state: number): Promise<void> => settleRows(staging, rows, { crew, state, advance });
  try {
    await settle(STATE.staged);
    assertRoom(staging, rows);
    await settle(STATE.linkable);
    await settle(STATE.copyable);
    const [keptCount, fetchedBytes] = [rows.keptCount, bytesOf(rows, index, STATE.absent)];
    await writeFiles(
      world,
      { index, prefix },
      {
        signal,
        onRead: advance,
        isPrivate: true,
        pathOf: (row) => (rows.states[row] === STATE.absent ? whereIs(staging, index.files.paths[row]!)!.staged : null),
      },
    );
    // Counted as it was read.
    await settleRows(staging, rows, { crew, state: STATE.absent, advance: () => undefined });
    await finishTree(staging);
    return { fileCount: rows.fileCount, sizeBytes: rows.sizeBytes, keptCount, fetchedBytes };
  } finally {
    await crew.close();
  }
};

const bytesOf = ({ states }: Rows, { files }: Staging['index'], state: number): number =>
  states.reduce((sum, each, row) => (each === state ? sum + files.size.at(row) : sum), 0);

/** What the file system says about a place, in our words. */
const refusalOf = (thrown: unknown, { beside }: FolderJournal): unknown => {
  if (thrown instanceof OctoError) return thrown;
  const facts = { path: beside };
  const code = codeOf(thrown);
  if (['ENOSPC', 'EDQUOT'].includes(code))
    return new OctoError('FolderDiskFull', `no space is left for ${beside}`, { cause: thrown, facts });
  if (['EACCES', 'EPERM', 'EROFS'].includes(code))
    return new OctoError('FolderNotWritable', `${beside} cannot be written (${code})`, { cause: thrown, facts });
  return thrown;
};
