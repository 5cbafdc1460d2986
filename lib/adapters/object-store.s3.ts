/**
 * An object store in an S3 bucket, or on any server that speaks S3 and honours conditional writes.
 *
 * The bytes' SHA-256 travels as a checksum and inside the signature, so a server that ignores the one still refuses damage
 * by the other. Retries, back-off and credentials are the SDK's.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API
 */
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore } from '../ports/object-store.ts';
import { headObject, listObjects, readObject } from './s3/read.ts';
import { asking, at } from './s3/request.ts';
import { putObject, uploadObject } from './s3/write.ts';

const CONNECT_MS = 5_000;
const MAX_ATTEMPTS = 5;

export type S3ObjectStoreOptions = {
  bucket: string;
  /** Put before every key; ends in `/`. */
  prefix?: string;
  /** Another server than AWS: addressed by path, since its name has no subdomain for the bucket. */
  endpoint?: string;
  region?: string;
  /** How long a connection may be silent before it is given up. */
  silenceSeconds?: number;
};

/** An object store in `bucket`; credentials come from the SDK's default chain. */
export const s3ObjectStore = (options: S3ObjectStoreOptions): ObjectStore => {
  const bucket = { client: s3Client(options), name: options.bucket, prefix: options.prefix ?? '' };
  return {
    read: (key, options = {}) => readObject(bucket, key, options),
    head: async (key) => {
      const found = await headObject(bucket, key);
      if (found === null) return null;
      const { metadata: _ownMarks, ...held } = found;
      return held;
    },
    create: (key, bytes, options = {}) => putObject(bucket, key, { ...options, bytes }),
    change: (key, bytes, options) => putObject(bucket, key, { ...options, bytes }),
    upload: (key, source, options = {}) => uploadObject(bucket, key, { ...options, source }),
    list: (prefix, { after } = {}) => listObjects(bucket, prefix, after),
    delete: async (key, { version } = {}) => {
      const command = new DeleteObjectCommand({ ...at(bucket, key), VersionId: version });
      await asking({ doing: `delete of "${key}"` }, () => bucket.client.send(command));
    },
  };
};

const s3Client = ({ endpoint, region, silenceSeconds = 60 }: S3ObjectStoreOptions): S3Client =>
  new S3Client({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    retryMode: 'adaptive',
    maxAttempts: MAX_ATTEMPTS,
    // Checksums are set and compared by us, SHA-256 only: other servers than AWS stumble over the SDK's own trailers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: silenceSeconds * 1000 },
  });
