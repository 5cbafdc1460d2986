/**
 * Takes blocks apart: unpacks, compares every file and piece with its SHA-256, writes those that are wanted on the disk.
 * Runs in a worker thread. Nothing is written that was not compared first.
 */
import { closeSync, fchmodSync, futimesSync, openSync, writeSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { sha256Of } from './pack-writer.ts';
import { release } from './release.ts';

/** Where a span of a block goes on the disk. A whole file is created, with mode and time; a piece goes into one that exists. */
export type Write = { path: string | Uint8Array; position: number; whole: { mode: number; mtime: number } | null };
/** `sha256` is `''` for a span that only the digest of its block covers. */
export type WantedSpan = { offset: number; length: number; sha256: string; writes: Write[] };
export type WantedBlock = {
  at: number;
  length: number;
  isPacked: boolean;
  rawLength: number;
  sha256: string;
  spans: WantedSpan[];
};
export type UnpackInput = {
  slot: SharedArrayBuffer;
  length: number;
  /** Of all `length` bytes; `null` where only a part of the pack was read. */
  packSha256: string | null;
  blocks: WantedBlock[];
};

/** What is wrong with the bytes, or `null`: the first damage tells enough. */
export const unpackBlocks = (input: UnpackInput): string | null => {
  const bytes = Buffer.from(input.slot, 0, input.length);
  if (input.packSha256 !== null && sha256Of(bytes) !== input.packSha256) return 'its bytes have another SHA-256';
  for (const block of input.blocks) {
    const damage = unpackBlock(bytes.subarray(block.at, block.at + block.length), block);
    if (damage !== null) return damage;
  }
  return null;
};

const unpackBlock = (stored: Buffer, block: WantedBlock): string | null => {
  if (!block.isPacked) return useBlock(stored, block);
  const raw = unzip(stored, block.rawLength);
  if (raw === null) return `the block at ${block.at} cannot be unpacked`;
  const damage = useBlock(raw, block);
  release(raw);
  return damage;
};

/** Compares what is in the block, then writes it. */
const useBlock = (raw: Buffer, block: WantedBlock): string | null => {
  if (raw.length !== block.rawLength) return `the block at ${block.at} has another length`;
  if (block.sha256 !== '' && sha256Of(raw) !== block.sha256) return `the block at ${block.at} has another SHA-256`;
  for (const span of block.spans) {
    const content = raw.subarray(span.offset, span.offset + span.length);
    if (content.length !== span.length) return `a file reaches beyond the block at ${block.at}`;
    if (span.sha256 !== '' && sha256Of(content) !== span.sha256)
      return `a file in the block at ${block.at} has another SHA-256`;
    for (const write of span.writes) writeSpan(content, write);
  }
  return null;
};

const unzip = (stored: Buffer, rawLength: number): Buffer | null => {
  try {
    // One byte more than promised, so that a longer block is noticed and a huge one refused.
    return zstdDecompressSync(stored, { chunkSize: Math.max(64, rawLength), maxOutputLength: rawLength + 1 });
  } catch {
    return null;
  }
};

const writeSpan = (content: Buffer, { path, position, whole }: Write): void => {
  const opened = openSync(typeof path === 'string' ? path : Buffer.from(path), whole === null ? 'r+' : 'wx');
  try {
    for (let done = 0; done < content.length;) {
      done += writeSync(opened, content, done, content.length - done, position + done);
    }
    if (whole !== null) {
      fchmodSync(opened, whole.mode);
      futimesSync(opened, whole.mtime / 1e6, whole.mtime / 1e6);
    }
  } finally {
    closeSync(opened);
  }
};
