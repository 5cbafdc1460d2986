/** The S3 stand-in's table of operations, and which of them a request asks for. What is not in it gets 501, as S3 says it. */
import {
  createBucket,
  deleteBucket,
  getBucketVersioning,
  headBucket,
  listBuckets,
  listObjectsV2,
  listObjectVersions,
  putBucketVersioning,
} from './s3-buckets.ts';
import type { Operation } from './s3-call.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
} from './s3-multipart.ts';
import {
  deleteObject,
  getObject,
  getObjectRetention,
  headObject,
  putObject,
  putObjectRetention,
} from './s3-objects.ts';

type Served = { operation: string; extent: 'full' | 'part' | 'none'; note: string; perform?: Operation };

export const serves: Served[] = [
  { operation: 'ListBuckets', extent: 'part', note: 'one page', perform: listBuckets },
  { operation: 'CreateBucket', extent: 'part', note: 'with or without Object Lock; no region', perform: createBucket },
  { operation: 'HeadBucket', extent: 'full', note: '', perform: headBucket },
  { operation: 'DeleteBucket', extent: 'full', note: 'only an empty one', perform: deleteBucket },
  { operation: 'GetBucketVersioning', extent: 'full', note: '', perform: getBucketVersioning },
  { operation: 'PutBucketVersioning', extent: 'part', note: 'no MFA delete', perform: putBucketVersioning },
  {
    operation: 'ListObjectsV2',
    extent: 'part',
    note: 'prefix, start-after, pages, url encoding; no delimiter',
    perform: listObjectsV2,
  },
  { operation: 'ListObjectVersions', extent: 'part', note: 'one page', perform: listObjectVersions },
  {
    operation: 'PutObject',
    extent: 'part',
    note: 'conditions, versions, retention, aws-chunked trailer; CRC32, CRC32C, SHA-1, SHA-256 (no CRC64NVME); no encryption, tags, ACL',
    perform: putObject,
  },
  {
    operation: 'GetObject',
    extent: 'part',
    note: 'one range, versions, If-Match, If-None-Match; no parts',
    perform: getObject,
  },
  { operation: 'HeadObject', extent: 'part', note: 'as GetObject', perform: headObject },
  { operation: 'DeleteObject', extent: 'part', note: 'markers, versions, locks; no If-Match', perform: deleteObject },
  { operation: 'GetObjectRetention', extent: 'full', note: '', perform: getObjectRetention },
  { operation: 'PutObjectRetention', extent: 'full', note: '', perform: putObjectRetention },
  {
    operation: 'CreateMultipartUpload',
    extent: 'part',
    note: 'composite checksums only; no lock',
    perform: createMultipartUpload,
  },
  { operation: 'UploadPart', extent: 'full', note: '', perform: uploadPart },
  {
    operation: 'CompleteMultipartUpload',
    extent: 'part',
    note: 'conditions; SHA-256 of parts compared',
    perform: completeMultipartUpload,
  },
  { operation: 'AbortMultipartUpload', extent: 'full', note: '', perform: abortMultipartUpload },
  { operation: 'ListParts', extent: 'part', note: 'one page', perform: listParts },
  { operation: 'ListMultipartUploads', extent: 'part', note: 'one page', perform: listMultipartUploads },
  { operation: 'DeleteObjects', extent: 'none', note: '' },
  { operation: 'CopyObject', extent: 'none', note: '' },
  { operation: 'UploadPartCopy', extent: 'none', note: '' },
  { operation: 'ListObjects', extent: 'none', note: 'version 1 of the listing' },
];

const operations = new Map(serves.map((row) => [row.operation, row.perform]));

export type Asked = { method: string; key: string; bucketName: string; query: URLSearchParams; isCopy: boolean };

/** The name of the operation and what performs it, if it is served. */
export const operationOf = (asked: Asked): { name: string; perform: Operation | undefined } => {
  const name = nameOf(asked);
  return { name, perform: operations.get(name) };
};

/** Parameters that make another operation of the same method and path. */
const SUB_RESOURCES: Record<string, Record<string, string>> = {
  bucket: {
    'GET versioning': 'GetBucketVersioning',
    'PUT versioning': 'PutBucketVersioning',
    'GET versions': 'ListObjectVersions',
    'GET uploads': 'ListMultipartUploads',
    'GET list-type': 'ListObjectsV2',
    'POST delete': 'DeleteObjects',
  },
  object: {
    'POST uploads': 'CreateMultipartUpload',
    'PUT uploadId': 'UploadPart',
    'POST uploadId': 'CompleteMultipartUpload',
    'DELETE uploadId': 'AbortMultipartUpload',
    'GET uploadId': 'ListParts',
    'GET retention': 'GetObjectRetention',
    'PUT retention': 'PutObjectRetention',
  },
};

const PLAIN: Record<string, Record<string, string>> = {
  service: { GET: 'ListBuckets' },
  bucket: { GET: 'ListObjects', PUT: 'CreateBucket', HEAD: 'HeadBucket', DELETE: 'DeleteBucket' },
  object: { GET: 'GetObject', PUT: 'PutObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' },
};

/** Parameters that only refine an operation. */
const REFINEMENTS = new Set(
  'x-id prefix start-after continuation-token max-keys encoding-type delimiter fetch-owner partNumber versionId'.split(
    ' ',
  ),
);

const nameOf = ({ method, key, bucketName, query, isCopy }: Asked): string => {
  const level = key !== '' ? 'object' : bucketName !== '' ? 'bucket' : 'service';
  const subResource = [...query.keys()].find((name) => !REFINEMENTS.has(name));
  if (isCopy) return subResource === undefined ? 'CopyObject' : 'UploadPartCopy';
  if (subResource === undefined) return PLAIN[level]?.[method] ?? `${method} ${level}`;
  return SUB_RESOURCES[level]?.[`${method} ${subResource}`] ?? `${method} ${level}?${subResource}`;
};
