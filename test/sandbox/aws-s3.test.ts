import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import * as sdk from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serves, startS3 } from '../../sandbox/aws/s3.ts';
import type { S3StandIn } from '../../sandbox/aws/s3.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';

const MIB = 1024 * 1024;
let directory: string;
let s3: S3StandIn;
/** With the SDK's defaults: checksums on everything, trailers on streams. */
let client: sdk.S3Client;
let bucket: { Bucket: string };

const clientWith = (secretAccessKey: string, accessKeyId = SANDBOX_CREDENTIALS.accessKeyId) =>
  new sdk.S3Client({
    endpoint: s3.url,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey },
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-sandbox-s3-'));
  s3 = await startS3({ directory });
  client = clientWith(SANDBOX_CREDENTIALS.secretAccessKey);
});
afterAll(async () => {
  await s3.close();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  bucket = { Bucket: `b-${randomUUID()}` };
  await client.send(new sdk.CreateBucketCommand(bucket));
});

const put = (key: string, body: string, more: Partial<sdk.PutObjectCommandInput> = {}) =>
  client.send(new sdk.PutObjectCommand({ ...bucket, Key: key, Body: body, ...more }));
const get = async (key: string, more: Partial<sdk.GetObjectCommandInput> = {}) => {
  const output = await client.send(new sdk.GetObjectCommand({ ...bucket, Key: key, ...more }));
  return { ...output, text: await output.Body?.transformToString() };
};
const failure = async (call: Promise<unknown>) => {
  const error = (await call.then(() => null).catch((thrown: unknown) => thrown)) as sdk.S3ServiceException | null;
  return error && { name: error.name, status: error.$metadata.httpStatusCode };
};

describe('signatures', () => {
  test('another secret, another account, or none is refused', async () => {
    const head = new sdk.ListObjectsV2Command(bucket);
    expect(await failure(clientWith('wrong').send(head))).toEqual({ name: 'SignatureDoesNotMatch', status: 403 });
    const stranger = clientWith(SANDBOX_CREDENTIALS.secretAccessKey, 'AKIAELSE');
    expect(await failure(stranger.send(head))).toEqual({ name: 'InvalidAccessKeyId', status: 403 });
    const anonymous = await fetch(`${s3.url}/${bucket.Bucket}/k`);
    expect(anonymous.status).toBe(403);
    expect(await anonymous.text()).toContain('<Code>AccessDenied</Code>');
  });

  test('a request changed on its way is refused', async () => {
    for (const change of [
      (request: { path: string }) => void (request.path += 'x'),
      (request: { headers: Record<string, string> }) => void (request.headers['x-amz-meta-a'] = 'changed'),
      (request: { headers: Record<string, string> }) => void (request.headers['x-amz-new'] = 'unsigned'),
    ]) {
      const command = new sdk.PutObjectCommand({ ...bucket, Key: 'k', Body: 'x', Metadata: { a: 'b' } });
      command.middlewareStack.add(
        (next) => (args) => {
          change(args.request as never);
          return next(args);
        },
        { step: 'finalizeRequest', priority: 'low' },
      );
      expect((await failure(client.send(command)))?.status).toBe(403);
    }
    expect(await failure(get('k'))).toEqual({ name: 'NoSuchKey', status: 404 });
  });

  test('a clock that is wrong by more than fifteen minutes is refused', async () => {
    const late = clientWith(SANDBOX_CREDENTIALS.secretAccessKey);
    late.config.systemClockOffset = -16 * 60_000;
    expect((await failure(late.send(new sdk.ListObjectsV2Command(bucket))))?.name).toBe('RequestTimeTooSkewed');
  });
});

describe('bytes', () => {
  test.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)(
    '%s is checked on the way in and given back',
    async (ChecksumAlgorithm) => {
      const written = await put('k', 'hello', { ChecksumAlgorithm });
      const expected = written[`Checksum${ChecksumAlgorithm}`];
      expect(expected).toMatch(/^[A-Za-z0-9+/]+=*$/);
      const read = await get('k', { ChecksumMode: 'ENABLED' });
      expect(read).toMatchObject({
        text: 'hello',
        [`Checksum${ChecksumAlgorithm}`]: expected,
        ChecksumType: 'FULL_OBJECT',
      });
      const wrong = Buffer.alloc(Buffer.from(expected ?? '', 'base64').length).toString('base64');
      expect(await failure(put('k', 'hello', { [`Checksum${ChecksumAlgorithm}`]: wrong }))).toEqual({
        name: 'BadDigest',
        status: 400,
      });
    },
  );

  test('CRC32C gives the check value of its standard', async () => {
    const { ChecksumCRC32C } = await put('k', '123456789', { ChecksumAlgorithm: 'CRC32C' });
    expect(Buffer.from(ChecksumCRC32C ?? '', 'base64').toString('hex')).toBe('e3069283');
  });

  test('a stream with a trailer is stored without its framing', async () => {
    const content = Buffer.alloc(300_001, 'abc');
    const pieces = Readable.from([
      content.subarray(0, 70_000),
      content.subarray(70_000, 70_001),
      content.subarray(70_001),
    ]);
    await client.send(new sdk.PutObjectCommand({ ...bucket, Key: 'k', Body: pieces, ContentLength: content.length }));
    const read = await get('k');
    expect(read.text === content.toString()).toBe(true);
    expect(read.ETag).toBe(`"${createHash('md5').update(content).digest('hex')}"`);
    expect(read.ContentEncoding).toBeUndefined();
  });

  test('wrong digests in other headers are refused', async () => {
    const md5 = Buffer.alloc(16).toString('base64');
    expect(await failure(put('k', 'hello', { ContentMD5: md5 }))).toEqual({ name: 'BadDigest', status: 400 });
    const command = new sdk.PutObjectCommand({ ...bucket, Key: 'k', Body: 'hello' });
    command.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = '0'.repeat(64);
        return next(args);
      },
      { step: 'build' },
    );
    expect(await failure(client.send(command))).toEqual({ name: 'XAmzContentSHA256Mismatch', status: 400 });
    expect(await failure(get('k'))).toEqual({ name: 'NoSuchKey', status: 404 });
  });

  test('ranges, metadata and content type', async () => {
    await put('k', '0123456789', { Metadata: { colour: 'red' }, ContentType: 'text/plain' });
    expect(await get('k', { Range: 'bytes=2-4' })).toMatchObject({ text: '234', ContentRange: 'bytes 2-4/10' });
    expect(await get('k', { Range: 'bytes=-3' })).toMatchObject({ text: '789' });
    expect(await get('k', { Range: 'bytes=8-' })).toMatchObject({ text: '89' });
    expect(await get('k', { Range: 'bytes=4-2' })).toMatchObject({ text: '0123456789' });
    expect(await failure(get('k', { Range: 'bytes=10-' }))).toEqual({ name: 'InvalidRange', status: 416 });
    expect(await get('k')).toMatchObject({ Metadata: { colour: 'red' }, ContentType: 'text/plain' });
  });
});

describe('conditions', () => {
  test('If-None-Match and If-Match decide writes and reads', async () => {
    const { ETag } = await put('k', '1', { IfNoneMatch: '*' });
    expect(await failure(put('k', '2', { IfNoneMatch: '*' }))).toEqual({ name: 'PreconditionFailed', status: 412 });
    expect(await failure(put('k', '2', { IfMatch: '"0"' }))).toEqual({ name: 'PreconditionFailed', status: 412 });
    expect(await failure(put('none', '2', { IfMatch: ETag }))).toEqual({ name: 'NoSuchKey', status: 404 });
    expect((await get('k')).text).toBe('1');
    await put('k', '2', { IfMatch: ETag });
    expect((await failure(get('k', { IfMatch: ETag })))?.status).toBe(412);
    expect((await failure(get('k', { IfNoneMatch: (await get('k')).ETag })))?.status).toBe(304);
  });

  test('of many who create at once one wins; the others are too late or in conflict', async () => {
    const writes = Array.from({ length: 12 }, (_, at) =>
      failure(put('race', `${at}`.repeat(100_000), { IfNoneMatch: '*' })),
    );
    const failures = (await Promise.all(writes)).filter((each) => each !== null);
    expect(failures).toHaveLength(11);
    for (const each of failures) expect([409, 412]).toContain(each.status);
  });
});

describe('versions and locks', () => {
  const version = () =>
    client.send(new sdk.PutBucketVersioningCommand({ ...bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  const remove = (key: string, more: Partial<sdk.DeleteObjectCommandInput> = {}) =>
    client.send(new sdk.DeleteObjectCommand({ ...bucket, Key: key, ...more }));

  test('old versions stay readable, a delete leaves a marker', async () => {
    await version();
    const first = await put('k', '1');
    const second = await put('k', '2');
    expect((await get('k', { VersionId: first.VersionId })).text).toBe('1');
    const marker = await remove('k');
    expect(marker.DeleteMarker).toBe(true);
    expect(await failure(get('k'))).toEqual({ name: 'NoSuchKey', status: 404 });
    await put('k', '3', { IfNoneMatch: '*' });
    const listed = await client.send(new sdk.ListObjectVersionsCommand(bucket));
    expect(listed.Versions?.map(({ IsLatest }) => IsLatest)).toEqual([true, false, false]);
    expect(listed.DeleteMarkers).toHaveLength(1);
    await remove('k', { VersionId: second.VersionId });
    expect(await failure(get('k', { VersionId: second.VersionId }))).toEqual({ name: 'NoSuchVersion', status: 404 });
    expect((await client.send(new sdk.ListObjectsV2Command(bucket))).KeyCount).toBe(1);
  });

  test('a locked version is not deleted; governance gives way on request, compliance never', async () => {
    bucket = { Bucket: `lock-${randomUUID()}` };
    await client.send(new sdk.CreateBucketCommand({ ...bucket, ObjectLockEnabledForBucket: true }));
    const until = new Date(Date.now() + 3_600_000);
    for (const ObjectLockMode of ['GOVERNANCE', 'COMPLIANCE'] as const) {
      const { VersionId } = await put(ObjectLockMode, 'x', { ObjectLockMode, ObjectLockRetainUntilDate: until });
      const denied = { name: 'AccessDenied', status: 403 };
      expect(await failure(remove(ObjectLockMode, { VersionId }))).toEqual(denied);
      const earlier = { Mode: ObjectLockMode, RetainUntilDate: new Date(Date.now() + 60_000) };
      const shorten = new sdk.PutObjectRetentionCommand({ ...bucket, Key: ObjectLockMode, Retention: earlier });
      expect(await failure(client.send(shorten))).toEqual(denied);
      const later = { Mode: ObjectLockMode, RetainUntilDate: new Date(Date.now() + 7_200_000) };
      await client.send(new sdk.PutObjectRetentionCommand({ ...bucket, Key: ObjectLockMode, Retention: later }));
      const bypass = await failure(remove(ObjectLockMode, { VersionId, BypassGovernanceRetention: true }));
      expect(bypass).toEqual(ObjectLockMode === 'GOVERNANCE' ? null : denied);
    }
  });

  test('a bucket without Object Lock refuses retention', async () => {
    const until = new Date(Date.now() + 3_600_000);
    const locked = put('k', 'x', { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: until });
    expect(await failure(locked)).toEqual({ name: 'InvalidRequest', status: 400 });
  });
});

describe('multipart uploads', () => {
  const start = async (more: Partial<sdk.CreateMultipartUploadCommandInput> = {}) => {
    const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand({ ...bucket, Key: 'up', ...more }));
    return { ...bucket, Key: 'up', UploadId };
  };
  type Upload = Awaited<ReturnType<typeof start>>;
  const part = async (upload: Upload, number: number, sizeBytes: number) => {
    const command = new sdk.UploadPartCommand({ ...upload, PartNumber: number, Body: Buffer.alloc(sizeBytes, number) });
    return { PartNumber: number, ETag: (await client.send(command)).ETag };
  };
  const complete = (
    upload: Upload,
    Parts: sdk.CompletedPart[],
    more: Partial<sdk.CompleteMultipartUploadCommandInput> = {},
  ) => client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }));

  test('parts become one object, later sendings replacing earlier ones', async () => {
    const upload = await start({ Metadata: { a: 'b' } });
    await part(upload, 2, 9);
    const parts = [await part(upload, 1, 5 * MIB), await part(upload, 2, 7)];
    expect((await client.send(new sdk.ListPartsCommand(upload))).Parts).toHaveLength(2);
    const { ETag } = await complete(upload, parts);
    expect(ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    const head = await client.send(new sdk.HeadObjectCommand({ ...bucket, Key: 'up' }));
    expect(head).toMatchObject({ ContentLength: 5 * MIB + 7, ETag, Metadata: { a: 'b' } });
    expect((await get('up', { Range: `bytes=${5 * MIB - 1}-${5 * MIB}` })).text).toBe('\u0001\u0002');
    expect(await failure(complete(upload, parts))).toEqual({ name: 'NoSuchUpload', status: 404 });
  });

  test('small, wrong, unordered, missing or no parts are refused', async () => {
    const upload = await start();
    const [one, two] = [await part(upload, 1, 4 * MIB), await part(upload, 2, 7)];
    const refused = async (parts: sdk.CompletedPart[]) => (await failure(complete(upload, parts)))?.name;
    expect(await refused([one, two])).toBe('EntityTooSmall');
    expect(await refused([two, one])).toBe('InvalidPartOrder');
    expect(await refused([{ ...one, ETag: '"0"' }])).toBe('InvalidPart');
    expect(await refused([{ PartNumber: 3, ETag: two.ETag }])).toBe('InvalidPart');
    expect(await refused([])).toBe('MalformedXML');
    expect(await failure(part(upload, 10_001, 1))).toEqual({ name: 'InvalidArgument', status: 400 });
    await client.send(new sdk.AbortMultipartUploadCommand(upload));
    expect(await failure(part(upload, 1, 1))).toEqual({ name: 'NoSuchUpload', status: 404 });
    expect(await failure(get('up'))).toEqual({ name: 'NoSuchKey', status: 404 });
  });

  test('a taken key is not completed over', async () => {
    const upload = await start();
    const only = await part(upload, 1, 7);
    await put('up', 'first');
    expect(await failure(complete(upload, [only], { IfNoneMatch: '*' }))).toEqual({
      name: 'PreconditionFailed',
      status: 412,
    });
    expect((await get('up')).text).toBe('first');
  });
});

describe('the table of operations', () => {
  const key = { Key: 'k' };
  const upload = { ...key, UploadId: 'none' };
  const commands = (b: { Bucket: string }): Record<string, () => Promise<unknown>> => ({
    ListBuckets: () => client.send(new sdk.ListBucketsCommand()),
    CreateBucket: () => client.send(new sdk.CreateBucketCommand({ Bucket: `c-${b.Bucket}` })),
    HeadBucket: () => client.send(new sdk.HeadBucketCommand(b)),
    DeleteBucket: () => client.send(new sdk.DeleteBucketCommand(b)),
    GetBucketVersioning: () => client.send(new sdk.GetBucketVersioningCommand(b)),
    PutBucketVersioning: () =>
      client.send(new sdk.PutBucketVersioningCommand({ ...b, VersioningConfiguration: { Status: 'Enabled' } })),
    ListObjectsV2: () => client.send(new sdk.ListObjectsV2Command(b)),
    ListObjectVersions: () => client.send(new sdk.ListObjectVersionsCommand(b)),
    PutObject: () => client.send(new sdk.PutObjectCommand({ ...b, ...key, Body: 'x' })),
    GetObject: () => client.send(new sdk.GetObjectCommand({ ...b, ...key })),
    HeadObject: () => client.send(new sdk.HeadObjectCommand({ ...b, ...key })),
    DeleteObject: () => client.send(new sdk.DeleteObjectCommand({ ...b, ...key })),
    GetObjectRetention: () => client.send(new sdk.GetObjectRetentionCommand({ ...b, ...key })),
    PutObjectRetention: () =>
      client.send(new sdk.PutObjectRetentionCommand({ ...b, ...key, Retention: { Mode: 'GOVERNANCE' } })),
    CreateMultipartUpload: () => client.send(new sdk.CreateMultipartUploadCommand({ ...b, ...key })),
    UploadPart: () => client.send(new sdk.UploadPartCommand({ ...b, ...upload, PartNumber: 1, Body: 'x' })),
    CompleteMultipartUpload: () => client.send(new sdk.CompleteMultipartUploadCommand({ ...b, ...upload })),
    AbortMultipartUpload: () => client.send(new sdk.AbortMultipartUploadCommand({ ...b, ...upload })),
    ListParts: () => client.send(new sdk.ListPartsCommand({ ...b, ...upload })),
    ListMultipartUploads: () => client.send(new sdk.ListMultipartUploadsCommand(b)),
    DeleteObjects: () => client.send(new sdk.DeleteObjectsCommand({ ...b, Delete: { Objects: [key] } })),
    CopyObject: () => client.send(new sdk.CopyObjectCommand({ ...b, ...key, CopySource: 'a/b' })),
    UploadPartCopy: () =>
      client.send(new sdk.UploadPartCopyCommand({ ...b, ...upload, PartNumber: 1, CopySource: 'a/b' })),
    ListObjects: () => client.send(new sdk.ListObjectsCommand(b)),
  });

  test('names what a client can send', () => {
    expect(serves.map(({ operation }) => operation).sort()).toEqual(Object.keys(commands(bucket)).sort());
  });

  test.each(serves)('$operation is served: $extent', async ({ operation, extent }) => {
    const error = await failure(commands(bucket)[operation]!());
    expect(extent === 'none' ? [501] : [200, 400, 404, 409]).toContain(error?.status ?? 200);
  });

  test('what is not in it is refused', async () => {
    expect((await failure(client.send(new sdk.GetBucketPolicyCommand(bucket))))?.status).toBe(501);
    expect((await failure(client.send(new sdk.GetObjectTaggingCommand({ ...bucket, Key: 'k' }))))?.status).toBe(501);
  });
});

test('what was stored is there after a restart', async () => {
  await put('k', 'kept');
  await s3.close();
  s3 = await startS3({ directory });
  client = clientWith(SANDBOX_CREDENTIALS.secretAccessKey);
  expect((await get('k')).text).toBe('kept');
});
