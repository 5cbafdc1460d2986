/** Reading and writing the little-endian fields that TDS is made of. */

export type Reader = ReturnType<typeof readerOf>;

/** A cursor over a buffer; every method moves it. */
export const readerOf = (buffer: Buffer, start = 0) => {
  let at = start;
  const advance = (length: number): number => {
    const from = at;
    at += length;
    if (at > buffer.length) throw new RangeError('the message is shorter than its fields say');
    return from;
  };
  return {
    isAtEnd: () => at >= buffer.length,
    skip: (length: number) => void advance(length),
    u8: () => buffer.readUInt8(advance(1)),
    u16: () => buffer.readUInt16LE(advance(2)),
    u32: () => buffer.readUInt32LE(advance(4)),
    u64: () => buffer.readBigUInt64LE(advance(8)),
    i64: () => buffer.readBigInt64LE(advance(8)),
    bytes: (length: number) => buffer.subarray(advance(length), at),
    text: (characters: number) => buffer.toString('utf16le', advance(characters * 2), at),
  };
};

export const u8 = (value: number): Buffer => Buffer.from([value & 0xff]);

export const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value & 0xffff);
  return bytes;
};

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

export const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
};

/** `length` bytes of an unsigned number, lowest first. */
export const uintLE = (value: bigint, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  let rest = value;
  for (let i = 0; i < length; i += 1) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
};

/** The number in all of `bytes`, lowest first. */
export const readUintLE = (bytes: Buffer): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

export const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');

/** Text after its length in characters in one byte (B_VARCHAR). */
export const shortText = (text: string): Buffer => {
  const cut = text.slice(0, 255);
  return Buffer.concat([u8(cut.length), utf16(cut)]);
};

/** Text after its length in characters in two bytes (US_VARCHAR). */
export const longText = (text: string): Buffer => Buffer.concat([u16(text.length), utf16(text)]);
