/**
 * A zip file of stored (uncompressed) entries: what a NuGet package is on the outside.
 * Follows PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16; no zip64, no dates, so equal content is equal bytes.
 */
import { crc32 } from 'node:zlib';

export type ZipEntry = { name: string; bytes: Buffer };

/** 1 January 1980, the first day a zip file knows. */
const DOS_DATE = 0x21;
const VERSION_NEEDED = 20;
const UTF8_NAMES = 0x800;

const localHeader = (entry: ZipEntry, name: Buffer): Buffer => {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION_NEEDED, 4);
  header.writeUInt16LE(UTF8_NAMES, 6);
  header.writeUInt16LE(DOS_DATE, 12);
  header.writeUInt32LE(crc32(entry.bytes), 14);
  header.writeUInt32LE(entry.bytes.length, 18);
  header.writeUInt32LE(entry.bytes.length, 22);
  header.writeUInt16LE(name.length, 26);
  return header;
};

/** The directory's line repeats the local header from its version field on, and says where that header stands. */
const directoryHeader = (local: Buffer, offset: number): Buffer => {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(VERSION_NEEDED, 4);
  local.copy(header, 6, 4, 30);
  header.writeUInt32LE(offset, 42);
  return header;
};

/** The whole file. */
export const zipOf = (entries: readonly ZipEntry[]): Buffer => {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const local = localHeader(entry, name);
    directory.push(directoryHeader(local, offset), name);
    files.push(local, name, entry.bytes);
    offset += local.length + name.length + entry.bytes.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, ...directory, end]);
};
