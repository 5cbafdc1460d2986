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
import { type HostIndexes, type LatestIndex, hostIndexes } from './index/host-indexes.ts';
import { encodeIndex, packsOfIndex } from './index/index-text.ts';
import { knownContent } from './pack/known-content.ts';
import { type Watch, packTree } from './pack/pack-tree.ts';
import { listPacks, readIndex, storeIndex } from './pack/packs.ts';
import { isTreeSettled, treeDigest } from './pack/tree-digest.ts';
import { type Place, type Problem, type Tree, walk } from './pack/walk.ts';

export type PackFoldersRequest = {
  instance: string;
  runId: string;
  pass: 'first' | 'second';
  places: Place[];
  /** SHA-256 of packs and indexes that are about to be removed: treated like damaged ones. */
  avoid?: ReadonlySet<string>;
  /** Leaves out what the other backups take: this host goes on comparing with the last whole pass. */
  isPartial?: boolean;
};

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
type Pass = {
  world: Host;
  request: PackFoldersRequest;
  host: HostIndexes;
  latest: LatestIndex | null;
  startedAt: number;
  tree: Tree;
  digest: string;
};
type Passed = Pick<PackedFolders, 'indexKey' | 'indexSha256' | 'addedBytes' | 'readCount' | 'problems'> & {
  files: FileColumns;
};

/** @throws FolderMissing, FolderUnreadable, FolderEmptied, and what the store throws */
export const packFolders = async (
  world: Host,
  request: PackFoldersRequest,
  watch: Watch = {},
): Promise<PackedFolders> => {
  const { instance, places } = request;
  const startedAt = world.clock.now().getTime() * 1000;
  const host = hostIndexes(world.hostDirectory, instance);
  const latest = await host.latest();
  const tree = await walk(places, watch.signal);
  const pass = { world, request, host, latest, startedAt, tree, digest: treeDigest(places, tree) };
  const { files, ...passed } = (await carryOver(pass)) ?? (await packAnew(pass, watch));
  const sums = sumByPlace(places, files);
  return { ...passed, ...total(sums), places: sums };
};

/** The last pass saw just this tree, and the store has it all: its index is that of this pass too. Else `null`. */
const carryOver = async (pass: Pass): Promise<Passed | null> => {
  const { world, request, host, latest, tree, digest } = pass;
  const { instance, runId } = request;
  if (latest?.note?.tree !== digest) return null;
  const { bytes, sha256: indexSha256, note } = latest;
  const indexKey = archiveKeys.index(instance, indexSha256);
  const passed = { indexKey, indexSha256, readCount: 0, problems: tree.problems, files: tree.files };
  // What is to be avoided may have been named since the first pass.
  if (isAsked(pass) && !request.avoid?.size) return { ...passed, addedBytes: note.addedBytes };
  const { damaged, isSound } = await askStore(pass);
  const packs = packsOfIndex(bytes);
  if (damaged.has(indexSha256) || !packs.every(isSound)) return null;
  const stored = await world.archives.head(indexKey);
  if (stored?.sizeBytes !== bytes.length) await storeIndex(world, instance, bytes);
  const added = addedBytes(packs, { runId, indexBytes: bytes.length });
  await host.remark({ ...note, runId, addedBytes: added });
  return { ...passed, addedBytes: added };
};

/** Takes over what is known, stores the rest, then the index of both, and makes it this host's latest. */
const packAnew = async (pass: Pass, watch: Watch): Promise<Passed> => {
  const { world, request, host, latest, startedAt, tree, digest } = pass;
  const { instance, runId, places } = request;
  const { damaged, present, isSound } = await askStore(pass);
  const before = latest?.index() ?? (await lastArchived(world, instance, damaged));
  assertNotEmptied(before, sumByPlace(places, tree.files));
  const known = knownContent([...(await host.journal()), ...(before === null ? [] : [before])], isSound);
  const journal = journalOf(host);
  const packed = await packTree(
    world,
    { runId, places, tree, known, startedAt, packs: archiveKeys.packs(instance), present, damaged },
    { ...watch, onStored: journal.note },
  );
  await journal.written();
  const { index, problems, readCount } = packed;
  const bytes = encodeIndex(index);
  const stored = await storeIndex(world, instance, bytes);
  const added = addedBytes(index.packs, { runId, indexBytes: bytes.length });
  const isAsSeen = packed.isAsWalked && isTreeSettled(tree, startedAt);
  if (request.isPartial !== true) {
    await host.finish(bytes);
    await host.remark({ indexSha256: stored.indexSha256, tree: isAsSeen ? digest : '', runId, addedBytes: added });
  }
  return { ...stored, addedBytes: added, readCount, problems, files: index.files };
};

/** Has the first pass of this run asked the store a moment ago? Sealing asks again. */
const isAsked = ({ request, latest }: Pass): boolean =>
  request.pass === 'second' && latest?.note?.runId === request.runId;

const askStore = async (pass: Pass) => {
  const { world, request } = pass;
  const damaged = await damagedNames(world, request.instance, request.avoid);
  const present = isAsked(pass) ? null : await listPacks(world, archiveKeys.packs(request.instance));
  const isSound = ({ sha256, sizeBytes }: Pack): boolean =>
    !damaged.has(sha256) && (present === null || present.get(sha256) === sizeBytes);
  return { damaged, present: present ?? new Map<string, number>(), isSound };
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
const lastArchived = async (world: Host, instance: string, damaged: Set<string>): Promise<ArchiveIndex | null> => {
  for await (const { folders } of listArchives(world, instance)) {
    if (!damaged.has(folders.indexSha256)) return readIndex(world, folders);
  }
  return null;
};

/** What a run added to the store: its packs, and the index if it has any. The same however often the run was killed. */
export const addedBytes = (packs: Pack[], by: { runId: string; indexBytes: number }): number => {
  const sizes = packs.filter(({ runId }) => runId === by.runId).map(({ sizeBytes }) => sizeBytes);
  return sizes.length === 0 ? 0 : sizes.reduce((sum, size) => sum + size, by.indexBytes);
};

type FileColumns = { paths: string[]; size: Numbers };
type PlaceSum = Place & { fileCount: number; sizeBytes: number };

const sumByPlace = (places: Place[], files: FileColumns): PlaceSum[] => {
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
const assertNotEmptied = (before: ArchiveIndex | null, now: PlaceSum[]): void => {
  if (before === null) return;
  for (const earlier of sumByPlace(now, before.files)) {
    const { fileCount } = now.find(({ name }) => name === earlier.name)!;
    if (earlier.fileCount > 0 && fileCount === 0) {
      throw new OctoError('FolderEmptied', `folder ${earlier.name} held ${earlier.fileCount} files and is empty now`, {
        facts: { folder: earlier.name, path: earlier.path },
      });
    }
  }
};
