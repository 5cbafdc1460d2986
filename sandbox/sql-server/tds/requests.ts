/** Requests after the login: SQL batch, remote procedure call, transaction manager. @see MS-TDS 2.2.6.6, 2.2.6.7, 2.2.6.9 */
import { readerOf } from './bytes.ts';
import type { Reader } from './bytes.ts';
import { readTypeInfo } from './types.ts';
import type { SqlType } from './types.ts';
import { readValue } from './values.ts';
import type { SqlValue } from './values.ts';

export type Parameter = { name: string; type: SqlType; value: SqlValue };
export type Procedure = { name: string; parameters: Parameter[] };

const WELL_KNOWN: Record<number, string> = {
  10: 'sp_executesql',
  11: 'sp_prepare',
  12: 'sp_execute',
  13: 'sp_prepexec',
};

/** A reader placed behind ALL_HEADERS, which hold nothing we need. */
const behindHeaders = (payload: Buffer): Reader => readerOf(payload, payload.readUInt32LE(0));

export const parseBatch = (payload: Buffer): string => payload.toString('utf16le', payload.readUInt32LE(0));

export const parseProcedure = (payload: Buffer): Procedure => {
  const reader = behindHeaders(payload);
  const length = reader.u16();
  const name = length === 0xffff ? (WELL_KNOWN[reader.u16()] ?? 'unknown') : reader.text(length);
  reader.skip(2);
  const parameters: Parameter[] = [];
  while (!reader.isAtEnd()) {
    const parameterName = reader.text(reader.u8());
    reader.skip(1);
    const type = readTypeInfo(reader);
    parameters.push({ name: parameterName.toLowerCase(), type, value: readValue(reader, type) });
  }
  return { name: name.toLowerCase(), parameters };
};

export const TRANSACTION = { begin: 5, commit: 7, rollback: 8, save: 9 } as const;

export const parseTransaction = (payload: Buffer): number => behindHeaders(payload).u16();
