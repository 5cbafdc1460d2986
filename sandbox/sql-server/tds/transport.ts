/**
 * The bytes of one client: plain at first, and TLS from the moment PRELOGIN agrees on it.
 *
 * During the handshake TLS flights travel as payload of PRELOGIN messages, exactly one server message for each flight of
 * the client; afterwards raw TLS records flow. TDS 7.x clients cap TLS at 1.2, so do we.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { PACKET, packetReader, toPackets } from './packets.ts';

export type Transport = {
  write(bytes: Buffer): void;
  /** Resolves when what was written has left for the network, so that a fast producer can be slowed down. */
  drained(): Promise<void>;
  startTls(context: SecureContext): void;
  end(): void;
  destroy(): void;
};

export const transportOver = (socket: Socket, onBytes: (bytes: Buffer) => void): Transport => {
  let receive = onBytes;
  let send = (bytes: Buffer): boolean => socket.write(bytes);
  socket.on('data', (bytes) => receive(bytes));

  const startTls = (context: SecureContext): void => {
    let isHandshaking = true;
    let flight: Buffer[] = [];
    const sendFlight = (): void => {
      if (flight.length === 0) return;
      const bytes = Buffer.concat(flight);
      flight = [];
      socket.write(toPackets(PACKET.prelogin, bytes, { packetBytes: 4096, isLast: true, sessionId: 0 }));
    };
    const inner = new Duplex({
      read: () => {},
      write: (bytes: Buffer, _encoding, done) => {
        if (isHandshaking) flight.push(bytes);
        else socket.write(bytes);
        if (isHandshaking && flight.length === 1) setImmediate(sendFlight);
        done();
      },
    });
    const wrapped = packetReader((message) => inner.push(message.payload));
    receive = (bytes) => (isHandshaking ? wrapped(bytes) : void inner.push(bytes));
    const secure = new TLSSocket(inner, { isServer: true, secureContext: context });
    secure.on('secure', () => {
      // `secure` fires before the last flight has left: one turn later it is written, and still has to be wrapped.
      setImmediate(() => {
        sendFlight();
        isHandshaking = false;
      });
    });
    secure.on('data', onBytes);
    secure.on('error', () => socket.destroy());
    send = (bytes) => secure.write(bytes) && !socket.writableNeedDrain;
  };

  return {
    write: (bytes) => void (socket.writable && send(bytes)),
    drained: async () => {
      while (socket.writableNeedDrain && !socket.destroyed) {
        await new Promise<void>((resolve) => {
          socket.once('drain', resolve);
          socket.once('close', resolve);
        });
      }
    },
    startTls,
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
};
