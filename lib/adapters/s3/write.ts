/**
 * Writing to S3, always under a condition that S3 decides: `If-None-Match: *` to create, `If-Match` to change.
 *
 * Each write carries an id of its own. When the SDK repeats a request whose answer was lost, S3 refuses the second because
 * the first had worked; the id on the stored object tells that from another writer's.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import { hash, randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { OctoError } from '../../domain/errors.ts';
import type { WriteOptions, Written } from '../../ports/object-store.ts';
import { headObject } from './read.ts';
import { asking, at, statusOf, wasRepeated, withHeaders } from './request.ts';
import type { Bucket } from './request.ts';

const WRITE_ID = 'octo-write';
const MIB = 1024 * 1024;
const FIRST_PART_BYTES = 8 * MIB;
const PARTS_PER_SIZE = 2_000;
const MAX_PARTS = 10_000;

/** Size of the n-th part, from 1. S3 takes 10,000 of them: doubling after every 2,000 reaches 484 GiB, and 128 MiB a part. */
export const partSizeBytes = (number: number): number =>
  FIRST_PART_BYTES * 2 ** Math.floor((number - 1) / PARTS_PER_SIZE);

/** Creates the object, or with `etag` replaces that version. @throws StoreKeyExists, StoreChanged */
export const putObject = async (
  bucket: Bucket,
  key: string,
  { bytes, etag, sha256 = hash('sha256', bytes), signal }: WriteOptions & { bytes: Uint8Array; etag?: string },
): Promise<Written> => {
  const writeId = randomUUID();
  const command = new PutObjectCommand({
    ...at(bucket, key),
    ...(etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }),
    Body: bytes,
    ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
    Metadata: { [WRITE_ID]: writeId },
  });
  // Saves the SDK a second hash, and servers that ignore the checksum still compare this one.
  withHeaders(command, { 'x-amz-content-sha256': sha256 });
  const lost = etag === undefined ? 'StoreKeyExists' : 'StoreChanged';
  return knowingItsOwn(bucket, { key, writeId }, () =>
    asking({ doing: `write of "${key}"`, signal, lost }, async (options) => {
      const { ETag = '' } = await bucket.client.send(command, options);
      return { etag: ETag };
    }),
  );
};

type OwnWrite = { key: string; writeId: string };

/** Runs a write; a refusal that only met the same write's earlier, unanswered success is a success. */
const knowingItsOwn = async (bucket: Bucket, own: OwnWrite, write: () => Promise<Written>): Promise<Written> => {
  try {
    return await write();
  } catch (error) {
    if (!wasRepeated(error) || ![404, 412].includes(statusOf(error) ?? 0)) throw error;
    const stored = await headObject(bucket, own.key);
    if (stored?.metadata[WRITE_ID] !== own.writeId) throw error;
    return { etag: stored.etag };
  }
};

type UploadOptions = { signal?: AbortSignal };

/** Creates the object from a stream: at most two parts are in memory, and one that fits in a part is a single request. */
export const uploadObject = async (
  bucket: Bucket,
  key: string,
  { source, signal }: UploadOptions & { source: AsyncIterable<Uint8Array> },
): Promise<Written> => {
  const parts = inParts(source);
  const first = (await parts.next()).value ?? Buffer.alloc(0);
  if (first.length < FIRST_PART_BYTES) return putObject(bucket, key, { bytes: first, ...(signal && { signal }) });
  const own = { key, writeId: randomUUID() };
  const upload = await startUpload(bucket, own, signal);
  try {
    const completed = await sendParts(upload, { first, rest: parts });
    return await knowingItsOwn(bucket, own, () => completeUpload(upload, completed));
  } catch (error) {
    await abandonUpload(upload);
    throw error;
  }
};

type Upload = { bucket: Bucket; key: string; uploadId: string; signal: AbortSignal | undefined };

const startUpload = async (bucket: Bucket, own: OwnWrite, signal: AbortSignal | undefined): Promise<Upload> => {
  const command = new CreateMultipartUploadCommand({
    ...at(bucket, own.key),
    ChecksumAlgorithm: 'SHA256',
    Metadata: { [WRITE_ID]: own.writeId },
  });
  return asking({ doing: `upload of "${own.key}"`, signal }, async (options) => {
    const { UploadId = '' } = await bucket.client.send(command, options);
    return { bucket, key: own.key, uploadId: UploadId, signal };
  });
};

const sendParts = async (
  upload: Upload,
  { first, rest }: { first: Buffer; rest: AsyncIterable<Buffer> },
): Promise<CompletedPart[]> => {
  const completed: CompletedPart[] = [];
  let inFlight = sendPart(upload, 1, first);
  // Its failure is met where it is awaited; until then it must not end the process.
  inFlight.catch(() => undefined);
  try {
    for await (const part of rest) {
      completed.push(await inFlight);
      inFlight = sendPart(upload, completed.length + 1, part);
      inFlight.catch(() => undefined);
    }
    return [...completed, await inFlight];
  } finally {
    // A part still on its way when the upload is abandoned would stay behind.
    await Promise.allSettled([inFlight]);
  }
};

const sendPart = async (upload: Upload, number: number, bytes: Buffer): Promise<CompletedPart> => {
  const { bucket, key, uploadId, signal } = upload;
  if (number > MAX_PARTS) throw new OctoError('StoreKeyRefused', `"${key}" is larger than an upload of 10,000 parts`);
  const sha256 = hash('sha256', bytes);
  const checksum = Buffer.from(sha256, 'hex').toString('base64');
  const command = new UploadPartCommand({
    ...at(bucket, key),
    UploadId: uploadId,
    PartNumber: number,
    Body: bytes,
    ChecksumSHA256: checksum,
  });
  withHeaders(command, { 'x-amz-content-sha256': sha256 });
  return asking({ doing: `upload of "${key}", part ${number}`, signal }, async (options) => {
    const output = await bucket.client.send(command, options);
    return { PartNumber: number, ETag: output.ETag, ChecksumSHA256: output.ChecksumSHA256 };
  });
};

const completeUpload = async ({ bucket, key, uploadId, signal }: Upload, parts: CompletedPart[]): Promise<Written> => {
  const command = new CompleteMultipartUploadCommand({
    ...at(bucket, key),
    UploadId: uploadId,
    IfNoneMatch: '*',
    MultipartUpload: { Parts: parts },
  });
  return asking({ doing: `upload of "${key}"`, signal, lost: 'StoreKeyExists' }, async (options) => {
    const { ETag } = await bucket.client.send(command, options);
    // Ceph leaves the tag out of this answer.
    return { etag: ETag || ((await headObject(bucket, key))?.etag ?? '') };
  });
};

/** Frees what the parts take. Should this fail as well, the bucket's rule for incomplete uploads does it days later. */
const abandonUpload = async ({ bucket, key, uploadId }: Upload): Promise<void> => {
  const command = new AbortMultipartUploadCommand({ ...at(bucket, key), UploadId: uploadId });
  await bucket.client.send(command).catch(() => undefined);
};

/** Cuts a stream into parts, each of its full size but the last. */
const inParts = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let number = 1;
  let part = Buffer.allocUnsafe(partSizeBytes(number));
  let filled = 0;
  for await (let rest of source) {
    while (rest.length > 0) {
      const piece = rest.subarray(0, part.length - filled);
      part.set(piece, filled);
      filled += piece.length;
      rest = rest.subarray(piece.length);
      if (filled < part.length) continue;
      yield part;
      number++;
      part = Buffer.allocUnsafe(partSizeBytes(number));
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
};
