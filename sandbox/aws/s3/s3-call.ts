/** One call of an S3 operation and its answer, and what several operations need of them. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { refusal } from '../refusal.ts';
import type { Bucket, Checksums, KeptHeaders, Shelf, Version } from './s3-shelf.ts';

export type Call = {
  shelf: Shelf;
  request: IncomingMessage;
  bucketName: string;
  key: string;
  query: URLSearchParams;
  now: Date;
  /** Set by the fault switch: there is room for nothing more. */
  isFull: boolean;
};

export type Answer = { status?: number; headers?: Record<string, string>; body?: string | Readable };
export type Operation = (call: Call) => Answer | Promise<Answer>;

export const header = (call: Call, name: string): string | undefined => call.request.headers[name]?.toString();

export const bucketOf = (call: Call): Bucket => {
  const bucket = call.shelf.bucket(call.bucketName);
  if (bucket) return bucket;
  const message = 'The specified bucket does not exist';
  throw refusal(404, 'NoSuchBucket', { message, BucketName: call.bucketName });
};

/** The object that a reader sees: the newest version, or the one asked for, unless it is a delete marker. */
export const visible = (call: Call): Version => {
  bucketOf(call);
  const versionId = call.query.get('versionId');
  const version = versionId
    ? call.shelf.version(call.bucketName, call.key, versionId)
    : call.shelf.newest(call.bucketName, call.key);
  if (version && !version.isMarker) return version;
  if (version && versionId) throw refusal(405, 'MethodNotAllowed');
  if (versionId) throw refusal(404, 'NoSuchVersion', { message: 'The specified version does not exist.' });
  throw refusal(404, 'NoSuchKey', { message: 'The specified key does not exist.', Key: call.key });
};

/** Throws 412 when the key is taken (`If-None-Match: *`) or is another version (`If-Match`), 404 when that is gone. */
export const checkConditions = (call: Call): void => {
  const newest = call.shelf.newest(call.bucketName, call.key);
  const etag = newest === null || newest.isMarker ? null : newest.content.etag;
  const noneMatch = header(call, 'if-none-match');
  const match = header(call, 'if-match');
  if (noneMatch !== undefined && noneMatch !== '*') throw refusal(501, 'NotImplemented', { Header: 'If-None-Match' });
  if (noneMatch !== undefined && etag !== null) throw preconditionFailed('If-None-Match');
  if (match !== undefined && etag === null) throw refusal(404, 'NoSuchKey', { Key: call.key });
  if (match !== undefined && unquoted(match) !== etag) throw preconditionFailed('If-Match');
};

/** The same, after the bytes have come in: what held at the start and does no more is a conflict, to be tried again. */
export const checkConditionsAgain = (call: Call): void => {
  try {
    checkConditions(call);
  } catch (error) {
    throw refusal(409, 'ConditionalRequestConflict', { message: (error as Error).message, Key: call.key });
  }
};

export const preconditionFailed = (condition: string) =>
  refusal(412, 'PreconditionFailed', {
    message: 'At least one of the pre-conditions you specified did not hold',
    Condition: condition,
  });

export const unquoted = (etag: string): string => etag.replaceAll('"', '');

const KEPT = /^(content-type|content-encoding|cache-control|content-disposition|x-amz-meta-.+)$/;

/** The headers of a write that come back with the object. */
export const keptHeaders = (call: Call): KeptHeaders => {
  const kept: KeptHeaders = {};
  for (const [name, value] of Object.entries(call.request.headers)) {
    if (!KEPT.test(name)) continue;
    const text = String(value).replace(/(^|,)aws-chunked(,|$)/, '');
    if (text !== '') kept[name] = text;
  }
  return kept;
};

export const checksumHeaders = (checksums: Checksums): Record<string, string> => {
  const entries = Object.entries(checksums);
  if (entries.length === 0) return {};
  const type = entries.some(([, value]) => value.includes('-')) ? 'COMPOSITE' : 'FULL_OBJECT';
  return {
    ...Object.fromEntries(entries.map(([name, value]) => [`x-amz-checksum-${name}`, value])),
    'x-amz-checksum-type': type,
  };
};

export const newVersionId = (): string => randomUUID().replaceAll('-', '');

/** Puts a new version on top and says how it is called. */
export const addObject = (
  call: Call,
  { content, retention }: { content: Version['content']; retention: Version['retention'] },
): Record<string, string> => {
  const bucket = bucketOf(call);
  const versionId = bucket.versioning === 'Enabled' ? newVersionId() : 'null';
  call.shelf.addVersion({
    bucket: call.bucketName,
    key: call.key,
    versionId,
    isMarker: false,
    modifiedAt: call.now.toISOString(),
    content,
    retention,
  });
  return bucket.versioning === 'Off' ? {} : { 'x-amz-version-id': versionId };
};

/** The retention a write asks for. */
export const retentionIn = (call: Call): Version['retention'] => {
  const mode = header(call, 'x-amz-object-lock-mode');
  const until = header(call, 'x-amz-object-lock-retain-until-date');
  if (mode === undefined && until === undefined) return null;
  return checkedRetention(call, { mode: mode ?? '', until: until ?? '' });
};

export const checkedRetention = (call: Call, { mode, until }: { mode: string; until: string }) => {
  if (!bucketOf(call).hasObjectLock) {
    throw refusal(400, 'InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' });
  }
  if (!/^(GOVERNANCE|COMPLIANCE)$/.test(mode) || !(Date.parse(until) > call.now.getTime())) {
    throw refusal(400, 'InvalidArgument', { message: 'The retain until date must be in the future!' });
  }
  return { mode, until: new Date(until).toISOString() };
};

export const checkRoom = (call: Call): void => {
  if (call.isFull) throw refusal(507, 'QuotaExceeded', { message: 'There is no room left' });
};
