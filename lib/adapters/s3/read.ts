/** Reading from S3: objects, ranges, and what is known of them without reading. */
import { hash } from 'node:crypto';
import { GetObjectCommand, HeadObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { isOctoError, OctoError } from '../../domain/errors.ts';
import type { ByteRange, HeldObject, ReadObject, StoredObject } from '../../ports/object-store.ts';
import { asking, at, statusOf, storedObject, withHeaders } from './request.ts';
import type { Bucket } from './request.ts';

/** The SDK's own retries end when the headers are there; a body may still break off or arrive damaged. */
const TRIES = 3;

type ReadOptions = { range?: ByteRange; signal?: AbortSignal };

/** The object or a range of it; `null` when there is no such key. @throws StoreDamaged, StoreUnavailable */
export const readObject = async (bucket: Bucket, key: string, options: ReadOptions): Promise<ReadObject | null> => {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(bucket, key, options);
    } catch (error) {
      if (isMissingKey(error)) return null;
      if (statusOf(error) === 416) return emptyRange(bucket, key);
      if (tries === TRIES || !isOctoError(error, 'StoreDamaged', 'StoreUnavailable')) throw error;
    }
  }
};

const readOnce = async (bucket: Bucket, key: string, { range, signal }: ReadOptions): Promise<ReadObject | null> => {
  if (range && range.end <= range.start) return emptyRange(bucket, key);
  const command = new GetObjectCommand({
    ...at(bucket, key),
    ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
  });
  // Asked for by header: by parameter the SDK would compare by itself, and fail with an error that has no name.
  withHeaders(command, { 'x-amz-checksum-mode': 'ENABLED' });
  return asking({ doing: `read of "${key}"`, signal }, async (options) => {
    const output = await bucket.client.send(command, options);
    const bytes = Buffer.from((await output.Body?.transformToByteArray()) ?? []);
    if (bytes.length !== output.ContentLength) {
      throw new OctoError(
        'StoreUnavailable',
        `"${key}" broke off after ${bytes.length} of ${output.ContentLength} bytes`,
      );
    }
    if (range === undefined && !hasSha256(bytes, output.ChecksumSHA256)) {
      throw new OctoError('StoreDamaged', `"${key}" does not have the SHA-256 it was stored with`);
    }
    return { bytes, etag: output.ETag ?? '' };
  });
};

/** Only a checksum of the whole can be compared; that of an object made of parts ends in their number, `…-12`. */
const hasSha256 = (bytes: Buffer, expected: string | undefined): boolean =>
  expected === undefined || expected.includes('-') || hash('sha256', bytes, 'base64') === expected;

/** S3 refuses a range that holds no byte (416); here it is as good as any other. */
const emptyRange = async (bucket: Bucket, key: string): Promise<ReadObject | null> => {
  const object = await headObject(bucket, key);
  return object && { bytes: Buffer.alloc(0), etag: object.etag };
};

/** What S3 knows of an object, with the metadata it was written with; `null` when there is no such key. */
export const headObject = async (
  bucket: Bucket,
  key: string,
): Promise<(HeldObject & { metadata: Record<string, string> }) | null> => {
  const command = new HeadObjectCommand(at(bucket, key));
  try {
    return await asking({ doing: `head of "${key}"` }, async () => {
      const output = await bucket.client.send(command);
      return {
        ...storedObject(key, { ...output, sizeBytes: output.ContentLength }),
        ...(output.VersionId !== undefined && { version: output.VersionId }),
        ...lockOf(output),
        metadata: output.Metadata ?? {},
      };
    });
  } catch (error) {
    if (isMissingKey(error)) return null;
    throw error;
  }
};

/** A legal hold has no end of its own. */
const NEVER = '9999-12-31T23:59:59.999Z';

const lockOf = ({
  ObjectLockLegalHoldStatus,
  ObjectLockRetainUntilDate,
}: HeadObjectCommandOutput): Pick<HeldObject, 'lockedUntil'> => {
  if (ObjectLockLegalHoldStatus === 'ON') return { lockedUntil: NEVER };
  return ObjectLockRetainUntilDate === undefined ? {} : { lockedUntil: ObjectLockRetainUntilDate.toISOString() };
};

/** An answer to HEAD has no body: there a missing bucket cannot be told from a missing key. */
const isMissingKey = (error: unknown): boolean => statusOf(error) === 404 && !isOctoError(error, 'StoreMissing');

export const listObjects = async function* (
  bucket: Bucket,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<StoredObject> {
  const query = {
    Bucket: bucket.name,
    Prefix: bucket.prefix + prefix,
    // XML cannot hold every character that a key can.
    EncodingType: 'url' as const,
    ...(after !== undefined && { StartAfter: bucket.prefix + after }),
  };
  const pages = paginateListObjectsV2({ client: bucket.client }, query);
  for (;;) {
    const page = await asking({ doing: `list of "${prefix}"` }, () => pages.next());
    if (page.done) return;
    for (const { Key = '', Size: sizeBytes, ...object } of page.value.Contents ?? []) {
      yield storedObject(decodeKey(Key).slice(bucket.prefix.length), {
        ETag: object.ETag,
        LastModified: object.LastModified,
        sizeBytes,
      });
    }
  }
};

const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '));
