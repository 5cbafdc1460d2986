/** PRELOGIN and LOGIN7: what a client says before its first request. @see MS-TDS 2.2.6.4, 2.2.6.5 */
import { readerOf } from './bytes.ts';

export const ENCRYPTION = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

const PRELOGIN_VERSION = 0;
const PRELOGIN_ENCRYPTION = 1;
const PRELOGIN_MARS = 4;
const TERMINATOR = 0xff;

/** What the client says about encryption in its PRELOGIN. */
export const preloginEncryption = (payload: Buffer): number => {
  for (let at = 0; payload[at] !== TERMINATOR && at + 5 <= payload.length; at += 5) {
    if (payload[at] === PRELOGIN_ENCRYPTION) return payload.readUInt8(payload.readUInt16BE(at + 1));
  }
  return ENCRYPTION.notSupported;
};

/** What we answer: TLS whenever the client can, never OFF to a client that cannot. */
export const agreeEncryption = (client: number, isForced: boolean): number => {
  if (client === ENCRYPTION.on || client === ENCRYPTION.required) return ENCRYPTION.on;
  if (isForced) return ENCRYPTION.required;
  return client === ENCRYPTION.off ? ENCRYPTION.off : ENCRYPTION.notSupported;
};

export const preloginAnswer = (encryption: number, majorVersion: number): Buffer => {
  const options: [number, Buffer][] = [
    [PRELOGIN_VERSION, Buffer.from([majorVersion, 0, 0x0f, 0xa0, 0, 0])],
    [PRELOGIN_ENCRYPTION, Buffer.from([encryption])],
    [PRELOGIN_MARS, Buffer.from([0])],
  ];
  let offset = options.length * 5 + 1;
  const entries = options.map(([token, data]) => {
    const entry = Buffer.from([token, offset >> 8, offset & 0xff, 0, data.length]);
    offset += data.length;
    return entry;
  });
  return Buffer.concat([...entries, Buffer.from([TERMINATOR]), ...options.map(([, data]) => data)]);
};

export type Login = {
  tdsVersion: number;
  packetBytes: number;
  hostName: string;
  user: string;
  password: string;
  appName: string;
  database: string;
};

const TDS_7_2 = 0x72090002;

/** Older clients expect short token forms that are not served here. */
export const isServedTdsVersion = (version: number): boolean => version >= TDS_7_2 && version < 0x80000000;

export const parseLogin7 = (payload: Buffer): Login => {
  const head = readerOf(payload);
  head.skip(4);
  const tdsVersion = head.u32();
  const packetBytes = head.u32();
  const field = (at: number): Buffer => {
    const [offset, length] = [payload.readUInt16LE(at), payload.readUInt16LE(at + 2)];
    return payload.subarray(offset, offset + length * 2);
  };
  const text = (at: number): string => field(at).toString('utf16le');
  return {
    tdsVersion,
    packetBytes: Math.min(Math.max(packetBytes || 4096, 512), 32_767),
    hostName: text(36),
    user: text(40),
    password: unscramble(field(44)),
    appName: text(48),
    database: text(68),
  };
};

/** Each byte had its halves swapped and was then combined with 0xA5. */
const unscramble = (bytes: Buffer): string =>
  Buffer.from(
    bytes.map((byte) => {
      const plain = byte ^ 0xa5;
      return ((plain << 4) | (plain >> 4)) & 0xff;
    }),
  ).toString('utf16le');
