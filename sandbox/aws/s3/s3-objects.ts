/** The S3 stand-in's operations on objects: conditional, checked, versioned and locked as the original's. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { refusal } from '../refusal.ts';
import { receiveFile, receiveText } from './s3-body.ts';
import {
  addObject,
  bucketOf,
  checkConditions,
  checkConditionsAgain,
  checkedRetention,
  checkRoom,
  checksumHeaders,
  header,
  keptHeaders,
  newVersionId,
  preconditionFailed,
  retentionIn,
  unquoted,
  visible,
} from './s3-call.ts';
import type { Answer, Call, Operation } from './s3-call.ts';
import type { StoredBytes, Version } from './s3-shelf.ts';
import { textIn, xml } from '../xml.ts';

export const putObject: Operation = async (call) => {
  bucketOf(call);
  checkConditions(call);
  checkRoom(call);
  const retention = retentionIn(call);
  const file = call.shelf.newFile();
  const { sizeBytes, md5, checksums } = await receiveFile(call.request, file);
  const bytes = [{ file, sizeBytes }];
  try {
    checkConditionsAgain(call);
    const hasDigest = Object.keys(checksums).length > 0 || header(call, 'content-md5') !== undefined;
    if (retention && !hasDigest)
      throw refusal(400, 'InvalidRequest', { message: 'Content-MD5 or a checksum is required' });
  } catch (error) {
    call.shelf.drop(bytes);
    throw error;
  }
  const etag = Buffer.from(md5, 'base64').toString('hex');
  const content = { bytes, sizeBytes, etag, headers: keptHeaders(call), checksums };
  const versionHeaders = addObject(call, { content, retention });
  return { headers: { ETag: `"${etag}"`, ...checksumHeaders(checksums), ...versionHeaders } };
};

export const getObject: Operation = (call) => {
  const version = visible(call);
  const refused = conditionalAnswer(call, version);
  if (refused) return refused;
  const { sizeBytes, bytes } = version.content;
  const range = rangeIn(call, sizeBytes);
  const [start, end] = range ?? [0, sizeBytes];
  const partial = range && { 'Content-Range': `bytes ${start}-${end - 1}/${sizeBytes}` };
  return {
    status: range ? 206 : 200,
    headers: { ...objectHeaders(call, version), ...partial, 'Content-Length': String(end - start) },
    body: Readable.from(piecesOf(bytes, start, end)),
  };
};

export const headObject: Operation = (call) => {
  const version = visible(call);
  const refused = conditionalAnswer(call, version);
  if (refused) return refused;
  return { headers: { ...objectHeaders(call, version), 'Content-Length': String(version.content.sizeBytes) } };
};

const conditionalAnswer = (call: Call, { content }: Version): Answer | null => {
  const match = header(call, 'if-match');
  if (match !== undefined && unquoted(match) !== content.etag) throw preconditionFailed('If-Match');
  const noneMatch = header(call, 'if-none-match');
  if (noneMatch === undefined) return null;
  return noneMatch === '*' || unquoted(noneMatch) === content.etag ? { status: 304 } : null;
};

const objectHeaders = (call: Call, { content, modifiedAt, retention, versionId }: Version): Record<string, string> => ({
  ...content.headers,
  ETag: `"${content.etag}"`,
  'Last-Modified': new Date(modifiedAt).toUTCString(),
  'Accept-Ranges': 'bytes',
  ...(header(call, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' &&
    header(call, 'range') === undefined &&
    checksumHeaders(content.checksums)),
  ...(bucketOf(call).versioning !== 'Off' && { 'x-amz-version-id': versionId }),
  ...(retention && {
    'x-amz-object-lock-mode': retention.mode,
    'x-amz-object-lock-retain-until-date': retention.until,
  }),
});

/** The one range asked for, as first and past-the-last byte; several at once, or nonsense, are answered whole. */
const rangeIn = (call: Call, sizeBytes: number): [number, number] | null => {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header(call, 'range') ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return null;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (start >= sizeBytes) {
    const message = 'The requested range is not satisfiable';
    throw refusal(416, 'InvalidRange', { message, ActualObjectSize: String(sizeBytes) });
  }
  return [start, end];
};

const piecesOf = async function* (files: StoredBytes[], start: number, end: number): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const { file, sizeBytes } of files) {
    const [from, to] = [Math.max(start - offset, 0), Math.min(end - offset, sizeBytes)];
    offset += sizeBytes;
    if (from < to) yield* createReadStream(file, { start: from, end: to - 1 }) as AsyncIterable<Buffer>;
  }
};

export const deleteObject: Operation = (call) => {
  const bucket = bucketOf(call);
  if (header(call, 'if-match') !== undefined) throw refusal(501, 'NotImplemented', { Header: 'If-Match' });
  const asked = call.query.get('versionId');
  if (asked !== null) return deleteVersion(call, asked);
  if (bucket.versioning === 'Off') {
    const version = call.shelf.newest(call.bucketName, call.key);
    if (version) call.shelf.deleteVersion(version);
    return { status: 204 };
  }
  const versionId = bucket.versioning === 'Enabled' ? newVersionId() : 'null';
  call.shelf.addVersion({
    bucket: call.bucketName,
    key: call.key,
    versionId,
    isMarker: true,
    modifiedAt: call.now.toISOString(),
    content: { bytes: [], sizeBytes: 0, etag: '', headers: {}, checksums: {} },
    retention: null,
  });
  return { status: 204, headers: { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId } };
};

const deleteVersion = (call: Call, versionId: string): Answer => {
  const version = call.shelf.version(call.bucketName, call.key, versionId);
  if (version === null) return { status: 204, headers: { 'x-amz-version-id': versionId } };
  if (isLocked(call, version))
    throw refusal(403, 'AccessDenied', { message: 'Access Denied because object protected by object lock.' });
  call.shelf.deleteVersion(version);
  const marker = version.isMarker && { 'x-amz-delete-marker': 'true' };
  return { status: 204, headers: { 'x-amz-version-id': versionId, ...marker } };
};

/** Governance gives way to whoever asks for it by header; compliance to nobody. */
const isLocked = (call: Call, { retention }: Version): boolean => {
  if (retention === null || Date.parse(retention.until) <= call.now.getTime()) return false;
  return !(retention.mode === 'GOVERNANCE' && header(call, 'x-amz-bypass-governance-retention') === 'true');
};

export const getObjectRetention: Operation = (call) => {
  const { retention } = visible(call);
  if (retention === null) {
    const message = 'The specified object does not have a ObjectLock configuration';
    throw refusal(404, 'NoSuchObjectLockConfiguration', { message });
  }
  return { body: xml('Retention', { Mode: retention.mode, RetainUntilDate: retention.until }) };
};

export const putObjectRetention: Operation = async (call) => {
  const text = await receiveText(call.request);
  const asked = { mode: textIn(text, 'Mode') ?? '', until: textIn(text, 'RetainUntilDate') ?? '' };
  const retention = checkedRetention(call, asked);
  const version = visible(call);
  const isWeaker =
    version.retention !== null &&
    (retention.until < version.retention.until ||
      (version.retention.mode === 'COMPLIANCE' && retention.mode === 'GOVERNANCE'));
  if (isWeaker && isLocked(call, version)) throw refusal(403, 'AccessDenied', { message: 'Access Denied' });
  call.shelf.setRetention(version, retention);
  return {};
};
