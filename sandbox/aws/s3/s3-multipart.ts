/** The S3 stand-in's multipart uploads: parts in any order, an object only when all of them are named and fit. */
import { createHash, randomUUID } from 'node:crypto';
import { compositeChecksum, isChecksumName } from '../checksums.ts';
import { refusal } from '../refusal.ts';
import { receiveFile, receiveText } from './s3-body.ts';
import {
  addObject,
  bucketOf,
  checkConditions,
  checkRoom,
  checksumHeaders,
  header,
  keptHeaders,
  unquoted,
} from './s3-call.ts';
import type { Call, Operation } from './s3-call.ts';
import type { Checksums, Part, Upload } from './s3-shelf.ts';
import { elementsIn, textIn, xml } from '../xml.ts';

const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_PARTS = 10_000;

export const createMultipartUpload: Operation = async (call) => {
  bucketOf(call);
  await receiveText(call.request);
  const algorithm = header(call, 'x-amz-checksum-algorithm')?.toLowerCase() ?? null;
  if (algorithm !== null && !isChecksumName(algorithm)) throw refusal(501, 'NotImplemented');
  if (header(call, 'x-amz-checksum-type') === 'FULL_OBJECT') throw refusal(501, 'NotImplemented');
  const { bucketName: bucket, key } = call;
  const id = randomUUID().replaceAll('-', '');
  const startedAt = call.now.toISOString();
  call.shelf.addUpload({ id, bucket, key, startedAt, headers: keptHeaders(call), checksumName: algorithm });
  return { body: xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id }) };
};

const uploadOf = (call: Call): Upload => {
  bucketOf(call);
  const upload = call.shelf.upload(call.query.get('uploadId') ?? '');
  if (upload && upload.bucket === call.bucketName && upload.key === call.key) return upload;
  const message = 'The specified multipart upload does not exist.';
  throw refusal(404, 'NoSuchUpload', { message });
};

export const uploadPart: Operation = async (call) => {
  const upload = uploadOf(call);
  const number = Number(call.query.get('partNumber'));
  if (!(Number.isInteger(number) && number >= 1 && number <= MAX_PARTS)) {
    throw refusal(400, 'InvalidArgument', { message: 'Part number must be an integer between 1 and 10000, inclusive' });
  }
  checkRoom(call);
  const file = call.shelf.newFile();
  const { sizeBytes, md5, checksums } = await receiveFile(call.request, file);
  if (upload.checksumName && !(upload.checksumName in checksums)) {
    call.shelf.drop([{ file, sizeBytes }]);
    throw refusal(400, 'InvalidRequest', { message: 'Checksum Type mismatch occurred' });
  }
  const etag = Buffer.from(md5, 'base64').toString('hex');
  call.shelf.putPart(upload.id, {
    number,
    bytes: { file, sizeBytes },
    md5: etag,
    checksums,
    modifiedAt: call.now.toISOString(),
  });
  return { headers: { ETag: `"${etag}"`, ...checksumHeaders(checksums) } };
};

export const completeMultipartUpload: Operation = async (call) => {
  const text = await receiveText(call.request);
  const upload = uploadOf(call);
  const parts = namedParts(call, upload, text);
  checkConditions(call);
  const etag = `${md5OfTags(parts)}-${parts.length}`;
  const checksums = checksumOf(upload, parts);
  const sizeBytes = parts.reduce((sum, { bytes }) => sum + bytes.sizeBytes, 0);
  const content = { bytes: parts.map(({ bytes }) => bytes), sizeBytes, etag, headers: upload.headers, checksums };
  const versionHeaders = addObject(call, { content, retention: null });
  call.shelf.endUpload(upload.id, parts);
  const { bucketName: Bucket, key: Key } = call;
  return {
    headers: versionHeaders,
    body: xml('CompleteMultipartUploadResult', {
      Location: `/${Bucket}/${Key}`,
      Bucket,
      Key,
      ETag: `"${etag}"`,
      ...(checksums.sha256 !== undefined && { ChecksumSHA256: checksums.sha256, ChecksumType: 'COMPOSITE' }),
    }),
  };
};

/** The parts that the client lists, if they are there, in order, unchanged and large enough. */
const namedParts = (call: Call, upload: Upload, text: string): Part[] => {
  const stored = new Map(call.shelf.parts(upload.id).map((part) => [part.number, part]));
  const named = elementsIn(text, 'Part');
  if (named.length === 0) throw refusal(400, 'MalformedXML');
  const numbers = named.map((part) => Number(textIn(part, 'PartNumber')));
  if (numbers.some((number, at) => at > 0 && number <= (numbers[at - 1] ?? 0))) throw refusal(400, 'InvalidPartOrder');
  return named.map((text, at) => {
    const part = stored.get(numbers[at] ?? 0);
    if (part === undefined || unquoted(textIn(text, 'ETag') ?? '') !== part.md5) throw refusal(400, 'InvalidPart');
    const checksum = textIn(text, 'ChecksumSHA256');
    const isNeeded = upload.checksumName === 'sha256';
    if ((checksum ?? (isNeeded ? '' : undefined)) !== (isNeeded || checksum ? part.checksums.sha256 : undefined)) {
      throw refusal(400, 'InvalidPart', { message: 'The checksum of a part is missing or another' });
    }
    if (at < named.length - 1 && part.bytes.sizeBytes < MIN_PART_BYTES) {
      throw refusal(400, 'EntityTooSmall', {
        message: 'Your proposed upload is smaller than the minimum allowed size',
      });
    }
    return part;
  });
};

const md5OfTags = (parts: Part[]): string => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part.md5, 'hex');
  return hash.digest('hex');
};

const checksumOf = ({ checksumName }: Upload, parts: Part[]): Checksums => {
  if (checksumName === null) return {};
  return {
    [checksumName]: compositeChecksum(
      checksumName,
      parts.map(({ checksums }) => checksums[checksumName] ?? ''),
    ),
  };
};

export const abortMultipartUpload: Operation = (call) => {
  call.shelf.endUpload(uploadOf(call).id);
  return { status: 204 };
};

export const listParts: Operation = (call) => {
  const upload = uploadOf(call);
  const Part = call.shelf.parts(upload.id).map((part) => ({
    PartNumber: part.number,
    LastModified: part.modifiedAt,
    ETag: `"${part.md5}"`,
    Size: part.bytes.sizeBytes,
    ChecksumSHA256: part.checksums.sha256,
  }));
  const { bucketName: Bucket, key: Key } = call;
  return { body: xml('ListPartsResult', { Bucket, Key, UploadId: upload.id, IsTruncated: false, Part }) };
};

export const listMultipartUploads: Operation = (call) => {
  const Upload = call.shelf
    .uploads(bucketOf(call).name)
    .map(({ id, key, startedAt }) => ({ Key: key, UploadId: id, Initiated: startedAt }));
  return { body: xml('ListMultipartUploadsResult', { Bucket: call.bucketName, IsTruncated: false, Upload }) };
};
