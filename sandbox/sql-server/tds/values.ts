/**
 * Values on the wire, to and from what SQLite stores: null, number, bigint, text and bytes.
 *
 * Points in time are stored as ISO text (`2026-03-04 02:00:00.0000000`, with `+00:00` where the type has an offset),
 * GUIDs as upper-case text, bits as 0 and 1. @see MS-TDS 2.2.5.5
 */
import { readUintLE, u16, u32, u64, u8, uintLE, utf16 } from './bytes.ts';
import type { Reader } from './bytes.ts';
import { COLLATION, decimalBytes, isText } from './types.ts';
import type { SqlType } from './types.ts';

export type SqlValue = null | number | bigint | string | Uint8Array;

const DAY_MS = 86_400_000;
const DAYS_TO_1900 = 25_567;
const DAYS_FROM_YEAR_1 = 719_162;
const UNKNOWN_LENGTH = 0xfffffffffffffffen;
const NULL_LENGTH = 0xffffffffffffffffn;

/** Milliseconds since 1970 of stored text; text without a zone is read as UTC. */
const toMs = (value: SqlValue): number => {
  const text = String(value).trim();
  const zoned = /[zZ]$|[+-]\d\d:\d\d$/.test(text) ? text.replace(/ (?=[+-]\d\d:\d\d$)/, '') : `${text}Z`;
  const ms = Date.parse(/^\d{4}-\d\d-\d\dZ$/.test(zoned) ? zoned.slice(0, 10) : zoned.replace(' ', 'T'));
  return Number.isNaN(ms) ? 0 : ms;
};

const dateParts = (ms: number): { days: number; msOfDay: number } => {
  const days = Math.floor(ms / DAY_MS);
  return { days, msOfDay: ms - days * DAY_MS };
};

const timeBytes = (scale: number): number => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5);

const encodeTime = (msOfDay: number, scale: number): Buffer =>
  uintLE(BigInt(Math.round(msOfDay * 10 ** (scale - 3))), timeBytes(scale));

const encodeDays = (days: number): Buffer => uintLE(BigInt(days + DAYS_FROM_YEAR_1), 3);

const encodeInstant = (type: SqlType, value: SqlValue): Buffer => {
  const { days, msOfDay } = dateParts(toMs(value));
  const scale = type.scale ?? 7;
  switch (type.name) {
    case 'date':
      return encodeDays(days);
    case 'time':
      return encodeTime(msOfDay, scale);
    case 'datetime2':
      return Buffer.concat([encodeTime(msOfDay, scale), encodeDays(days)]);
    case 'datetimeoffset':
      return Buffer.concat([encodeTime(msOfDay, scale), encodeDays(days), u16(0)]);
    default:
      return Buffer.concat([u32(days + DAYS_TO_1900), u32(Math.round((msOfDay * 300) / 1000))]);
  }
};

/** GUID bytes have their first three groups the other way round. */
const swapGuid = (bytes: Buffer): Buffer =>
  Buffer.concat([
    bytes.subarray(0, 4).toReversed(),
    bytes.subarray(4, 6).toReversed(),
    bytes.subarray(6, 8).toReversed(),
    bytes.subarray(8, 16),
  ]);

const encodeDecimal = (type: SqlType, value: SqlValue): Buffer => {
  const amount = Math.round(Number(value) * 10 ** (type.scale ?? 0));
  const magnitude = typeof value === 'bigint' && !type.scale ? value : BigInt(amount);
  const absolute = magnitude < 0n ? -magnitude : magnitude;
  return Buffer.concat([u8(magnitude < 0n ? 0 : 1), uintLE(absolute, decimalBytes(type.precision ?? 19) - 1)]);
};

const encodeFloat = (type: SqlType, value: SqlValue): Buffer => {
  const bytes = Buffer.alloc(type.name === 'real' ? 4 : 8);
  if (type.name === 'real') bytes.writeFloatLE(Number(value));
  else bytes.writeDoubleLE(Number(value));
  return bytes;
};

const INTEGER_BYTES: Record<string, number> = { bit: 1, tinyint: 1, smallint: 2, int: 4, bigint: 8 };

const toBytes = (type: SqlType, value: SqlValue): Buffer => {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (!isText(type)) return Buffer.from(String(value));
  return type.name.startsWith('n') ? utf16(String(value)) : Buffer.from(String(value), 'latin1');
};

const encodeSized = (type: SqlType, value: SqlValue): Buffer => {
  if (type.length === 'max') {
    if (value === null) return u64(NULL_LENGTH);
    const bytes = toBytes(type, value);
    const chunk = bytes.length === 0 ? [] : [u32(bytes.length), bytes];
    return Buffer.concat([u64(BigInt(bytes.length)), ...chunk, u32(0)]);
  }
  if (value === null) return u16(0xffff);
  const bytes = toBytes(type, value);
  return Buffer.concat([u16(bytes.length), bytes]);
};

const encodeVariant = (value: SqlValue): Buffer => {
  if (value === null) return u32(0);
  if (typeof value === 'number' || typeof value === 'bigint') {
    return Buffer.concat([u32(6), Buffer.from([0x38, 0]), u32(Number(value))]);
  }
  const bytes = utf16(String(value));
  const head = Buffer.concat([Buffer.from([0xe7, 7]), COLLATION, u16(8000)]);
  return Buffer.concat([u32(head.length + bytes.length), head, bytes]);
};

const encodeFixed = (type: SqlType, value: SqlValue): Buffer => {
  const integer = INTEGER_BYTES[type.name];
  if (integer !== undefined) return uintLE(BigInt.asUintN(integer * 8, BigInt(value as number | bigint)), integer);
  switch (type.name) {
    case 'float':
    case 'real':
      return encodeFloat(type, value);
    case 'decimal':
    case 'numeric':
    case 'money':
      return encodeDecimal(type, value);
    case 'uniqueidentifier':
      return swapGuid(Buffer.from(String(value).replace(/[^0-9a-f]/gi, ''), 'hex'));
    default:
      return encodeInstant(type, value);
  }
};

/** A value of a row, with its length in front as the type wants it. */
export const encodeValue = (type: SqlType, value: SqlValue): Buffer => {
  if (isText(type) || /binary|rowversion/.test(type.name)) return encodeSized(type, value);
  if (type.name === 'sql_variant') return encodeVariant(value);
  if (value === null) return u8(0);
  const bytes = encodeFixed(type, value);
  return Buffer.concat([u8(bytes.length), bytes]);
};

const readChunked = (reader: Reader): Buffer | null => {
  const total = reader.u64();
  if (total === NULL_LENGTH) return null;
  const chunks: Buffer[] = [];
  for (let length = reader.u32(); length !== 0; length = reader.u32()) chunks.push(reader.bytes(length));
  const bytes = Buffer.concat(chunks);
  if (total !== UNKNOWN_LENGTH && BigInt(bytes.length) !== total) throw new RangeError('chunked value of wrong length');
  return bytes;
};

const readSized = (reader: Reader, type: SqlType): SqlValue => {
  let bytes: Buffer | null = null;
  if (type.length === 'max') bytes = readChunked(reader);
  else {
    const length = reader.u16();
    bytes = length === 0xffff ? null : reader.bytes(length);
  }
  if (bytes === null || !isText(type)) return bytes;
  return bytes.toString(type.name.startsWith('n') ? 'utf16le' : 'latin1');
};

const isoText = (days: number, msOfDay: number): string =>
  new Date(days * DAY_MS + msOfDay).toISOString().replace('T', ' ').replace('Z', '');

const readTime = (bytes: Buffer, scale: number): number => Number(readUintLE(bytes)) / 10 ** (scale - 3);

const decodeInstant = (type: SqlType, bytes: Buffer): string => {
  const size = type.name === 'date' ? 0 : timeBytes(type.scale ?? 7);
  if (type.name === 'datetime') {
    return isoText(bytes.readInt32LE(0) - DAYS_TO_1900, Math.round((bytes.readUInt32LE(4) * 1000) / 300));
  }
  if (type.name === 'time') return isoText(0, readTime(bytes, type.scale ?? 7)).slice(11);
  const days = Number(readUintLE(bytes.subarray(size, size + 3))) - DAYS_FROM_YEAR_1;
  if (type.name === 'date') return isoText(days, 0).slice(0, 10);
  const text = isoText(days, readTime(bytes.subarray(0, size), type.scale ?? 7));
  return type.name === 'datetimeoffset' ? `${text} +00:00` : text;
};

const decodeDecimal = (type: SqlType, bytes: Buffer): number =>
  ((bytes[0] === 1 ? 1 : -1) * Number(readUintLE(bytes.subarray(1)))) / 10 ** (type.scale ?? 0);

const guidText = (bytes: Buffer): string =>
  swapGuid(bytes)
    .toString('hex')
    .toUpperCase()
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const decodeFixed = (type: SqlType, bytes: Buffer): SqlValue => {
  const integer = INTEGER_BYTES[type.name];
  if (integer === 1) return bytes.readUInt8(0);
  if (integer !== undefined) return BigInt.asIntN(integer * 8, readUintLE(bytes));
  if (type.name === 'float') return bytes.readDoubleLE(0);
  if (type.name === 'real') return bytes.readFloatLE(0);
  if (type.name === 'decimal') return decodeDecimal(type, bytes);
  return type.name === 'uniqueidentifier' ? guidText(bytes) : decodeInstant(type, bytes);
};

/** A parameter's value as SQLite will store it. */
export const readValue = (reader: Reader, type: SqlType): SqlValue => {
  if (isText(type) || type.name.endsWith('binary')) return readSized(reader, type);
  const length = reader.u8();
  return length === 0 ? null : decodeFixed(type, reader.bytes(length));
};
