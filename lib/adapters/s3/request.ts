/**
 * One request to S3: addressed, abortable, and with its refusals translated by error name, then by status, never by message.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
import type { HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { OctoError } from '../../domain/errors.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { StoredObject } from '../../ports/object-store.ts';
import { isKey } from '../directory/key-path.ts';

/** `prefix` is put before every key. */
export type Bucket = { client: S3Client; name: string; prefix: string };

export const at = ({ name, prefix }: Bucket, key: string): { Bucket: string; Key: string } => {
  if (!isKey(key) || !isKey(prefix + key))
    throw new OctoError('StoreKeyRefused', `"${key.slice(0, 100)}" cannot be a key`);
  return { Bucket: name, Key: prefix + key };
};

export const storedObject = (
  key: string,
  {
    ETag,
    LastModified,
    ...size
  }: Pick<HeadObjectCommandOutput, 'ETag' | 'LastModified'> & { sizeBytes?: number | undefined },
): StoredObject => ({
  key,
  sizeBytes: size.sizeBytes ?? 0,
  etag: ETag ?? '',
  modifiedAt: (LastModified ?? new Date(0)).toISOString(),
});

export type Asking = {
  /** The act and the name of the thing, for the message: `read of "prod/lock.json"`. */
  doing: string;
  signal?: AbortSignal | undefined;
  /** What it means when the request's condition does not hold. */
  lost?: ErrorCode;
};

/** Sends one request and translates its failure; an abort rejects with the signal's reason. */
export const asking = async <T>(
  { doing, signal, lost }: Asking,
  send: (options: { abortSignal?: AbortSignal }) => Promise<T>,
): Promise<T> => {
  try {
    return await send(signal ? { abortSignal: signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw translate(error, doing, lost);
  }
};

/** The HTTP status that a translated error goes back to. */
export const statusOf = (error: unknown): number | undefined => metadataOf(error).httpStatusCode;

/** Did the SDK send the request more than once? Then a refusal may be due to its own earlier success. */
export const wasRepeated = (error: unknown): boolean => (metadataOf(error).attempts ?? 1) > 1;

type Middleware = { request: { headers: Record<string, string> } };

/** Sets headers that the SDK has no parameter for, before it signs. */
export const withHeaders = <C extends { middlewareStack: { add: (...middleware: never[]) => void } }>(
  command: C,
  headers: Record<string, string>,
): C => {
  const middleware = (next: (args: Middleware) => unknown) => (args: Middleware) => {
    Object.assign(args.request.headers, headers);
    return next(args);
  };
  command.middlewareStack.add(middleware as never, { step: 'build', name: 'octoHeaders' } as never);
  return command;
};

const translate = (error: unknown, doing: string, lost: ErrorCode | undefined): unknown => {
  if (!(error instanceof Error) || error instanceof OctoError) return error;
  const status = statusOf(error);
  const code = BY_NAME[error.name] ?? byStatus(status, lost) ?? byErrno(error);
  if (code === undefined) return error;
  return new OctoError(code, `${doing} failed (${error.name})`, {
    cause: error,
    facts: { name: error.name, status: status ?? null },
  });
};

const BY_NAME: Partial<Record<string, ErrorCode>> = {
  NoSuchBucket: 'StoreMissing',
  QuotaExceeded: 'StoreFull',
  XMinioStorageFull: 'StoreFull',
  BadDigest: 'StoreDamaged',
  InvalidDigest: 'StoreDamaged',
  XAmzContentSHA256Mismatch: 'StoreDamaged',
  XAmzContentChecksumMismatch: 'StoreDamaged',
  EntityTooLarge: 'StoreKeyRefused',
  KeyTooLongError: 'StoreKeyRefused',
  RequestTimeout: 'StoreUnavailable',
  IncompleteBody: 'StoreUnavailable',
  TimeoutError: 'StoreUnavailable',
  CredentialsProviderError: 'StoreDenied',
};

const byStatus = (status: number | undefined, lost: ErrorCode | undefined): ErrorCode | undefined => {
  if (status === undefined) return undefined;
  if (status === 412 && lost) return lost;
  // S3 answers `If-Match` on a key that is gone with 404.
  if (status === 404 && lost === 'StoreChanged') return lost;
  if (status === 401 || status === 403) return 'StoreDenied';
  if (status === 409) return 'StoreConflict';
  if (status === 507) return 'StoreFull';
  if (status === 429 || (status >= 500 && status !== 501)) return 'StoreUnavailable';
  return 'StoreUnsuitable';
};

/** Refused connections, lost names, broken pipes: everything that Node marks with a code may pass. */
const byErrno = (error: Error): ErrorCode | undefined => ('code' in error ? 'StoreUnavailable' : undefined);

type Metadata = { httpStatusCode?: number; attempts?: number };

const metadataOf = (error: unknown): Metadata => {
  const original = error instanceof OctoError ? error.cause : error;
  return (original as { $metadata?: Metadata } | null | undefined)?.$metadata ?? {};
};
