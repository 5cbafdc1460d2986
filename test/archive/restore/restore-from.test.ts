/** The terminal's `restore --from`, in a process of its own that has a store and nothing else. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, onTestFinished, test, vi } from 'vitest';
import { s3ObjectStore } from '../../../lib/adapters/object-store.s3.ts';
import { archiveKeys } from '../../../lib/domain/names.ts';
import { SANDBOX_CREDENTIALS } from '../../../sandbox/aws/signature.ts';
import { startS3 } from '../../../sandbox/aws/s3.ts';
import { treeOf } from '../trees.ts';
import { archivedServer } from './target.ts';

const OCTO = new URL('../../../worker/octo.js', import.meta.url).pathname;

/** Runs `octo restore …` in an empty folder, with that environment and no other. */
const octo = async (directory: string, words: string[], env: Record<string, string> = {}) => {
  const cwd = join(directory, 'empty');
  mkdirSync(cwd, { recursive: true });
  const child = spawn(process.execPath, [OCTO, 'restore', ...words], { cwd, env: { HOME: cwd, ...env } });
  const output = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (output.out += String(data)));
  child.stderr.on('data', (data: Buffer) => (output.err += String(data)));
  const status = await new Promise((resolve) => child.on('close', resolve));
  expect(readdirSync(cwd)).toEqual([]);
  return { status, ...output };
};

/** The tree that must come out: the folders under their names in the archive, the dump, and what lies beside it. */
const expectedTree = (server: string, out: string) => {
  renameSync(join(server, 'Packages'), join(server, 'packages'));
  renameSync(join(server, 'TaskLogs'), join(server, 'task-logs'));
  const beside = ['RESTORE.md', 'manifest.json', 'database.bak'];
  const tree = treeOf(out);
  return { ...treeOf(server), ...Object.fromEntries(beside.map((name) => [name, tree[name]])) };
};

test('an archive is taken out of a directory, and the next steps are said', async () => {
  const { directory, server, at } = await archivedServer();
  const out = join(directory, 'out');
  const ran = await octo(directory, ['--from', join(directory, 'store'), '--instance', 'prod', '--out', out]);
  expect(ran).toMatchObject({ status: 0, err: expect.stringContaining(`${at.archiveId} of prod, good`) });
  expect(treeOf(out)).toEqual(expectedTree(server, out));
  expect(treeOf(out)['database.bak']).toMatch(/^file .* 20000$/);
  for (const said of [
    '6 files',
    `was at ${join(server, 'Packages')}`,
    '## 2. Put the server back',
    'Before the first start',
    '--masterKey',
  ])
    expect(ran.out).toContain(said);
  expect(ran.out).not.toContain('## 1.');
});

test('an archive is taken out of a bucket', async () => {
  const { directory, server, world, at } = await archivedServer();
  const s3 = await startS3({ directory: join(directory, 's3') });
  onTestFinished(() => s3.close());
  const { accessKeyId, secretAccessKey } = SANDBOX_CREDENTIALS;
  const region = 'us-east-1';
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint: s3.url, region, forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: 'acme-archives' }));
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: s3.url,
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const bucket = s3ObjectStore({ bucket: 'acme-archives', prefix: 'octo/', endpoint: s3.url, region });
  for await (const { key } of world.archives.list('prod/'))
    await bucket.create(key, (await world.archives.read(key))!.bytes);
  const out = join(directory, 'out');
  const from = 's3://acme-archives/octo';
  const ran = await octo(directory, ['--from', from, '--archive', at.archiveId, '--instance=prod', '--out', out], env);
  expect(ran).toMatchObject({ status: 0 });
  expect(treeOf(out)).toEqual(expectedTree(server, out));
}, 60_000);

test('what is wrong ends with the status and the words that the other commands have', async () => {
  const { directory, world, at } = await archivedServer();
  const store = join(directory, 'store');
  const run = (name: string, changes: Record<string, string | undefined> = {}) => {
    const options = { from: store, instance: 'prod', out: join(directory, name), ...changes };
    const words = Object.entries(options).flatMap(([option, value]) =>
      value === undefined ? [] : [`--${option}`, value],
    );
    return octo(directory, words);
  };
  expect(await run('a', { instance: undefined })).toMatchObject({
    status: 2,
    err: expect.stringContaining('--instance is missing'),
  });
  expect(await run('b', { from: join(directory, 'none') })).toMatchObject({
    status: 2,
    err: expect.stringContaining('there is no folder'),
  });
  expect(await run('c', { speed: 'fast' })).toMatchObject({
    status: 2,
    err: expect.stringContaining('Usage: octo restore --from'),
  });
  expect(await run('d', { instance: 'other' })).toMatchObject({
    status: 2,
    err: expect.stringContaining('ArchiveUnknown'),
  });
  expect(await run('server')).toMatchObject({ status: 1, err: expect.stringContaining('TargetNotEmpty') });
  for await (const { key } of world.archives.list(archiveKeys.packs('prod'))) {
    const path = join(store, key);
    writeFileSync(path, Buffer.alloc(readFileSync(path).length));
  }
  const damaged = await run('e', { archive: at.archiveId });
  expect(damaged).toMatchObject({ status: 1, err: expect.stringContaining('ArchiveDamaged') });
  expect(damaged.out).toBe('');
  expect(['a', 'b', 'c', 'd'].filter((name) => existsSync(join(directory, name)))).toEqual([]);
}, 60_000);
