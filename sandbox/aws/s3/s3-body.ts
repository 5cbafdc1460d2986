/**
 * Takes in the body of a request: undoes `aws-chunked`, and compares every length and digest the client gave. What does not
 * fit is refused as S3 refuses it, and nothing of it stays.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { CHECKSUM_NAMES, isChecksumName, runningChecksum } from '../checksums.ts';
import type { ChecksumName } from '../checksums.ts';
import { refusal } from '../refusal.ts';

const TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
/** One PUT or part, as S3 has it. */
const MAX_BODY_BYTES = 5 * 1024 ** 3;
const MAX_TEXT_BYTES = 2 * 1024 ** 2;

export type Received = { sizeBytes: number; md5: string; checksums: Partial<Record<ChecksumName, string>> };

/** Receives the body into a new file at `path`. */
export const receiveFile = async (request: IncomingMessage, path: string): Promise<Received> => {
  const file = openSync(path, 'wx');
  try {
    return await receive(request, { maxBytes: MAX_BODY_BYTES, write: (piece) => writeWhole(file, piece) });
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
};

/** Receives a small body, such as XML, as text. */
export const receiveText = async (request: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = [];
  await receive(request, { maxBytes: MAX_TEXT_BYTES, write: (piece) => pieces.push(Buffer.from(piece)) });
  return Buffer.concat(pieces).toString('utf8');
};

type Sink = { maxBytes: number; write: (piece: Buffer) => void };

const receive = async (request: IncomingMessage, { maxBytes, write }: Sink): Promise<Received> => {
  const { headers } = request;
  const payloadHash = String(headers['x-amz-content-sha256'] ?? '');
  if (payloadHash === '') {
    throw refusal(400, 'InvalidRequest', { message: 'Missing required header for this request: x-amz-content-sha256' });
  }
  const isChunked = payloadHash === TRAILER;
  if (payloadHash.startsWith('STREAMING-') && !isChunked) throw refusal(501, 'NotImplemented');
  const expected = digestsIn(headers);
  const trailers: Record<string, string> = {};
  const announced = String(headers['x-amz-trailer'] ?? '');
  const wanted = [...Object.keys(expected), announced.replace('x-amz-checksum-', '')].filter(isChecksumName);
  const running = wanted.map((name) => [name, runningChecksum(name)] as const);
  const [md5, sha256] = [runningChecksum('md5'), createHash('sha256')];
  let sizeBytes = 0;
  for await (const piece of isChunked ? unchunk(request, trailers) : (request as AsyncIterable<Buffer>)) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) throw refusal(400, 'EntityTooLarge');
    for (const [, checksum] of running) checksum.update(piece);
    md5.update(piece);
    if (!isChunked) sha256.update(piece);
    write(piece);
  }
  if (sizeBytes !== lengthIn(headers, isChunked)) throw refusal(400, 'IncompleteBody');
  if (/^[0-9a-f]{64}$/.test(payloadHash) && payloadHash !== sha256.digest('hex')) {
    throw refusal(400, 'XAmzContentSHA256Mismatch');
  }
  const checksums = Object.fromEntries(running.map(([name, checksum]) => [name, checksum.digest()]));
  const received = { sizeBytes, md5: md5.digest(), checksums };
  compare(received, { ...expected, ...digestsIn(trailers) }, headers['content-md5']);
  if (announced !== '' && !(announced in trailers)) throw refusal(400, 'MalformedTrailerError');
  return received;
};

const compare = (received: Received, expected: Record<string, string>, contentMd5: unknown): void => {
  if (contentMd5 !== undefined && contentMd5 !== received.md5) throw refusal(400, 'BadDigest');
  for (const name of CHECKSUM_NAMES) {
    if (name in expected && expected[name] !== received.checksums[name]) {
      throw refusal(400, 'BadDigest', {
        message: `The ${name.toUpperCase()} you specified did not match the calculated checksum.`,
      });
    }
  }
};

const digestsIn = (headers: Record<string, unknown>): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const [header, value] of Object.entries(headers)) {
    const name = /^x-amz-checksum-(?!mode|type|algorithm)(.+)$/.exec(header)?.[1];
    if (name === undefined) continue;
    if (!isChecksumName(name)) throw refusal(501, 'NotImplemented', { message: `checksum ${name} is not served` });
    found[name] = String(value);
  }
  return found;
};

const lengthIn = (headers: IncomingMessage['headers'], isChunked: boolean): number => {
  const length = headers[isChunked ? 'x-amz-decoded-content-length' : 'content-length'];
  if (length === undefined && headers['transfer-encoding'] !== undefined) throw refusal(411, 'MissingContentLength');
  return Number(length ?? 0);
};

/** The content of an `aws-chunked` body: `<hex length>\r\n<bytes>\r\n`, a chunk of length 0, then `name:value` lines. */
const unchunk = async function* (request: IncomingMessage, trailers: Record<string, string>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let left = 0;
  let isTrailer = false;
  for await (const piece of request as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    for (;;) {
      if (left > 0) {
        const content = rest.subarray(0, left);
        if (content.length > 0) yield content;
        left -= content.length;
        rest = rest.subarray(content.length);
        if (left > 0) break;
      }
      const end = rest.indexOf('\r\n');
      if (end < 0) break;
      const line = rest.subarray(0, end).toString('latin1');
      rest = rest.subarray(end + 2);
      if (isTrailer) readTrailer(line, trailers);
      else if (line !== '') {
        if (!/^[0-9a-f]+$/i.test(line)) throw refusal(400, 'IncompleteBody');
        left = Number.parseInt(line, 16);
        isTrailer = left === 0;
      }
    }
  }
  if (!isTrailer) throw refusal(400, 'IncompleteBody');
};

const readTrailer = (line: string, trailers: Record<string, string>): void => {
  const colon = line.indexOf(':');
  if (colon > 0) trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
};

const writeWhole = (file: number, bytes: Buffer): void => {
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
};
