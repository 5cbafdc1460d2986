/**
 * One pass over the folders of an instance: walks, compares with what is known, stores the rest, stores the index.
 *
 * Known is what this host's last pass has stored, what a killed pass had stored, or, on a new host, the last archive. The
 * second pass of a backup runs the same way and so takes only what changed since the first.
 */
import { OctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { listArchives } from '../repository/catalog.ts';
import { damagedNames } from '../repository/damage.ts';
import type { ArchiveIndex, Pack } from './index/archive-index.ts';
import type { Numbers } from './index/columns.ts';
import { type HostIndexes, hostIndexes } from './index/host-indexes.ts';
import { encodeIndex } from './index/index-text.ts';
import { knownContent } from './pack/known-content.ts';
import { type Watch, packTree } from './pack/pack-tree.ts';
import { listPacks, readIndex, sha256Hex, storeIndex } from './pack/packs.ts';
import { type Place, type Problem, walk } from './pack/walk.ts';

export type PackFoldersRequest = { instance: string; runId: string; pass: 'first' | 'second'; places: Place[] };

export type PackedFolders = {
  indexKey: string;
  indexSha256: string;
  places: { name: string; path: string; fileCount: number; sizeBytes: number }[];
  fileCount: number;
  sizeBytes: number;
  /** What this run added to the store. */
  addedBytes: number;
  /** Files that were opened in this pass. */
  readCount: number;
  problems: Problem[];
};

type Host = Pick<World, 'archives' | 'clock' | 'hostDirectory'>;
/** `bytes` is `null` where the index came from the store, not from this host. */
type Before = { index: ArchiveIndex; bytes: Buffer | null };

/** @throws FolderMissing, FolderUnreadable, FolderEmptied, and what the store throws */
export const packFolders = async (
  world: Host,
  request: PackFoldersRequest,
  watch: Watch = {},
): Promise<PackedFolders> => {
  const { instance, runId, places } = request;
  const host = hostIndexes(world.hostDirectory, instance);
  const startedAt = world.clock.now().getTime() * 1000;
  const damaged = await damagedNames(world, instance);
  const before = (await host.latest()) ?? (await lastArchived(world, instance, damaged));
  const tree = await walk(places, watch.signal);
  assertNotEmptied(before, sumByPlace(places, tree.files));

  const packs = archiveKeys.packs(instance);
  // The first pass has asked a moment ago, and sealing asks again.
  const present = request.pass === 'first' ? await listPacks(world, packs) : null;
  const isSound = ({ sha256, sizeBytes }: Pack): boolean =>
    !damaged.has(sha256) && (present === null || present.get(sha256) === sizeBytes);
  const known = knownContent([...(await host.journal()), ...(before === null ? [] : [before.index])], isSound);
  // An index that is damaged in the store is written anew under another name, which another time in it gives.
  const repeatable = before?.bytes && damaged.has(sha256Hex(before.bytes)) ? null : before;
  const journal = journalOf(host);
  const packed = await packTree(
    world,
    {
      runId,
      places,
      tree,
      known,
      before: repeatable?.index ?? null,
      startedAt,
      packs,
      present: present ?? new Map(),
      damaged,
    },
    { ...watch, onStored: journal.note },
  );
  await journal.written();
  const stored = await storeFolderIndex(world, { ...request, ...packed, before, host });
  const sums = sumByPlace(places, packed.index.files);
  return { ...stored, ...total(sums), places: sums, readCount: packed.readCount, problems: packed.problems };
};

/** Notes are written one after the other, beside the packing. */
const journalOf = (host: HostIndexes) => {
  let last = Promise.resolve();
  return {
    note: (stored: ArchiveIndex): void => {
      last = last.then(() => host.note(stored));
      // The failure is met by `written`.
      last.catch(() => undefined);
    },
    written: (): Promise<void> => last,
  };
};

/** On a host that has no index of its own: that of the newest archive whose index is sound. */
const lastArchived = async (world: Host, instance: string, damaged: Set<string>): Promise<Before | null> => {
  for await (const { folders } of listArchives(world, instance)) {
    if (damaged.has(folders.indexSha256)) continue;
    return { index: await readIndex(world, folders), bytes: null };
  }
  return null;
};

type Finished = PackFoldersRequest & {
  index: ArchiveIndex;
  before: Before | null;
  host: HostIndexes;
  isUnchanged: boolean;
};

/** Stores the index, then makes it this host's latest: what is on the host is in the store as well. */
const storeFolderIndex = async (world: Host, { instance, runId, pass, index, before, host, isUnchanged }: Finished) => {
  const isLatest = isUnchanged && before !== null && before.bytes !== null;
  const bytes = isLatest ? before.bytes! : encodeIndex(index);
  const indexSha256 = sha256Hex(bytes);
  const stored =
    isLatest && pass === 'second'
      ? { indexKey: archiveKeys.index(instance, indexSha256), indexSha256 }
      : await storeIndex(world, instance, bytes);
  if (!isLatest) await host.finish(bytes);
  return { ...stored, addedBytes: addedBytes(index, { runId, indexBytes: bytes.length }) };
};

/** What a run added to the store: its packs, and the index if it has any. The same however often the run was killed. */
export const addedBytes = (index: ArchiveIndex, by: { runId: string; indexBytes: number }): number => {
  const sizes = index.packs.filter(({ runId }) => runId === by.runId).map(({ sizeBytes }) => sizeBytes);
  return sizes.length === 0 ? 0 : sizes.reduce((sum, size) => sum + size, by.indexBytes);
};

type PlaceSum = Place & { fileCount: number; sizeBytes: number };

const sumByPlace = (places: Place[], files: { paths: string[]; size: Numbers }): PlaceSum[] => {
  const sums = new Map(places.map((place) => [place.name, { ...place, fileCount: 0, sizeBytes: 0 }]));
  for (const [row, path] of files.paths.entries()) {
    const sum = sums.get(path.slice(0, path.indexOf('/')));
    if (sum === undefined) continue;
    sum.fileCount++;
    sum.sizeBytes += files.size.at(row);
  }
  return [...sums.values()];
};

const total = (sums: PlaceSum[]): { fileCount: number; sizeBytes: number } => ({
  fileCount: sums.reduce((sum, place) => sum + place.fileCount, 0),
  sizeBytes: sums.reduce((sum, place) => sum + place.sizeBytes, 0),
});

/** An unmounted disk looks like an empty folder: a backup of it would be called good and be worth nothing. */
const assertNotEmptied = (before: Before | null, now: PlaceSum[]): void => {
  if (before === null) return;
  for (const earlier of sumByPlace(now, before.index.files)) {
    const { fileCount } = now.find(({ name }) => name === earlier.name)!;
    if (earlier.fileCount > 0 && fileCount === 0) {
      throw new OctoError('FolderEmptied', `folder ${earlier.name} held ${earlier.fileCount} files and is empty now`, {
        facts: { folder: earlier.name, path: earlier.path },
      });
    }
  }
};
