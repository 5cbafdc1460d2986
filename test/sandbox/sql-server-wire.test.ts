import { X509Certificate } from 'node:crypto';
import { assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { selfSignedCertificate } from '../../sandbox/sql-server/certificate.ts';
import { readerOf } from '../../sandbox/sql-server/tds/bytes.ts';
import { PACKET, packetReader, toPackets } from '../../sandbox/sql-server/tds/packets.ts';
import type { Message } from '../../sandbox/sql-server/tds/packets.ts';
import { parseType, readTypeInfo, typeInfo } from '../../sandbox/sql-server/tds/types.ts';
import { encodeValue, readValue } from '../../sandbox/sql-server/tds/values.ts';

const collect = (chunks: readonly Buffer[]): Message[] => {
  const messages: Message[] = [];
  const take = packetReader((message) => messages.push(message));
  for (const chunk of chunks) take(chunk);
  return messages;
};

const cutInto = (bytes: Buffer, length: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.subarray(i * length, (i + 1) * length));

describe('packets', () => {
  test('bring a message through any packet size and any cut of the stream', () => {
    const payloads = uint8Array({ maxLength: 3000 });
    const sizes = integer({ min: 16, max: 700 });
    assert(
      property(payloads, sizes, integer({ min: 1, max: 50 }), (bytes, packetBytes, chunkBytes) => {
        const payload = Buffer.from(bytes);
        const stream = toPackets(PACKET.batch, payload, { packetBytes, isLast: true, sessionId: 51 });
        expect(collect(cutInto(stream, chunkBytes))).toEqual([{ type: PACKET.batch, isIgnored: false, payload }]);
      }),
    );
  });

  test('an open message waits for its end', () => {
    const part = (isLast: boolean) =>
      toPackets(PACKET.response, Buffer.from('ab'), { packetBytes: 64, isLast, sessionId: 1 });
    expect(collect([part(false)])).toEqual([]);
    expect(collect([part(false), part(true)]).map(({ payload }) => payload.toString())).toEqual(['abab']);
  });

  test('a length below the header is refused', () => {
    expect(() => collect([Buffer.from([1, 1, 0, 3, 0, 0, 0, 0])])).toThrow(RangeError);
  });
});

describe('values', () => {
  test.each([
    ['bigint', -(2n ** 63n)],
    ['int', -1n],
    ['nvarchar(20)', 'ä🐙'],
    ['nvarchar(max)', ''],
    ['varbinary(max)', Buffer.from([0, 255])],
    ['float', -0.1],
    ['uniqueidentifier', '6F9619FF-8B86-D011-B42D-00C04FC964FF'],
    ['datetime2(7)', '1969-12-31 23:59:59.999'],
    ['datetimeoffset(7)', '2026-03-04 02:00:00.000 +00:00'],
    ['date', '0001-01-01'],
    ['decimal(18,2)', -1234.56],
  ])('%s is read as it was written', (declaration, value) => {
    const type = parseType(declaration)!;
    const read = readerOf(Buffer.concat([typeInfo(type), encodeValue(type, value), encodeValue(type, null)]));
    const readType = readTypeInfo(read);
    expect(readValue(read, readType)).toEqual(value);
    expect(readValue(read, readType)).toBeNull();
    expect(read.isAtEnd()).toBe(true);
  });
});

describe('the certificate', () => {
  test('is signed by itself, for this machine, for now', () => {
    const { cert } = selfSignedCertificate();
    const certificate = new X509Certificate(cert);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
    expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now());
  });
});
