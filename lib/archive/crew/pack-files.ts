/**
 * Packs the files of one batch: reads, hashes, leaves out what is stored already, compresses. Runs in a worker thread.
 *
 * A file that is not the same before and after it was read is `changed`: the caller asks again, and on the last try
 * takes it as it was read. @see docs/format.md §3
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type Batch, PIECE_BYTES, isCompressed } from '../pack/batches.ts';
import { codeOf, microseconds } from '../pack/file-status.ts';
import { type Content, claim, prefixOf } from './claims.ts';
import { type PackWriter, type WrittenPack, packWriter, sha256Of } from './pack-writer.ts';

export type PackFilesInput = {
  slot: SharedArrayBuffer;
  kind: Batch['kind'];
  files: { path: string | Uint8Array; size: number }[];
  /** Take a changing file as it was read. */
  isLastTry: boolean;
  /** Contents known so far; `null` stores everything. */
  claims: SharedArrayBuffer | null;
};

/** `block` counts the blocks of this reply, or is -1 where the content was claimed by someone else; `slot` counts replies. */
export type StoredPiece = {
  reply: number;
  block: number;
  position: number;
  offset: number;
  length: number;
  sha256: string;
  /** A whole file, found again by its own digest; a piece of a large one, by that of its block. */
  isWhole: boolean;
};
export type PackedFile =
  | { state: 'stored'; sha256: string; size: number; mtime: number; isUnstable: boolean; pieces: StoredPiece[] }
  | { state: 'changed' }
  | { state: 'failed'; code: string };
/** `isUnfinished`: the large file goes on in the next slot. */
export type PackFilesReply = WrittenPack & { files: PackedFile[]; isUnfinished: boolean };

/** Small texts are compressed together until a block has this size. */
const SOLID_BYTES = 1 << 20;
/** The file is opened as what it was listed as: never through a link put there since, never waiting for a pipe. */
const READ_ONLY = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

let scratch: Buffer | null = null;
/** Where blocks are put together: one per thread, as jobs run one after the other. */
export const scratchBuffer = (): Buffer => (scratch ??= Buffer.alloc(PIECE_BYTES));

export const packFiles = (input: PackFilesInput): PackFilesReply => {
  const pack = packWriter(input.slot);
  if (input.kind === 'large') return packLargeFile(pack, input);
  const files = input.kind === 'raw' ? packRawFiles(pack, input) : packSolidFiles(pack, input);
  return { ...pack.finish(), files, isUnfinished: false };
};

type ReadFile = { bytes: Buffer; mtime: number; isUnstable: boolean };

/** Reads a small file into `room`. */
const readInto = (room: Buffer, file: PackFilesInput['files'][number], isLastTry: boolean): ReadFile | PackedFile => {
  try {
    const opened = openSync(pathOf(file), READ_ONLY);
    try {
      const before = fstatSync(opened);
      if (!isLastTry && before.size !== file.size) return { state: 'changed' };
      const length = readFully(opened, room.subarray(0, file.size), 0);
      const isUnstable = length !== before.size || !isSame(before, fstatSync(opened));
      if (isUnstable && !isLastTry) return { state: 'changed' };
      return { bytes: room.subarray(0, length), mtime: microseconds(before), isUnstable };
    } finally {
      closeSync(opened);
    }
  } catch (cause) {
    return { state: 'failed', code: codeOf(cause) };
  }
};

const pathOf = ({ path }: { path: string | Uint8Array }): string | Buffer =>
  typeof path === 'string' ? path : Buffer.from(path);

const isSame = (a: Stats, b: Stats): boolean => a.size === b.size && a.mtimeMs === b.mtimeMs;

/** Reads until `room` is full or the file ends. */
export const readFully = (opened: number, room: Buffer, position: number): number => {
  let length = 0;
  while (length < room.length) {
    const read = readSync(opened, room, length, room.length - length, position + length);
    if (read === 0) break;
    length += read;
  }
  return length;
};

const isClaimed = (claims: SharedArrayBuffer | null, { sha256, isWhole }: Content): boolean =>
  claims !== null && !claim(claims, { prefix: prefixOf(sha256), isWhole });

/** The file as one piece of the block that is being put together, or as a piece that someone else has. */
const storedWhole = (read: ReadFile, piece: { sha256: string; block: number; offset: number }): PackedFile => {
  const size = read.bytes.length;
  const pieces = size === 0 ? [] : [{ reply: 0, position: 0, length: size, isWhole: true, ...piece }];
  return { state: 'stored', sha256: piece.sha256, size, mtime: read.mtime, isUnstable: read.isUnstable, pieces };
};

const packRawFiles = (pack: PackWriter, input: PackFilesInput): PackedFile[] => {
  let run = 0;
  const closeBlock = (): void => {
    if (run > 0) pack.keep(run);
    run = 0;
  };
  const packed = input.files.map((file) => {
    if (run + file.size > PIECE_BYTES) closeBlock();
    const read = readInto(pack.rest().subarray(run), file, input.isLastTry);
    if ('state' in read) return read;
    const sha256 = sha256Of(read.bytes);
    if (read.bytes.length > 0 && isClaimed(input.claims, { sha256, isWhole: true })) {
      return storedWhole(read, { sha256, block: -1, offset: 0 });
    }
    const stored = storedWhole(read, { sha256, block: pack.nextBlock(), offset: run });
    run += read.bytes.length;
    return stored;
  });
  closeBlock();
  return packed;
};

const packSolidFiles = (pack: PackWriter, input: PackFilesInput): PackedFile[] => {
  const block = scratchBuffer();
  let length = 0;
  const closeBlock = (): void => {
    if (length > 0) pack.add(block.subarray(0, length));
    length = 0;
  };
  const packed = input.files.map((file) => {
    if (length + file.size > SOLID_BYTES) closeBlock();
    const read = readInto(block.subarray(length), file, input.isLastTry);
    if ('state' in read) return read;
    const sha256 = sha256Of(read.bytes);
    if (read.bytes.length > 0 && isClaimed(input.claims, { sha256, isWhole: true })) {
      return storedWhole(read, { sha256, block: -1, offset: 0 });
    }
    const stored = storedWhole(read, { sha256, block: pack.nextBlock(), offset: length });
    length += read.bytes.length;
    return stored;
  });
  closeBlock();
  return packed;
};

/** A large file goes through several packs; this is where it stands between two of them. */
type LargeFile = { opened: number; before: Stats; position: number; hash: Hash; pieces: StoredPiece[]; reply: number };
let large: LargeFile | null = null;

const packLargeFile = (pack: PackWriter, input: PackFilesInput): PackFilesReply => {
  const file = input.files[0]!;
  const finish = (packed: PackedFile): PackFilesReply => {
    if (large !== null) closeSync(large.opened);
    large = null;
    return { ...pack.finish(), files: [packed], isUnfinished: false };
  };
  try {
    large ??= openLarge(pathOf(file));
    if (!input.isLastTry && large.before.size !== file.size) return finish({ state: 'changed' });
    const length = packPieces(pack, large, input);
    if (length === 'no-room') {
      large.reply++;
      return { ...pack.finish(), files: [], isUnfinished: true };
    }
    const { before, position, pieces } = large;
    const isUnstable = position !== before.size || !isSame(before, fstatSync(large.opened));
    if (isUnstable && !input.isLastTry) return finish({ state: 'changed' });
    const sha256 = large.hash.digest('hex');
    return finish({ state: 'stored', sha256, size: position, mtime: microseconds(before), isUnstable, pieces });
  } catch (cause) {
    return finish({ state: 'failed', code: codeOf(cause) });
  }
};

const openLarge = (path: string | Buffer): LargeFile => {
  const opened = openSync(path, READ_ONLY);
  return { opened, before: fstatSync(opened), position: 0, hash: createHash('sha256'), pieces: [], reply: 0 };
};

/** Adds pieces to the pack until the file ends or there is no room for another. */
const packPieces = (pack: PackWriter, file: LargeFile, input: PackFilesInput): 'no-room' | 'end' => {
  const raw = scratchBuffer();
  const isRaw = isCompressed(pathOf(input.files[0]!).toString());
  while (file.position < file.before.size) {
    if (pack.rest().length < PIECE_BYTES) return 'no-room';
    const wanted = Math.min(PIECE_BYTES, file.before.size - file.position);
    const length = readFully(file.opened, raw.subarray(0, wanted), file.position);
    if (length === 0) break;
    const bytes = raw.subarray(0, length);
    const sha256 = sha256Of(bytes);
    file.hash.update(bytes);
    const block = isClaimed(input.claims, { sha256, isWhole: false }) ? -1 : pack.nextBlock();
    if (block !== -1) pack.add(bytes, { isCompressed: isRaw, sha256 });
    file.pieces.push({ reply: file.reply, block, position: file.position, offset: 0, length, sha256, isWhole: false });
    file.position += length;
    // The file got shorter; what may have been appended since would not lie on a multiple of 512.
    if (length < wanted) break;
  }
  return 'end';
};
