/** The PNG encoder, taken apart again by the rules of the format. */
import { crc32, inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { encodePng } from '../../lib/domain/png.ts';

/** Chunk types and contents; throws where a length or a checksum is wrong. */
const chunksOf = (file: Buffer): { type: string; content: Buffer }[] => {
  const chunks: { type: string; content: Buffer }[] = [];
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const named = file.subarray(at + 4, at + 8 + length);
    expect(file.readUInt32BE(at + 8 + length)).toBe(crc32(named));
    chunks.push({ type: named.toString('latin1', 0, 4), content: named.subarray(4) });
    at += 12 + length;
  }
  return chunks;
};

it('keeps every pixel and its colour', () => {
  const pixels = Uint8Array.from([0, 1, 2, 2, 1, 0]);
  const palette = [
    [255, 255, 255],
    [1, 2, 3],
    [200, 0, 100],
  ] as const;
  const file = encodePng({ width: 3, height: 2, palette, pixels });
  expect(file.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
  const [head, colours, data, end] = chunksOf(file);
  expect([head, colours, data, end].map((chunk) => chunk?.type)).toEqual(['IHDR', 'PLTE', 'IDAT', 'IEND']);
  expect([head!.content.readUInt32BE(0), head!.content.readUInt32BE(4), ...head!.content.subarray(8)]).toEqual([
    3, 2, 8, 3, 0, 0, 0,
  ]);
  expect([...colours!.content]).toEqual(palette.flat());
  expect([...inflateSync(data!.content)]).toEqual([0, 0, 1, 2, 0, 2, 1, 0]);
});
