import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { partSizeBytes } from '../../lib/adapters/s3/write.ts';
import { s3ObjectStore } from '../../lib/adapters/object-store.s3.ts';
import { startS3 } from '../../sandbox/aws/s3.ts';
import type { S3StandIn } from '../../sandbox/aws/s3.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { objectStoreContract } from '../contracts/object-store.ts';

process.env['AWS_ACCESS_KEY_ID'] = SANDBOX_CREDENTIALS.accessKeyId;
process.env['AWS_SECRET_ACCESS_KEY'] = SANDBOX_CREDENTIALS.secretAccessKey;

const region = 'us-east-1';
const bucket = 'archives';
const client = () => new S3Client({ endpoint: s3.url, region, forcePathStyle: true });
let directory: string;
let s3: S3StandIn;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'octo-s3-'));
  s3 = await startS3({ directory });
  await client().send(new CreateBucketCommand({ Bucket: bucket }));
});
afterAll(async () => {
  await s3.close();
  await rm(directory, { recursive: true });
});

beforeEach(() => s3.setFaults({}));

const open = () => s3ObjectStore({ endpoint: s3.url, region, bucket, prefix: `${randomUUID()}/`, silenceSeconds: 1 });
const MIB = 1024 * 1024;

const stream = async function* (sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < sizeBytes; sent += MIB) yield Buffer.alloc(Math.min(MIB, sizeBytes - sent), 7);
};

objectStoreContract('s3', async () => open());

test('parts grow so that 10,000 of them hold 484 GiB, none above 128 MiB', () => {
  const sizes = Array.from({ length: 10_000 }, (_, at) => partSizeBytes(at + 1));
  expect(Math.min(...sizes)).toBe(8 * MIB);
  expect(Math.max(...sizes)).toBe(128 * MIB);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(484 * 1024 * MIB);
});

describe('bad days', () => {
  test('asked to slow down, it does, and gets there', async () => {
    const store = open();
    s3.setFaults({ slowDown: 1 });
    await store.create('k', Buffer.from('1'));
    s3.setFaults({ fail503Every: 2 });
    for (let at = 0; at < 4; at++) expect((await store.read('k'))?.bytes.toString()).toBe('1');
  });

  test('a store that stays busy is unavailable', async () => {
    s3.setFaults({ fail503Every: 1 });
    await expect(open().create('k', Buffer.from('1'))).rejects.toMatchObject({ code: 'StoreUnavailable' });
  });

  test('a store that is not there is unavailable', async () => {
    const nowhere = s3ObjectStore({ endpoint: 'http://127.0.0.1:9', region, bucket });
    await expect(nowhere.read('k')).rejects.toMatchObject({ code: 'StoreUnavailable' });
  });

  test('a store that is silent is given up, and asked again', async () => {
    const store = open();
    await store.create('k', Buffer.from('1'));
    s3.setFaults({ silent: 1 });
    expect((await store.read('k'))?.bytes.toString()).toBe('1');
  });

  test('a create, change or upload whose answer was lost knows its own success', async () => {
    const store = open();
    s3.setFaults({ loseAnswerTo: 'PutObject' });
    const { etag } = await store.create('k', Buffer.from('1'));
    s3.setFaults({ loseAnswerTo: 'PutObject' });
    const changed = await store.change('k', Buffer.from('2'), { etag });
    expect(await store.read('k')).toEqual({ bytes: Buffer.from('2'), etag: changed.etag });
    s3.setFaults({ loseAnswerTo: 'CompleteMultipartUpload' });
    const uploaded = await store.upload('up', stream(9 * MIB));
    expect(await store.head('up')).toMatchObject({ sizeBytes: 9 * MIB, etag: uploaded.etag });
  });

  test('a taken key stays someone else’s, also when the answer was lost and the bytes are equal', async () => {
    const store = open();
    await store.create('k', Buffer.from('1'));
    s3.setFaults({ loseAnswerTo: 'PutObject' });
    await expect(store.create('k', Buffer.from('1'))).rejects.toMatchObject({ code: 'StoreKeyExists' });
  });

  test('a body that breaks off or is damaged is fetched again', async () => {
    const store = open();
    const content = Buffer.alloc(300_000, 'x');
    await store.create('k', content);
    s3.setFaults({ truncate: 1 });
    expect((await store.read('k'))?.bytes.equals(content)).toBe(true);
    s3.setFaults({ wrongBytes: 1 });
    expect((await store.read('k'))?.bytes.equals(content)).toBe(true);
  });

  test('bytes that stay wrong are damaged, a body that keeps breaking off unavailable', async () => {
    const store = open();
    await store.create('k', Buffer.from('some content'));
    s3.setFaults({ wrongBytes: 3 });
    await expect(store.read('k')).rejects.toMatchObject({ code: 'StoreDamaged' });
    s3.setFaults({ truncate: 3 });
    await expect(store.read('k')).rejects.toMatchObject({ code: 'StoreUnavailable' });
  });

  test('a full store is full, and a broken upload leaves no parts behind', async () => {
    const store = open();
    s3.setFaults({ full: true });
    await expect(store.create('k', Buffer.from('1'))).rejects.toMatchObject({ code: 'StoreFull' });
    await expect(store.upload('full', stream(9 * MIB))).rejects.toMatchObject({ code: 'StoreFull' });
    const { Uploads = [] } = await client().send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads.filter(({ Key }) => Key?.endsWith('/full'))).toEqual([]);
  });

  test('no bucket, and no rights', async () => {
    const elsewhere = s3ObjectStore({ endpoint: s3.url, region, bucket: 'nowhere' });
    await expect(elsewhere.read('k')).rejects.toMatchObject({ code: 'StoreMissing' });
    await expect(elsewhere.create('k', Buffer.from('1'))).rejects.toMatchObject({ code: 'StoreMissing' });
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
    try {
      await expect(open().create('k', Buffer.from('1'))).rejects.toMatchObject({
        code: 'StoreDenied',
        facts: { name: 'SignatureDoesNotMatch', status: 403 },
      });
    } finally {
      process.env['AWS_SECRET_ACCESS_KEY'] = SANDBOX_CREDENTIALS.secretAccessKey;
    }
  });
});
