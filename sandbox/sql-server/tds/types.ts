/**
 * SQL Server's data types: as T-SQL spells them, and as TDS describes them in columns and parameters.
 *
 * Values are coded in `values.ts`. @see MS-TDS 2.2.5.4
 */
import type { Reader } from './bytes.ts';
import { u16, u8, u32 } from './bytes.ts';

export type SqlType = {
  name: string;
  /** Characters of n-types, bytes of others; `max` where the value may be of any length. */
  length?: number | 'max';
  precision?: number;
  scale?: number;
};

/** SQL_Latin1_General_CP1_CI_AS as five bytes. */
export const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);

const INTEGER_BYTES: Record<string, number> = { tinyint: 1, smallint: 2, int: 4, bigint: 8 };
const NAMES = new Set(
  `tinyint smallint int bigint bit float real decimal numeric money uniqueidentifier sql_variant xml ntext text nvarchar
  nchar varchar char varbinary binary image sysname rowversion date time datetime smalldatetime datetime2
  datetimeoffset`.split(/\s+/),
);

/** The type that a declaration such as `nvarchar(max)` or `decimal(18, 2)` names. */
export const parseType = (text: string): SqlType | null => {
  const match = /^\s*([a-z0-9_]+)\s*(?:\(\s*(max|\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*$/i.exec(text);
  const name = match?.[1]?.toLowerCase() ?? '';
  if (name === 'integer') return { name: 'int' };
  if (!NAMES.has(name)) return null;
  const [first, second] = [match?.[2], match?.[3]];
  if (name === 'sysname') return { name: 'nvarchar', length: 128 };
  if (name === 'xml' || name === 'ntext') return { name: 'nvarchar', length: 'max' };
  if (name === 'text') return { name: 'varchar', length: 'max' };
  if (name === 'image') return { name: 'varbinary', length: 'max' };
  if (isFractional(name)) return { name, scale: first === undefined ? 7 : Number(first) };
  if (name === 'decimal' || name === 'numeric')
    return { name, precision: Number(first ?? 18), scale: Number(second ?? 0) };
  if (isSized(name)) return { name, length: first?.toLowerCase() === 'max' ? 'max' : Number(first ?? 1) };
  return { name };
};

const isFractional = (name: string): boolean => name === 'time' || name === 'datetime2' || name === 'datetimeoffset';
const isSized = (name: string): boolean => /^(n?(var)?char|(var)?binary)$/.test(name);

export const isText = (type: SqlType): boolean => type.name.endsWith('char');

/** As T-SQL would declare it, also what SQLite keeps as the declared type of a column. */
export const typeText = (type: SqlType): string => {
  if (type.precision !== undefined) return `${type.name}(${type.precision},${type.scale ?? 0})`;
  if (type.scale !== undefined) return `${type.name}(${type.scale})`;
  return type.length === undefined ? type.name : `${type.name}(${type.length})`;
};

const sizeField = (type: SqlType, bytesPerUnit: number): Buffer =>
  u16(type.length === 'max' ? 0xffff : Math.max(1, (type.length ?? 1) * bytesPerUnit));

export const decimalBytes = (precision: number): number =>
  precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;

/** TYPE_INFO of a column. */
export const typeInfo = (type: SqlType): Buffer => {
  const integer = INTEGER_BYTES[type.name];
  if (integer !== undefined) return Buffer.from([0x26, integer]);
  switch (type.name) {
    case 'bit':
      return Buffer.from([0x68, 1]);
    case 'float':
      return Buffer.from([0x6d, 8]);
    case 'real':
      return Buffer.from([0x6d, 4]);
    case 'uniqueidentifier':
      return Buffer.from([0x24, 16]);
    case 'date':
      return u8(0x28);
    case 'time':
      return Buffer.from([0x29, type.scale ?? 7]);
    case 'datetime2':
      return Buffer.from([0x2a, type.scale ?? 7]);
    case 'datetimeoffset':
      return Buffer.from([0x2b, type.scale ?? 7]);
    case 'datetime':
    case 'smalldatetime':
      return Buffer.from([0x6f, 8]);
    case 'decimal':
    case 'numeric':
    case 'money':
      return Buffer.from([0x6c, decimalBytes(type.precision ?? 19), type.precision ?? 19, type.scale ?? 4]);
    case 'sql_variant':
      return Buffer.concat([u8(0x62), u32(8009)]);
    case 'varbinary':
    case 'binary':
    case 'rowversion':
      return Buffer.concat([u8(0xa5), sizeField(type, 1)]);
    case 'varchar':
    case 'char':
      return Buffer.concat([u8(0xa7), sizeField(type, 1), COLLATION]);
    default:
      return Buffer.concat([u8(0xe7), sizeField(type, 2), COLLATION]);
  }
};

const SIZED_INTEGERS: Record<number, string> = { 1: 'tinyint', 2: 'smallint', 4: 'int', 8: 'bigint' };

const readLength = (reader: Reader, bytesPerUnit: number): number | 'max' => {
  const size = reader.u16();
  return size === 0xffff ? 'max' : size / bytesPerUnit;
};

const readCollated = (reader: Reader, name: string, bytesPerUnit: number): SqlType => {
  const type = { name, length: readLength(reader, bytesPerUnit) };
  reader.skip(COLLATION.length);
  return type;
};

const readDecimal = (reader: Reader): SqlType => {
  reader.skip(1);
  return { name: 'decimal', precision: reader.u8(), scale: reader.u8() };
};

const PARAMETER_TYPES: Record<number, (reader: Reader) => SqlType> = {
  0x1f: () => ({ name: 'nvarchar', length: 1 }),
  0x26: (reader) => ({ name: SIZED_INTEGERS[reader.u8()] ?? 'int' }),
  0x68: (reader) => (reader.skip(1), { name: 'bit' }),
  0x6d: (reader) => ({ name: reader.u8() === 4 ? 'real' : 'float' }),
  0x6a: readDecimal,
  0x6c: readDecimal,
  0x24: (reader) => (reader.skip(1), { name: 'uniqueidentifier' }),
  0x6f: (reader) => (reader.skip(1), { name: 'datetime' }),
  0x28: () => ({ name: 'date' }),
  0x29: (reader) => ({ name: 'time', scale: reader.u8() }),
  0x2a: (reader) => ({ name: 'datetime2', scale: reader.u8() }),
  0x2b: (reader) => ({ name: 'datetimeoffset', scale: reader.u8() }),
  0xe7: (reader) => readCollated(reader, 'nvarchar', 2),
  0xef: (reader) => readCollated(reader, 'nchar', 2),
  0xa7: (reader) => readCollated(reader, 'varchar', 1),
  0xaf: (reader) => readCollated(reader, 'char', 1),
  0xa5: (reader) => ({ name: 'varbinary', length: readLength(reader, 1) }),
  0xad: (reader) => ({ name: 'binary', length: readLength(reader, 1) }),
};

/** The TYPE_INFO of a parameter. @throws RangeError for a type that is not served (table-valued, CLR, XML …) */
export const readTypeInfo = (reader: Reader): SqlType => {
  const id = reader.u8();
  const read = PARAMETER_TYPES[id];
  if (read === undefined) throw new RangeError(`parameters of type 0x${id.toString(16)} are not served`);
  return read(reader);
};
