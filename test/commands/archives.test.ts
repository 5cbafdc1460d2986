/** The verbs on archives and keys: finding by day, holding, what may not be deleted, what deleting would free, which key opens what. */
import { describe, expect, it } from 'vitest';
import { archiveKeys, secretNames } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { createRun, endRun } from '../../lib/repository/run-book.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { runRecord } from '../worker/world.ts';
import { archiveAged, commandsWorld } from './commands-world.ts';

describe('an archive', () => {
  it('is found by its day, the newest good one of it', async () => {
    const { seal, type } = commandsWorld();
    await seal(14);
    const wanted = await seal(13);
    await seal(12.5, { word: 'gaps' });
    await seal(2);
    expect((await type('backup show yesterday')).json).toMatchObject({ archiveId: wanted.archiveId });
    expect((await type('backup show 2026-03-03')).json).toMatchObject({ archiveId: wanted.archiveId });
    expect((await type('backup show today')).json).toMatchObject({ archiveId: archiveAged(2) });
    await expect(type('backup show 2026-03-01')).rejects.toMatchObject({
      code: 'ArchiveUnknown',
      message: 'instance prod has no good archive of 2026-03-01',
    });
  });

  it('that is the only one of its day and not good is named, not taken', async () => {
    const { seal, type } = commandsWorld();
    const { archiveId } = await seal(20, { word: 'suspicious' });
    await expect(type('backup hold yesterday')).rejects.toMatchObject({
      code: 'ArchiveUnknown',
      message: expect.stringContaining(archiveId),
    });
  });
});

describe('a damaged archive', () => {
  it('is marked by verify, listed as damaged, and no longer the latest', async () => {
    const { seal, type } = commandsWorld();
    const { folders, database } = manifestOf({ archiveId: '', word: 'good' });
    const indexKey = archiveKeys.index('prod', 'f'.repeat(64));
    const older = await seal(30, { folders: { ...folders, indexKey }, database: { ...database, indexKey } });
    // Neither its sections nor its indexes are in the store.
    const { archiveId } = await seal(10);
    expect(await type(`backup verify ${archiveId}`)).toMatchObject({ isBad: true });
    expect((await type('backup list')).lines[0]).toMatch(new RegExp(`^${archiveId} +DAMAGED `));
    expect((await type(`backup show ${archiveId}`)).headline).toContain('DAMAGED');
    expect((await type('backup show latest')).json).toMatchObject({ archiveId: older.archiveId, isDamaged: false });
  });
});

describe('a hold', () => {
  it('is shown in list and show, stands as it was first set, and goes with its release', async () => {
    const { seal, type } = commandsWorld();
    const { archiveId } = await seal(1);
    await type('backup hold latest reason:"audit of March"');
    const again = await type(`backup hold ${archiveId}`, 'ben');
    expect(again).toMatchObject({
      headline: expect.stringContaining('already, by ana'),
      lines: ['Reason: audit of March'],
    });
    expect((await type('backup list')).lines[0]).toMatch(/ \d{4}-\d\d-\d\d \d\d:\d\d UTC .*held$/);
    expect((await type('backup show latest')).lines.at(-1)).toMatch(
      /^held +by ana since \d{4}-\d\d-\d\d \d\d:\d\d UTC: audit of March$/,
    );

    expect((await type('backup release latest', 'ben')).headline).toContain('ana had held it');
    expect((await type('backup release latest', 'ben')).headline).toContain('was not held');
    expect((await type('backup list')).json).toMatchObject({ archives: [{ archive: archiveId, isHeld: false }] });
  });
});

describe('keys status', () => {
  it('says what is kept, what each key opens and when that was proven', async () => {
    const { seal, type, world } = commandsWorld();
    expect((await type('keys status')).headline).toMatch(/^No master key is kept yet/);
    const { keys, archiveId } = await seal(5);
    await seal(30);
    await world.secretStore.create(secretNames.masterKey('prod', keys.masterKeyFingerprint), new Secret('the key'));
    await world.secretStore.create(secretNames.license('prod', 'aaaa'), new Secret('<License />'));
    const reply = await type('keys status prod');
    expect(reply).toMatchObject({ headline: '1 master key kept, and no archive without its key.', isBad: false });
    expect(reply.json).toMatchObject({
      instances: {
        prod: {
          masterKeys: [
            {
              fingerprint: keys.masterKeyFingerprint,
              archives: 2,
              newestArchive: archiveId,
              lastProof: { opened: 12 },
            },
          ],
          licenses: [{ fingerprint: 'aaaa', isKept: true, newestArchive: null }],
        },
      },
    });
    expect(JSON.stringify(reply)).not.toContain('the key');
  });

  it('is bad news when an archive needs a key that is not there', async () => {
    const { seal, type } = commandsWorld();
    await seal(5);
    const reply = await type('keys status');
    expect(reply).toMatchObject({ isBad: true, headline: expect.stringContaining('NOT in the secret store') });
    expect(reply.lines.join('\n')).toContain('LOST');
  });
});

describe('backup now --plan', () => {
  const summary = (quietSeconds: number) => ({
    archiveId: archiveAged(30),
    takenAt: '2026-03-03T06:00:00.000Z',
    consistency: 'quiesced' as const,
    durationSeconds: 600,
    quietSeconds,
    totalBytes: 2000,
    addedBytes: 20,
    database: { sizeBytes: 1000, isVerified: true },
    files: { count: 100, sizeBytes: 1000, missingCount: 0 },
    keyProof: { opened: 12, sampled: 12, fingerprint: '0123456789abcdef' },
  });
  const good = { word: 'good' as const, gaps: [], notes: [], error: null, safeNow: '', doNext: '' };

  it('shows places, sizes and the quiet time of the last good runs, and starts and records nothing', async () => {
    const { seal, type, world } = commandsWorld();
    const { folders } = manifestOf({ archiveId: '', word: 'good' });
    await seal(30, {
      folders: { ...folders, places: [{ name: 'packages', path: '/p', fileCount: 9, sizeBytes: 5e6 }] },
    });
    for (const [id, quiet] of [
      ['run_00000001', 50],
      ['run_00000002', 95],
    ] as const) {
      await createRun(world, runRecord(id));
      await endRun(world, id, { ...good, backup: summary(quiet) });
    }
    const reply = await type('backup now —plan');
    expect(reply.runId).toBeUndefined();
    expect(reply.json).toMatchObject({
      consistency: 'quiesced',
      joins: null,
      places: [{ name: 'packages', lastBytes: 5e6 }],
      expected: { quietSeconds: { least: 50, most: 95, runs: 2 } },
    });
    expect(reply.lines.join('\n')).toContain('50 s to 1 min 35 s, as the last 2 good runs');
    expect(reply.lines.join('\n')).not.toContain('telemetry');
    expect(await Array.fromAsync(world.state.list('audit/'))).toEqual([]);
  });

  it('says which run it would join', async () => {
    const { type, world } = commandsWorld();
    await createRun(world, runRecord('run_00000001'));
    const reply = await type('backup now --plan consistency:online');
    expect(reply.json).toMatchObject({ consistency: 'online', joins: 'run_00000001' });
    expect(reply.lines.join('\n')).toMatch(/quiet +none.*\n.*takes +not known yet/);
  });
});
