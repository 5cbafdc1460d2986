/** The tokens of a response. @see MS-TDS 2.2.7 */
import { longText, shortText, u16, u32, u64, u8 } from './bytes.ts';
import { COLLATION, typeInfo } from './types.ts';
import type { SqlType } from './types.ts';
import { encodeValue } from './values.ts';
import type { SqlValue } from './values.ts';

export type ServerMessage = { number: number; severity: number; state: number; text: string };
export type Column = { name: string; type: SqlType };

export const DONE = { done: 0xfd, inProc: 0xff, proc: 0xfe } as const;
export const DONE_STATUS = { more: 0x01, error: 0x02, inTransaction: 0x04, count: 0x10, attention: 0x20 } as const;

const lengthPrefixed = (token: number, body: Buffer): Buffer => Buffer.concat([u8(token), u16(body.length), body]);

/** INFO up to severity 10, ERROR above. */
export const messageToken = (message: ServerMessage, serverName: string): Buffer =>
  lengthPrefixed(
    message.severity <= 10 ? 0xab : 0xaa,
    Buffer.concat([
      u32(message.number),
      Buffer.from([message.state, message.severity]),
      longText(message.text),
      shortText(serverName),
      shortText(''),
      u32(1),
    ]),
  );

const ENV = { database: 1, language: 2, packetSize: 4 } as const;

export const envChange = (kind: keyof typeof ENV, [next, previous]: readonly [string, string]): Buffer =>
  lengthPrefixed(0xe3, Buffer.concat([u8(ENV[kind]), shortText(next), shortText(previous)]));

export const collationChange = (): Buffer =>
  lengthPrefixed(0xe3, Buffer.concat([u8(7), u8(COLLATION.length), COLLATION, u8(0)]));

/** A transaction began (8), was committed (9) or rolled back (10). */
export const transactionChange = (kind: 8 | 9 | 10, descriptor: bigint): Buffer => {
  const id = Buffer.concat([u8(8), u64(descriptor)]);
  return lengthPrefixed(0xe3, Buffer.concat([u8(kind), ...(kind === 8 ? [id, u8(0)] : [u8(0), id])]));
};

/** The answer to LOGIN7: TDS 7.4, and the server's own version. */
export const loginAck = (majorVersion: number, build: number): Buffer => {
  const version = Buffer.from([majorVersion, 0, build >> 8, build & 0xff]);
  const name = shortText('Microsoft SQL Server');
  return lengthPrefixed(0xad, Buffer.concat([u8(1), Buffer.from([0x74, 0, 0, 4]), name, version]));
};

/** FEATUREEXTACK with nothing but the acknowledgement of UTF-8 support. */
export const featureAck = (): Buffer => Buffer.concat([u8(0xae), u8(0x0a), u32(1), u8(1), u8(0xff)]);

export const doneToken = (token: number, { status, rowCount }: { status: number; rowCount?: number }): Buffer =>
  Buffer.concat([
    u8(token),
    u16(status | (rowCount === undefined ? 0 : DONE_STATUS.count)),
    u16(0xc1),
    u64(BigInt(rowCount ?? 0)),
  ]);

export const returnStatus = (status: number): Buffer => Buffer.concat([u8(0x79), u32(status)]);

export const columnMetadata = (columns: readonly Column[]): Buffer =>
  Buffer.concat([
    u8(0x81),
    u16(columns.length),
    ...columns.flatMap(({ name, type }) => [u32(0), u16(1), typeInfo(type), shortText(name)]),
  ]);

export const rowToken = (columns: readonly Column[], row: readonly SqlValue[]): Buffer =>
  Buffer.concat([u8(0xd1), ...columns.map(({ type }, i) => encodeValue(type, row[i] ?? null))]);
