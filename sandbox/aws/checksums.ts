/**
 * The checksums that S3 takes in `x-amz-checksum-…`: CRC32, CRC32C, SHA-1 and SHA-256, each in base64.
 * CRC64NVME is not among them; a client that sends it is refused.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const CHECKSUM_NAMES = ['crc32', 'crc32c', 'sha1', 'sha256'] as const;
export type ChecksumName = (typeof CHECKSUM_NAMES)[number];

export const isChecksumName = (name: string): name is ChecksumName =>
  (CHECKSUM_NAMES as readonly string[]).includes(name);

export type RunningChecksum = { update(bytes: Uint8Array): void; digest(): string };

/** A checksum over pieces; `digest` gives base64. */
export const runningChecksum = (name: ChecksumName | 'md5'): RunningChecksum => {
  if (name === 'crc32') return crc((bytes, value) => crc32(bytes, value));
  if (name === 'crc32c') return crc(crc32c);
  const hash = createHash(name);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('base64') };
};

/** S3's checksum of an object made of parts: of the parts' checksums, with their number. */
export const compositeChecksum = (name: ChecksumName, parts: string[]): string => {
  const checksum = runningChecksum(name);
  for (const part of parts) checksum.update(Buffer.from(part, 'base64'));
  return `${checksum.digest()}-${parts.length}`;
};

const crc = (next: (bytes: Uint8Array, value: number) => number): RunningChecksum => {
  let value = 0;
  return {
    update: (bytes) => {
      value = next(bytes, value);
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes.toString('base64');
    },
  };
};

/** Castagnoli's polynomial, bits reversed. */
const CRC32C_POLYNOMIAL = 0x82f63b78;

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1;
  return value;
});

const crc32c = (bytes: Uint8Array, start: number): number => {
  let value = ~start;
  for (const byte of bytes) value = (value >>> 8) ^ (CRC32C_TABLE[(value ^ byte) & 255] ?? 0);
  return ~value >>> 0;
};
