/**
 * Socket Mode: the app dials in over a WebSocket and is handed envelopes, each to be acknowledged by its id.
 *
 * A minimal WebSocket server (RFC 6455): text frames in both directions, ping, pong and close; no extensions.
 * @see https://docs.slack.dev/apis/events-api/using-socket-mode
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Ack, Envelope } from './delivery.ts';
import { APP } from './workspace.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;
/** Slack pings; the client gives up after thirty seconds without one. */
const PING_MILLISECONDS = 10_000;

export const createSocketMode = (options: { ackMilliseconds: number; url: () => string }) => {
  const tickets = new Set<string>();
  const waiting = new Map<string, (body: unknown) => void>();
  let socket: Duplex | null = null;

  const onMessage = (text: string): void => {
    const message = JSON.parse(text) as { envelope_id?: string; payload?: unknown };
    waiting.get(message.envelope_id ?? '')?.(emptyIsNull(message.payload));
  };

  return {
    /** An address for one connection, as `apps.connections.open` gives it. */
    issueUrl: (): string => {
      const ticket = randomBytes(12).toString('hex');
      tickets.add(ticket);
      return `${options.url().replace('http:', 'ws:')}/socket?ticket=${ticket}`;
    },
    isConnected: (): boolean => socket !== null,
    upgrade: (request: IncomingMessage, raw: Duplex): void => {
      const ticket = new URL(request.url ?? '/', 'http://localhost').searchParams.get('ticket') ?? '';
      const key = request.headers['sec-websocket-key'];
      if (!tickets.delete(ticket) || key === undefined) {
        raw.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
        return;
      }
      socket = raw;
      raw.on('close', () => {
        if (socket === raw) socket = null;
      });
      welcome(raw, key, onMessage);
    },
    send: ({ kind, payload }: Envelope): Promise<Ack> =>
      new Promise((resolve) => {
        const id = randomUUID();
        const settle = (ack: Ack): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(ack);
        };
        const timer = setTimeout(() => settle({ isTaken: false, error: 'operation_timeout' }), options.ackMilliseconds);
        waiting.set(id, (body) => settle({ isTaken: true, body }));
        const envelope = { envelope_id: id, type: kind, payload, accepts_response_payload: kind !== 'events_api' };
        if (socket === null) settle({ isTaken: false, error: 'dispatch_failed' });
        else socket.write(textFrame(envelope));
      }),
    close: (): void => {
      socket?.end(frame(OPCODE.close, Buffer.alloc(0)));
      socket?.destroy();
    },
  };
};

/** Completes the handshake, says hello, pings for as long as the connection lasts, and hands over what comes. */
const welcome = (raw: Duplex, key: string, onMessage: (text: string) => void): void => {
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  const head = ['HTTP/1.1 101 Switching Protocols', 'upgrade: websocket', 'connection: Upgrade'];
  raw.write(`${[...head, `sec-websocket-accept: ${accept}`].join('\r\n')}\r\n\r\n`);
  const pings = setInterval(() => raw.write(frame(OPCODE.ping, Buffer.from('slack'))), PING_MILLISECONDS);
  raw.on('close', () => clearInterval(pings));
  raw.on('error', () => raw.destroy());
  readFrames(raw, onMessage);
  const about = { connection_info: { app_id: APP.id }, debug_info: { host: 'sandbox' } };
  raw.write(textFrame({ type: 'hello', num_connections: 1, ...about }));
};

const textFrame = (message: object): Buffer => frame(OPCODE.text, Buffer.from(JSON.stringify(message)));

/** One whole frame from the server: never masked. */
const frame = (opcode: number, payload: Buffer): Buffer => {
  const first = 0x80 | opcode;
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, payload.length]), payload]);
  if (payload.length < 65_536) {
    const head = Buffer.from([first, 126, 0, 0]);
    head.writeUInt16BE(payload.length, 2);
    return Buffer.concat([head, payload]);
  }
  const head = Buffer.from([first, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
};

/** Reads the client's frames, joins fragments, answers pings and close, and hands over whole texts. */
const readFrames = (raw: Duplex, onText: (text: string) => void): void => {
  let rest: Buffer = Buffer.alloc(0);
  let fragments: Buffer[] = [];
  raw.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let next = parseFrame(rest); next !== null; next = parseFrame(rest)) {
      rest = rest.subarray(next.length);
      if (next.opcode === OPCODE.ping) raw.write(frame(OPCODE.pong, next.payload));
      else if (next.opcode === OPCODE.close) raw.end(frame(OPCODE.close, next.payload));
      else if (next.opcode !== OPCODE.pong) {
        fragments.push(next.payload);
        if (next.isLast) {
          const text = Buffer.concat(fragments).toString();
          fragments = [];
          onText(text);
        }
      }
    }
  });
};

const parseFrame = (bytes: Buffer): { opcode: number; isLast: boolean; payload: Buffer; length: number } | null => {
  if (bytes.length < 2) return null;
  const short = bytes[1]! & 0x7f;
  const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < headLength + 4) return null;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const start = headLength + 4;
  if (bytes.length < start + size) return null;
  const mask = bytes.subarray(headLength, start);
  const payload = Buffer.from(bytes.subarray(start, start + size));
  for (let at = 0; at < payload.length; at += 1) payload[at]! ^= mask[at % 4]!;
  return { opcode: bytes[0]! & 0x0f, isLast: (bytes[0]! & 0x80) !== 0, payload, length: start + size };
};

const emptyIsNull = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && Object.keys(body).length === 0 ? null : (body ?? null);
