/**
 * Stores a walked tree: carries over what is known, has the crew pack the rest, and returns the index of it all.
 *
 * Files that change while they are read, or cannot be opened, get a second round; what fails then is a problem with a
 * name. The design follows the measured prototype of the archive: few large objects, nothing read or stored twice.
 * @see docs/format.md
 */
import type { World } from '../../ports/world.ts';
import {
  type ArchiveIndex,
  type Pack,
  addBlock,
  addFile,
  addPiece,
  indexMerger,
  newIndex,
} from '../index/archive-index.ts';
import { type Batch, PACK_BYTES, PIECE_BYTES, divide } from './batches.ts';
import { contentKey } from '../crew/claims.ts';
import { type Ask, type Crew, openCrew, tasksIn } from '../crew/crew.ts';
import type { PackFilesReply, PackedFile, StoredPiece } from '../crew/pack-files.ts';
import type { KnownContent } from './known-content.ts';
import { besideDamaged, storeByContent } from './packs.ts';
import { type Place, type Problem, type Tree, diskPath } from './walk.ts';

export type PackTreeRequest = {
  places: Place[];
  tree: Tree;
  known: KnownContent;
  runId: string;
  /** Microseconds: when the walk began. */
  startedAt: number;
  /** Key prefix of the packs, and those that are there already. */
  packs: string;
  present: ReadonlyMap<string, number>;
  /** Names of packs that were found damaged: nothing is stored under them again. */
  damaged: ReadonlySet<string>;
};

export type Watch = {
  signal?: AbortSignal | undefined;
  onProgress?: (done: { bytes: number; ofBytes: number }) => void;
  /** Called with files and packs that are durable from now on, so that a killed run finds them again. */
  onStored?: (stored: ArchiveIndex) => void;
};

type StoredFile = PackedFile & { state: 'stored' };
type Round = { isLastTry: boolean; claims: SharedArrayBuffer | null };
type Work = ReturnType<typeof beginWork>;

/** `readCount` files had to be read. `isAsWalked`: the index says of every file what the walk saw. */
export type PackedTree = { index: ArchiveIndex; problems: Problem[]; readCount: number; isAsWalked: boolean };

/** The index of the tree. @throws what the store throws */
export const packTree = async (
  world: Pick<World, 'archives' | 'clock'>,
  request: PackTreeRequest,
  watch: Watch,
): Promise<PackedTree> => {
  const work = beginWork(world, request, watch);
  const todo = carryKnown(work);
  if (todo.length > 0) {
    const mostTasks = tasksIn(work.done.ofBytes, todo.length);
    const crew = openCrew({ slotBytes: PACK_BYTES, mostTasks, signal: watch.signal });
    try {
      const claims = request.known.claims(claimCount(request.tree, todo));
      await packRound({ ...work, crew }, divide(request.tree, todo), { isLastTry: false, claims });
      await packRound({ ...work, crew }, divide(request.tree, work.again.splice(0)), { isLastTry: true, claims });
      const unresolved = resolveClaimed(work);
      await packRound({ ...work, crew }, divide(request.tree, unresolved), { isLastTry: true, claims: null });
    } finally {
      await crew.close();
    }
  }
  const isAsWalked = work.otherwise.length === 0 && work.next.files.paths.length === request.tree.files.paths.length;
  return { index: work.next, problems: work.problems, readCount: todo.length, isAsWalked };
};

const beginWork = (world: Pick<World, 'archives' | 'clock'>, request: PackTreeRequest, watch: Watch) => {
  const next = newIndex(request.startedAt);
  next.places = request.places;
  next.directories = request.tree.directories;
  next.links = request.tree.links;
  return {
    world,
    request,
    watch,
    next,
    merge: indexMerger(next),
    problems: [...request.tree.problems],
    /** Indexes of what this run has stored: digests of claimed contents are looked up here. */
    made: [] as ArchiveIndex[],
    /** Files that are stored otherwise than the walk saw them. */
    otherwise: [] as number[],
    /** Files to try once more. */
    again: [] as number[],
    /** Files whose content, or part of it, is stored somewhere else. */
    claimed: [] as { row: number; file: StoredFile }[],
    done: { bytes: 0, ofBytes: 0 },
  };
};

/** Takes over every file that is known; the rows of the others. */
const carryKnown = ({ request: { tree, known }, merge, done }: Work): number[] => {
  const { paths, size, mode, mtime } = tree.files;
  const todo: number[] = [];
  for (const [row, path] of paths.entries()) {
    const file = known.file(path, size.at(row), mtime.at(row));
    if (file !== null) merge.file(file.index, file.row, mode.at(row));
    else {
      todo.push(row);
      done.ofBytes += size.at(row);
    }
  }
  return todo;
};

const claimCount = ({ files }: Tree, rows: number[]): number =>
  rows.reduce((sum, row) => sum + 1 + Math.ceil(files.size.at(row) / PIECE_BYTES), 0) * 2;

const packRound = async (work: Work & { crew: Crew }, batches: Batch[], round: Round): Promise<void> => {
  if (batches.length === 0) return;
  await work.crew.each(batches, (batch, ask) => packBatch(work, batch, { ask, round }));
  await work.crew.settled();
};

const packBatch = async (
  work: Work & { crew: Crew },
  batch: Batch,
  { ask, round }: { ask: Ask; round: Round },
): Promise<void> => {
  const { request, crew } = work;
  const { files } = request.tree;
  const made = newIndex(request.startedAt);
  const input = batch.files.map((row) => ({
    path: diskPath(request.places, request.tree, row),
    size: files.size.at(row),
  }));
  const firstBlocks: number[] = [];
  const uploads: Promise<void>[] = [];
  for (let isUnfinished = true; isUnfinished;) {
    const slot = await crew.takeSlot();
    const reply = await ask('packFiles', { slot, kind: batch.kind, files: input, ...round });
    firstBlocks.push(made.blocks.pack.length);
    const pack = besideDamaged({ bytes: Buffer.from(slot, 0, reply.length), ...reply }, request.damaged);
    addPack(made, reply, { sha256: pack.sha256, sizeBytes: pack.bytes.length, runId: request.runId });
    const upload = storePack(work, { slot, ...pack }, reply);
    crew.background(upload);
    uploads.push(upload);
    for (const [n, file] of reply.files.entries())
      sortFile(work, made, { row: batch.files[n]!, file, firstBlocks, round });
    isUnfinished = reply.isUnfinished;
  }
  work.made.push(made);
  crew.background(Promise.all(uploads).then(() => settleBatch(work, made)));
};

const addPack = (made: ArchiveIndex, reply: PackFilesReply, stored: Pack): void => {
  if (reply.length === 0) return;
  const pack = made.packs.push(stored) - 1;
  for (const block of reply.blocks) addBlock(made, { ...block, pack });
};

const storePack = async (
  { world, request, crew, watch, done }: Work & { crew: Crew },
  { slot, bytes, sha256 }: { slot: SharedArrayBuffer; bytes: Uint8Array; sha256: string },
  reply: PackFilesReply,
): Promise<void> => {
  try {
    if (bytes.length > 0 && request.present.get(sha256) !== bytes.length) {
      await storeByContent(world, `${request.packs}${sha256}`, { bytes, sha256, signal: watch.signal });
    }
  } finally {
    crew.giveSlot(slot);
  }
  done.bytes += reply.blocks.reduce((sum, block) => sum + block.rawLength, 0);
  watch.onProgress?.({ ...done });
};

/** The packs of a batch are durable: so are its files. */
const settleBatch = ({ watch, merge }: Work, made: ArchiveIndex): void => {
  for (const row of made.files.paths.keys()) merge.file(made, row);
  watch.onStored?.(made);
};

type Sorted = { row: number; file: PackedFile; firstBlocks: number[]; round: Round };

/** Puts the outcome of one file where it belongs. */
const sortFile = (work: Work, made: ArchiveIndex, { row, file, firstBlocks, round }: Sorted): void => {
  const path = work.request.tree.files.paths[row]!;
  if (file.state !== 'stored') {
    if (!round.isLastTry) work.again.push(row);
    else work.problems.push({ path, ...refusal(file) });
    return;
  }
  if (file.isUnstable)
    work.problems.push({ path, what: 'changed while it was read; taken as it was read', isLost: false });
  if (file.pieces.some((piece) => piece.block === -1)) work.claimed.push({ row, file });
  else addStored(work, made, { row, file, blockOf: (piece) => firstBlocks[piece.reply]! + piece.block });
};

const refusal = (file: Exclude<PackedFile, StoredFile>): Omit<Problem, 'path'> => {
  if (file.state === 'changed') return { what: 'kept changing', isLost: true };
  if (file.code === 'ENOENT') return { what: 'vanished before it was read', isLost: false };
  return { what: `could not be opened (${file.code})`, isLost: true };
};

type Placed = { row: number; file: StoredFile; blockOf: (piece: StoredPiece) => number };

const addStored = ({ request, otherwise }: Work, into: ArchiveIndex, { row, file, blockOf }: Placed): void => {
  const { files } = request.tree;
  const attributes = {
    path: files.paths[row]!,
    mode: files.mode.at(row),
    // One microsecond early, so that the next backup reads an unstable file again.
    mtime: file.isUnstable ? file.mtime - 1 : file.mtime,
    size: file.size,
    sha256: file.sha256,
  };
  if (attributes.mtime !== files.mtime.at(row) || attributes.size !== files.size.at(row)) otherwise.push(row);
  const [only] = file.pieces;
  if (only !== undefined && only.sha256 === file.sha256) {
    addFile(into, attributes, { block: blockOf(only), offset: only.offset });
    return;
  }
  const added = addFile(into, attributes);
  for (const piece of file.pieces) addPiece(into, added, { ...piece, block: blockOf(piece) });
};

/** Files whose content was stored elsewhere: refers to it there. Rows whose digest was not found in full are returned. */
const resolveClaimed = (work: Work): number[] => {
  if (work.claimed.length === 0) return [];
  const wanted = new Set(work.claimed.flatMap(({ file }) => file.pieces.map(contentKey)));
  const spans = work.request.known.spans(wanted, work.made);
  const unresolved: number[] = [];
  for (const { row, file } of work.claimed) {
    const found = file.pieces.map((piece) => spans.get(contentKey(piece)));
    if (!found.every((span) => span !== undefined)) {
      unresolved.push(row);
      continue;
    }
    const pieces = file.pieces.map((piece, n) => ({ ...piece, offset: found[n]!.offset }));
    const blocks = new Map(pieces.map((piece, n) => [piece, work.merge.block(found[n]!.index, found[n]!.block)]));
    addStored(work, work.next, { row, file: { ...file, pieces }, blockOf: (piece) => blocks.get(piece)! });
  }
  return unresolved;
};
