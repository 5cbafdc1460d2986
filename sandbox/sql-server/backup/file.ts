/**
 * The stand-in's own backup file, so that a dump looks from outside like SQL Server's: a header, then the allocated pages
 * in order, then a trailer. It is not Microsoft's tape format and no SQL Server can read it.
 *
 *   0        header block, 8 KiB: magic (16 bytes), JSON length (u32 LE), CRC-32 of the JSON, the JSON, zeros
 *   8 KiB    every extent (64 KiB, eight pages) that holds a used page, in order, nothing between them; the last may be
 *            shorter. In a compressed set each extent is a u32 length and raw deflate.
 *   then     the map: extent numbers (u32 each), then, WITH CHECKSUM, the CRC-32 of every page (u32 each)
 *   then     trailer block, 8 KiB, built like the header. A file without it was never finished.
 *
 * A freed or new extent shifts all that follow it, as in a real dump.
 */
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { PAGE_BYTES } from '../instance.ts';
import type { DatabaseFile, DatabaseRecord } from '../instance.ts';

export const PAGES_PER_EXTENT = 8;
const BLOCK_BYTES = PAGE_BYTES;
const MAGIC = { header: 'OCTO-SQLSTANDIN1', trailer: 'OCTO-SQLSTANDEND' } as const;

export type BackupHeader = {
  setGuid: string;
  mediaGuid: string;
  name: string | null;
  description: string | null;
  userName: string;
  serverName: string;
  majorVersion: number;
  startedAt: string;
  isCompressed: boolean;
  hasChecksums: boolean;
  isCopyOnly: boolean;
  database: Omit<DatabaseRecord, 'files' | 'id' | 'state'> & { files: (DatabaseFile & { sizeBytes: number })[] };
  pageCount: number;
};

export type BackupTrailer = { finishedAt: string; extentCount: number; mapOffset: number; mapCrc: number };

const block = (magic: string, content: unknown): Buffer => {
  const json = Buffer.from(JSON.stringify(content));
  const bytes = Buffer.alloc(BLOCK_BYTES);
  if (json.length > BLOCK_BYTES - 24) throw new RangeError('the block of a backup file overflows');
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32LE(json.length, 16);
  bytes.writeUInt32LE(crc32(json), 20);
  json.copy(bytes, 24);
  return bytes;
};

const readBlock = (bytes: Buffer, magic: string): unknown => {
  if (bytes.length < BLOCK_BYTES || bytes.toString('latin1', 0, 16) !== magic) return null;
  const json = bytes.subarray(24, 24 + bytes.readUInt32LE(16));
  return crc32(json) === bytes.readUInt32LE(20) ? (JSON.parse(json.toString()) as unknown) : null;
};

const pagesOf = (extent: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(extent.length / PAGE_BYTES) }, (_, i) =>
    extent.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES),
  );

const u32s = (numbers: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32LE(number, i * 4);
  return bytes;
};

export type BackupWriter = {
  /** `stored` are the bytes to write where they differ from the pages that the checksums are made of: damage on purpose. */
  extent(number: number, pages: Buffer, stored?: Buffer): Promise<void>;
  /** Map and trailer, then to disk: from here on the set is complete. */
  finish(finishedAt: string): Promise<{ sizeBytes: number }>;
  close(): Promise<void>;
};

/** Creates or overwrites the file and writes its header. @throws what the file system says */
export const writeBackupFile = async (path: string, header: BackupHeader): Promise<BackupWriter> => {
  const file = await open(path, 'w');
  const extents: number[] = [];
  const checksums: number[] = [];
  let offset = 0;
  const append = async (bytes: Buffer): Promise<void> => {
    await file.write(bytes, 0, bytes.length, offset);
    offset += bytes.length;
  };
  await append(block(MAGIC.header, header));
  return {
    extent: async (number, pages, stored = pages) => {
      extents.push(number);
      if (header.hasChecksums) checksums.push(...pagesOf(pages).map((page) => crc32(page)));
      if (!header.isCompressed) return append(stored);
      const packed = deflateRawSync(stored, { level: 1 });
      await append(Buffer.concat([u32s([packed.length]), packed]));
    },
    finish: async (finishedAt) => {
      const map = u32s([...extents, ...checksums]);
      const trailer: BackupTrailer = { finishedAt, extentCount: extents.length, mapOffset: offset, mapCrc: crc32(map) };
      await append(map);
      await append(block(MAGIC.trailer, trailer));
      await file.sync();
      return { sizeBytes: offset };
    },
    close: () => file.close(),
  };
};

export type BackupSet = {
  path: string;
  header: BackupHeader;
  /** Null when the file was never finished. */
  trailer: BackupTrailer | null;
  sizeBytes: number;
};

export type OpenProblem = 'empty' | 'malformed';

/** Header and trailer of a file, or what is wrong with it. @throws what the file system says */
export const openBackupFile = async (path: string): Promise<BackupSet | OpenProblem> => {
  const { size } = await stat(path);
  if (size === 0) return 'empty';
  const file = await open(path, 'r');
  try {
    const header = readBlock(await readAt(file, 0, BLOCK_BYTES), MAGIC.header) as BackupHeader | null;
    if (header === null) return 'malformed';
    const end = await readAt(file, Math.max(0, size - BLOCK_BYTES), BLOCK_BYTES);
    return { path, header, trailer: readBlock(end, MAGIC.trailer) as BackupTrailer | null, sizeBytes: size };
  } finally {
    await file.close();
  }
};

const readAt = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
};

/** An extent as read back; `damagedPages` are the page numbers (from 1) whose checksums do not fit. */
export type ReadExtent = { number: number; pages: Buffer; damagedPages: number[] };

/** The extents of a finished set in order. The map is checked first. @throws RangeError when the map is damaged */
export async function* readExtents({
  path,
  header,
  trailer,
  sizeBytes,
}: BackupSet & { trailer: BackupTrailer }): AsyncGenerator<ReadExtent> {
  const file = await open(path, 'r');
  try {
    const pageCount = (number: number): number =>
      Math.min(PAGES_PER_EXTENT, header.pageCount - number * PAGES_PER_EXTENT);
    const map = await readAt(file, trailer.mapOffset, sizeBytes - trailer.mapOffset - BLOCK_BYTES);
    if (crc32(map) !== trailer.mapCrc) throw new RangeError('the map of the backup file is damaged');
    let offset = BLOCK_BYTES;
    let checksumAt = trailer.extentCount * 4;
    for (let i = 0; i < trailer.extentCount; i += 1) {
      const number = map.readUInt32LE(i * 4);
      const expectedBytes = pageCount(number) * PAGE_BYTES;
      const packedBytes = header.isCompressed ? (await readAt(file, offset, 4)).readUInt32LE(0) : expectedBytes;
      if (header.isCompressed) offset += 4;
      const pages = unpack(await readAt(file, offset, packedBytes), header.isCompressed, expectedBytes);
      offset += packedBytes;
      const damagedPages: number[] = [];
      for (const [n, page] of header.hasChecksums ? pagesOf(pages).entries() : []) {
        if (crc32(page) !== map.readUInt32LE(checksumAt)) damagedPages.push(number * PAGES_PER_EXTENT + n + 1);
        checksumAt += 4;
      }
      yield { number, pages, damagedPages };
    }
  } finally {
    await file.close();
  }
}

/** A damaged compressed extent comes back as zeros, which its checksums then refuse. */
const unpack = (bytes: Buffer, isCompressed: boolean, expectedBytes: number): Buffer => {
  if (!isCompressed) return bytes;
  try {
    return inflateRawSync(bytes);
  } catch {
    return Buffer.alloc(expectedBytes);
  }
};
