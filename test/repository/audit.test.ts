/** The audit in a store: one place an entry, found fast, written by many, and checked with and without the program. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { s3ObjectStore } from '../../lib/adapters/object-store.s3.ts';
import { type AuditAct, headText } from '../../lib/domain/audit.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { stateKeys } from '../../lib/domain/names.ts';
import {
  appendAudit,
  appendAuditOnce,
  audited,
  newestEntries,
  readAuditHead,
  verifyAudit,
} from '../../lib/repository/audit.ts';
import { startS3 } from '../../sandbox/aws/s3.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { testClock } from '../clock.ts';
import { temporaryDirectory } from '../worker/support.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const ANA = { person: 'ana', door: 'slack' } as const;
const act = (changes: Partial<AuditAct> = {}): AuditAct => ({
  who: ANA,
  act: 'backup hold',
  stage: 'intent',
  on: 'prod',
  detail: {},
  ...changes,
});

const place = (directory = temporaryDirectory()) => {
  const asked: string[] = [];
  const store = directoryObjectStore({ directory });
  const state: typeof store = {
    ...store,
    head: (key) => (asked.push(key), store.head(key)),
    read: (key, options) => (asked.push(key), store.read(key, options)),
  };
  return { directory, asked, world: { state, clock: testClock() } };
};

const written = async (count: number, directory?: string) => {
  const made = place(directory);
  for (let n = 1; n <= count; n++) await appendAudit(made.world, act({ detail: { n } }));
  return made;
};

const entriesOf = async (world: Parameters<typeof newestEntries>[0]) =>
  (await Array.fromAsync(newestEntries(world))).flatMap(({ entry }) => entry ?? []);

describe('appending', () => {
  it('chains each entry to the one before', async () => {
    const { world } = await written(3);
    const [third, second, first] = await entriesOf(world);
    expect([first, second, third]).toMatchObject([
      { n: 1, at: '2026-03-04T02:00:00.000Z', who: ANA, previous: '0'.repeat(64) },
      { n: 2, detail: { n: 2 } },
      { n: 3 },
    ]);
    expect(await verifyAudit(world, await readAuditHead(world))).toMatchObject({ entryCount: 3, findings: [] });
  });

  it('keeps long reasons whole', async () => {
    const { world } = place();
    const reason = 'ä'.repeat(4000);
    await appendAudit(world, act({ detail: { reason } }));
    expect((await entriesOf(world))[0]?.detail).toEqual({ reason });
  });

  it('finds the end without reading everything', async () => {
    const { world, asked, directory } = place();
    const store = directoryObjectStore({ directory });
    const of = (n: number) => Buffer.from(`{"n": ${n}}`);
    await Promise.all(Array.from({ length: 300 }, (_, at) => store.create(stateKeys.audit(at + 1), of(at + 1))));
    expect((await appendAudit(world, act())).n).toBe(301);
    expect(asked.length).toBeLessThan(25);
    expect(asked.filter((key) => key === stateKeys.audit(300)).length).toBeGreaterThan(0);
  });

  it('gives every entry of racing processes a place of its own', async () => {
    const directory = temporaryDirectory();
    const writer = join(import.meta.dirname, 'audit-writer.ts');
    const writers = ['ana', 'ben', 'cay'].map((name) =>
      spawn(process.execPath, [writer, directory, name, '10'], { stdio: 'inherit' }),
    );
    const codes = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0] as number));
    expect(codes).toEqual([0, 0, 0]);
    const { world } = place(directory);
    expect(await verifyAudit(world, null)).toMatchObject({ entryCount: 30, findings: [] });
    for (const name of ['ana', 'ben', 'cay']) {
      const own = (await entriesOf(world)).filter(({ who }) => who.person === name);
      expect(own.map(({ detail }) => detail['n'])).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    }
  });

  it('does the same in S3, where two writes at once may both be told to try again', async () => {
    const directory = temporaryDirectory();
    const s3 = await startS3({ directory });
    onTestFinished(() => s3.close());
    vi.stubEnv('AWS_ACCESS_KEY_ID', SANDBOX_CREDENTIALS.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SANDBOX_CREDENTIALS.secretAccessKey);
    const at = { endpoint: s3.url, region: 'us-east-1' };
    await new S3Client({ ...at, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'state' }));
    const writers = Array.from({ length: 3 }, () => ({
      state: s3ObjectStore({ ...at, bucket: 'state', prefix: '', silenceSeconds: 5 }),
      clock: testClock(),
    }));
    const appends = writers.flatMap((world) => Array.from({ length: 4 }, () => appendAudit(world, act())));
    const numbers = (await Promise.all(appends)).map(({ n }) => n);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, at) => at + 1));
    expect(await verifyAudit(writers[0]!, null)).toMatchObject({ entryCount: 12, findings: [] });
  });

  it('does not write a step’s entry twice, and does not take another run’s for it', async () => {
    const { world, directory } = await written(2);
    const end = { ...act({ act: 'backup run', stage: 'done' }), runId: 'run_0000000A' };
    const since = { since: '2026-03-04T01:00:00.000Z' };
    const first = await appendAuditOnce(world, end, since);
    await appendAuditOnce(world, { ...end, runId: 'run_0000000B' }, since);
    expect(await appendAuditOnce(world, end, since)).toEqual(first);
    writeFileSync(join(directory, stateKeys.audit(4)), 'damaged');
    expect(await appendAuditOnce(world, end, since)).toEqual(first);
    expect((await readAuditHead(world)).n).toBe(4);
  });
});

describe('acting between two entries', () => {
  it('writes the intent before the act and what came of it after', async () => {
    const { world } = place();
    const { stage: _stage, ...intended } = act({ detail: { reason: 'why' } });
    const result = await audited(world, intended, async () => {
      expect(await entriesOf(world)).toMatchObject([{ n: 1, stage: 'intent', detail: { reason: 'why' } }]);
      return { result: 7, runId: 'run_0000000A', detail: { answer: 'it is done' } };
    });
    expect(result).toBe(7);
    expect(await entriesOf(world)).toMatchObject([
      { stage: 'done', runId: 'run_0000000A', detail: { intent: 1, answer: 'it is done' } },
      { stage: 'intent' },
    ]);
  });

  it('keeps a refusal with its code, and the words of foreign errors to itself', async () => {
    const { world } = place();
    const attempt = (thrown: Error) => audited(world, act(), () => Promise.reject(thrown));
    await expect(attempt(new OctoError('ArchiveHeld', 'held by ben'))).rejects.toMatchObject({ code: 'ArchiveHeld' });
    await expect(attempt(new Error('Password=hunter2'))).rejects.toThrow('hunter2');
    const [foreign, , held] = await entriesOf(world);
    expect(held).toMatchObject({
      stage: 'refused',
      detail: { intent: 1, code: 'ArchiveHeld', message: 'held by ben' },
    });
    expect(foreign?.detail).toEqual({ intent: 3, code: 'Bug' });
  });

  it('does nothing when the intent cannot be written', async () => {
    const { world } = place();
    const create = () => Promise.reject(new OctoError('StoreFull', 'no room'));
    let hasActed = false;
    const acting = audited({ ...world, state: { ...world.state, create } }, act(), async () => {
      hasActed = true;
      return { result: null };
    });
    await expect(acting).rejects.toMatchObject({ code: 'StoreFull' });
    expect(hasActed).toBe(false);
  });
});

/** What somebody who can write to the store might do, and what must be said of it. */
const TAMPERING: [string, (file: (n: number) => string) => void, number[]][] = [
  ['an edit', (file) => writeFileSync(file(4), readFileSync(file(4), 'utf8').replace('ana', 'ben')), [4]],
  ['an edit of the newest', (file) => writeFileSync(file(9), readFileSync(file(9), 'utf8').replace('ana', 'ben')), [9]],
  ['a cut', (file) => rmSync(file(5)), [5]],
  ['a cut end', (file) => rmSync(file(9)), [9]],
  [
    'a swap',
    (file) => {
      renameSync(file(2), `${file(2)}.moved`);
      renameSync(file(3), file(2));
      renameSync(`${file(2)}.moved`, file(3));
    },
    [2, 3],
  ],
  ['a truncated entry', (file) => writeFileSync(file(1), ''), [1]],
];

describe('checking', () => {
  it.each(TAMPERING)('names %s', async (_what, tamper, named) => {
    const { world, directory } = await written(9);
    const kept = await readAuditHead(world);
    tamper((n) => join(directory, stateKeys.audit(n)));
    const { findings } = await verifyAudit(world, kept);
    expect(findings.map(({ n }) => n)).toEqual(expect.arrayContaining(named));
  });

  it('cannot see a cut end without a head that was kept', async () => {
    const { world, directory } = await written(3);
    const kept = await readAuditHead(world);
    rmSync(join(directory, stateKeys.audit(3)));
    expect((await verifyAudit(world, null)).findings).toEqual([]);
    expect((await verifyAudit(world, kept)).findings).toEqual([
      { n: 3, what: 'entry 3 is gone from the end of the audit' },
    ]);
  });
});

describe('the documented way without the program', () => {
  const script = /```sh\n(before=[\s\S]*?)```/.exec(readFileSync('docs/audit.md', 'utf8'))?.[1] ?? 'exit 99';
  const run = (directory: string) =>
    spawnSync('sh', ['-c', script], { cwd: join(directory, 'audit'), encoding: 'utf8' });

  it('agrees on a whole audit, and prints its head', async () => {
    const { world, directory } = await written(9);
    expect(run(directory)).toMatchObject({ status: 0, stdout: `head ${headText(await readAuditHead(world))}\n` });
  });

  it.each(TAMPERING)('sees %s', async (_what, tamper) => {
    const { world, directory } = await written(9);
    const kept = headText(await readAuditHead(world));
    tamper((n) => join(directory, stateKeys.audit(n)));
    const { status, stdout } = run(directory);
    expect(status === 0 && stdout.includes(kept)).toBe(false);
  });
});
