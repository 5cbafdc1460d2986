/** The S3 stand-in's operations on buckets, and its listings. */
import { refusal } from '../refusal.ts';
import { receiveText } from './s3-body.ts';
import { bucketOf, header } from './s3-call.ts';
import type { Call, Operation } from './s3-call.ts';
import type { Version } from './s3-shelf.ts';
import { encode } from '../signature.ts';
import { textIn, xml } from '../xml.ts';

const BUCKET_NAME = /^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PAGE = 1_000;

export const listBuckets: Operation = (call) => ({
  body: xml('ListAllMyBucketsResult', {
    Owner: { ID: 'sandbox' },
    Buckets: { Bucket: call.shelf.buckets().map(({ name, createdAt }) => ({ Name: name, CreationDate: createdAt })) },
  }),
});

export const createBucket: Operation = async (call) => {
  await receiveText(call.request);
  if (!BUCKET_NAME.test(call.bucketName)) throw refusal(400, 'InvalidBucketName');
  if (call.shelf.bucket(call.bucketName)) throw refusal(409, 'BucketAlreadyOwnedByYou');
  const hasObjectLock = header(call, 'x-amz-bucket-object-lock-enabled') === 'true';
  call.shelf.putBucket({
    name: call.bucketName,
    versioning: hasObjectLock ? 'Enabled' : 'Off',
    hasObjectLock,
    createdAt: call.now.toISOString(),
  });
  return { headers: { Location: `/${call.bucketName}` } };
};

export const headBucket: Operation = (call) => {
  bucketOf(call);
  return { headers: { 'x-amz-bucket-region': 'us-east-1' } };
};

export const deleteBucket: Operation = (call) => {
  if (!call.shelf.isEmpty(bucketOf(call).name)) throw refusal(409, 'BucketNotEmpty');
  call.shelf.deleteBucket(call.bucketName);
  return { status: 204 };
};

export const getBucketVersioning: Operation = (call) => {
  const { versioning } = bucketOf(call);
  return { body: xml('VersioningConfiguration', { Status: versioning === 'Off' ? undefined : versioning }) };
};

export const putBucketVersioning: Operation = async (call) => {
  const bucket = bucketOf(call);
  const status = textIn(await receiveText(call.request), 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw refusal(400, 'IllegalVersioningConfigurationException');
  if (bucket.hasObjectLock && status === 'Suspended') throw refusal(409, 'InvalidBucketState');
  call.shelf.putBucket({ ...bucket, versioning: status });
  return {};
};

export const listObjectsV2: Operation = (call) => {
  bucketOf(call);
  if (call.query.has('delimiter')) throw refusal(501, 'NotImplemented', { message: 'delimiter is not served' });
  const prefix = call.query.get('prefix') ?? '';
  const token = call.query.get('continuation-token');
  const startAfter = call.query.get('start-after') ?? '';
  const after = token === null ? startAfter : Buffer.from(token, 'base64url').toString('utf8');
  const limit = pageSize(call);
  const found = call.shelf.listNewest(call.bucketName, { prefix, after, limit: limit + 1 });
  const page = found.slice(0, limit);
  const isTruncated = found.length > limit && page.length > 0;
  const name = namesOf(call);
  return {
    body: xml('ListBucketResult', {
      Name: call.bucketName,
      Prefix: name(prefix),
      KeyCount: page.length,
      MaxKeys: limit,
      EncodingType: call.query.get('encoding-type') ?? undefined,
      IsTruncated: isTruncated,
      NextContinuationToken: isTruncated ? Buffer.from(page.at(-1)?.key ?? '').toString('base64url') : undefined,
      Contents: page.map((version) => contents(version, name)),
    }),
  };
};

const pageSize = (call: Call): number => {
  const asked = Number(call.query.get('max-keys') ?? PAGE);
  if (!Number.isInteger(asked) || asked < 0) throw refusal(400, 'InvalidArgument', { ArgumentName: 'max-keys' });
  return Math.min(asked, PAGE);
};

/** Keys as they are, or with `encoding-type=url` as a form would send them. */
const namesOf = (call: Call): ((key: string) => string) => {
  const type = call.query.get('encoding-type');
  if (type !== null && type !== 'url') throw refusal(400, 'InvalidArgument', { ArgumentName: 'encoding-type' });
  return type === 'url' ? (key) => encode(key).replaceAll('%2F', '/').replaceAll('%20', '+') : (key) => key;
};

const contents = ({ key, modifiedAt, content }: Version, name: (key: string) => string) => ({
  Key: name(key),
  LastModified: modifiedAt,
  ETag: `"${content.etag}"`,
  Size: content.sizeBytes,
  StorageClass: 'STANDARD',
});

export const listObjectVersions: Operation = (call) => {
  bucketOf(call);
  const name = namesOf(call);
  const versions = call.shelf.listVersions(call.bucketName, call.query.get('prefix') ?? '');
  const described = versions.map((version, at) => ({
    isMarker: version.isMarker,
    entry: {
      ...(version.isMarker ? { Key: name(version.key), LastModified: version.modifiedAt } : contents(version, name)),
      VersionId: version.versionId,
      IsLatest: versions[at - 1]?.key !== version.key,
    },
  }));
  const entries = (isMarker: boolean) =>
    described.filter((each) => each.isMarker === isMarker).map(({ entry }) => entry);
  return {
    body: xml('ListVersionsResult', {
      Name: call.bucketName,
      IsTruncated: false,
      EncodingType: call.query.get('encoding-type') ?? undefined,
      Version: entries(false),
      DeleteMarker: entries(true),
    }),
  };
};
