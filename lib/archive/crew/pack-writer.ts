/**
 * Fills one pack: blocks back to back in shared memory, compressed where it pays. Runs in a worker thread.
 * @see docs/format.md §3
 */
import { hash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { release } from './release.ts';

const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants;
/** Without the checksum a flipped bit would come back as data. */
const ZSTD = { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_checksumFlag]: 1 };
/** A block that does not get 3 % smaller stays as it is. */
const WORTHWHILE = 0.97;

export type WrittenBlock = { offset: number; length: number; isPacked: boolean; rawLength: number; sha256: string };
export type WrittenPack = { length: number; sha256: string; blocks: WrittenBlock[] };

export type PackWriter = ReturnType<typeof packWriter>;

export const sha256Of = (bytes: Uint8Array): string => hash('sha256', bytes);

export const packWriter = (slot: SharedArrayBuffer) => {
  const pack = Buffer.from(slot);
  const blocks: WrittenBlock[] = [];
  let end = 0;
  return {
    /** The rest of the pack, to read into before `keep`. */
    rest: (): Buffer => pack.subarray(end),
    /** The number of the block that is written next. */
    nextBlock: (): number => blocks.length,
    /** Makes a block of the next `length` bytes, which lie in `rest()` already. */
    keep(length: number, sha256 = ''): void {
      blocks.push({ offset: end, length, isPacked: false, rawLength: length, sha256 });
      end += length;
    },
    /** Makes a block of `raw`: one zstd frame, or the bytes themselves. */
    add(raw: Buffer, options: { isCompressed?: boolean; sha256?: string } = {}): void {
      const sha256 = options.sha256 ?? '';
      const frame = options.isCompressed === true ? null : compress(raw);
      const isPacked = frame !== null && frame.length < raw.length * WORTHWHILE;
      const bytes = isPacked ? frame : raw;
      pack.set(bytes, end);
      blocks.push({ offset: end, length: bytes.length, isPacked, rawLength: raw.length, sha256 });
      end += bytes.length;
      if (frame !== null) release(frame);
    },
    finish: (): WrittenPack => ({ length: end, sha256: end === 0 ? '' : sha256Of(pack.subarray(0, end)), blocks }),
  };
};

/** Node would work in pieces of 16 KiB: give it room for all at once. */
const compress = (raw: Buffer): Buffer => zstdCompressSync(raw, { chunkSize: raw.length + 1024, params: ZSTD });
