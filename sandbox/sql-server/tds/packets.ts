/**
 * TDS packets: an eight-byte header, at most one packet size of payload, messages that end with the EOM bit.
 *
 * @see MS-TDS 2.2.3
 */
export const PACKET = {
  batch: 1,
  rpc: 3,
  response: 4,
  attention: 6,
  transaction: 14,
  login7: 16,
  prelogin: 18,
} as const;

const HEADER_BYTES = 8;
const END_OF_MESSAGE = 0x01;
const IGNORE = 0x02;

export type Message = { type: number; isIgnored: boolean; payload: Buffer };

/** Collects bytes in any cut and calls back once for each whole message. */
export const packetReader = (onMessage: (message: Message) => void): ((chunk: Buffer) => void) => {
  let pending: Buffer = Buffer.alloc(0);
  let payloads: Buffer[] = [];
  const takePacket = (): boolean => {
    if (pending.length < HEADER_BYTES) return false;
    const length = pending.readUInt16BE(2);
    if (length < HEADER_BYTES) throw new RangeError('a packet is shorter than its header');
    if (pending.length < length) return false;
    const type = pending.readUInt8(0);
    const status = pending.readUInt8(1);
    payloads.push(pending.subarray(HEADER_BYTES, length));
    pending = pending.subarray(length);
    if ((status & END_OF_MESSAGE) === 0) return true;
    const message = { type, isIgnored: (status & IGNORE) !== 0, payload: Buffer.concat(payloads) };
    payloads = [];
    onMessage(message);
    return true;
  };
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (takePacket());
  };
};

/** The payload in packets; without `isLast` the message stays open, so that more may follow while work goes on. */
export const toPackets = (
  type: number,
  payload: Buffer,
  { packetBytes, isLast, sessionId }: { packetBytes: number; isLast: boolean; sessionId: number },
): Buffer => {
  const room = packetBytes - HEADER_BYTES;
  const count = Math.max(isLast ? 1 : 0, Math.ceil(payload.length / room));
  const parts: Buffer[] = [];
  for (let i = 0; i < count; i += 1) {
    const body = payload.subarray(i * room, (i + 1) * room);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt8(type, 0);
    header.writeUInt8(isLast && i === count - 1 ? END_OF_MESSAGE : 0, 1);
    header.writeUInt16BE(HEADER_BYTES + body.length, 2);
    header.writeUInt16BE(sessionId, 4);
    header.writeUInt8((i + 1) & 0xff, 6);
    parts.push(header, body);
  }
  return Buffer.concat(parts);
};
