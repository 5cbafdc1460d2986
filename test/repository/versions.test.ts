/** Deleting in a store that keeps versions and locks some of them: S3 through its official client, against the stand-in. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { s3ObjectStore } from '../../lib/adapters/object-store.s3.ts';
import { collectUnneeded, TRASH_HOURS } from '../../lib/archive/care/collect.ts';
import { archiveKeys, stateKeys } from '../../lib/domain/names.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { judgeArchives } from '../../lib/repository/store-care/candidates.ts';
import { listTrash } from '../../lib/repository/store-care/trash.ts';
import { unlistArchive } from '../../lib/repository/store-care/unlist.ts';
import { startS3, type S3StandIn } from '../../sandbox/aws/s3.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { sealAged, storeWorld } from './store-world.ts';

const Bucket = 'archives';
const region = 'us-east-1';
const HOUR_MS = 3_600_000;
let directory: string;
let s3: S3StandIn;
let client: S3Client;

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = SANDBOX_CREDENTIALS.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = SANDBOX_CREDENTIALS.secretAccessKey;
  directory = await mkdtemp(join(tmpdir(), 'octo-versions-'));
  s3 = await startS3({ directory });
  client = new S3Client({ endpoint: s3.url, region, forcePathStyle: true });
  // Object Lock brings versions with it.
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
});
afterAll(async () => {
  client.destroy();
  await s3.close();
  await rm(directory, { recursive: true });
});

const versionsOf = async (Prefix: string) => {
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix }));
  return { versions: Versions.length, markers: DeleteMarkers.length };
};

const lock = (Key: string, until: Date) =>
  client.send(
    new PutObjectRetentionCommand({ Bucket, Key, Retention: { Mode: 'COMPLIANCE', RetainUntilDate: until } }),
  );

test('what is deleted is gone with its version; what is locked is neither listed as going nor deleted', async () => {
  const world = { ...storeWorld(), archives: s3ObjectStore({ endpoint: s3.url, region, bucket: Bucket }) };
  for (const day of [0, 1, 2]) await sealAged(world, day * 24);
  const locked = await sealAged(world, 20 * 24);
  const going = await sealAged(world, 30 * 24);
  const settings = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, floor: 1 };
  const until = new Date(world.clock.now().getTime() + 1000 * HOUR_MS);
  await lock(archiveKeys.manifest('prod', locked.archiveId), until);
  await lock(going.folders.indexKey, until);

  await changeSettings(world, 'prod', (current) => ({ ...current, retention: settings }));
  const { verdicts } = await judgeArchives(world, 'prod');
  expect(verdicts.map(({ rules }) => rules)).toEqual([['newest', 'floor', 'last'], [], [], ['locked'], []]);

  const lockedAt = { instance: 'prod', archiveId: locked.archiveId };
  await expect(unlistArchive(world, lockedAt, 'run_1')).rejects.toMatchObject({ code: 'ArchiveLocked' });
  await unlistArchive(world, { instance: 'prod', archiveId: going.archiveId }, 'run_1');
  expect(await Array.fromAsync(world.state.list(stateKeys.deletions('prod')))).toEqual([]);
  expect(await versionsOf(archiveKeys.manifest('prod', going.archiveId))).toEqual({ versions: 0, markers: 0 });
  expect(await versionsOf(archiveKeys.manifest('prod', locked.archiveId))).toEqual({ versions: 1, markers: 0 });

  await world.clock.advance(25 * HOUR_MS);
  expect(await collectUnneeded(world, 'prod', async () => {})).toMatchObject({ namedCount: 2 });
  await world.clock.advance(TRASH_HOURS * HOUR_MS);
  expect(await collectUnneeded(world, 'prod', async () => {})).toMatchObject({ deletedCount: 1 });
  expect(await versionsOf(going.database.indexKey)).toEqual({ versions: 0, markers: 0 });
  expect(await versionsOf(going.folders.indexKey)).toEqual({ versions: 1, markers: 0 });
  const [left] = await Array.fromAsync(listTrash(world, 'prod'));
  expect(left?.keys).toEqual([going.folders.indexKey]);
});
