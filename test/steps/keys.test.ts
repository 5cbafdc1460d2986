import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Section } from '../../lib/domain/archives/archive.ts';
import { secretNames } from '../../lib/domain/names.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { World } from '../../lib/ports/world.ts';
import { requireSection, writeSection } from '../../lib/repository/sections.ts';
import { archivePlace } from '../../lib/steps/parts/archive-place.ts';
import { step as proveKey } from '../../lib/steps/prove-key.ts';
import { step as sampleSecrets } from '../../lib/steps/sample-secrets.ts';
import { step as saveKeys } from '../../lib/steps/save-keys.ts';
import { setProgramFaults } from '../../sandbox/octopus/program/faults.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

let on: StepWorld;
beforeAll(async () => {
  on = await openStepWorld();
});
afterAll(async () => on.close());

const OTHER_KEY = new Secret(Buffer.alloc(32, 7).toString('base64'));

type Saved = { masterKeyFingerprint: string; licenseFingerprint: string | null; gaps: string[] };

describe('save-keys', () => {
  test('key and license are in the secret store under their fingerprints, and read back', async () => {
    const run = await on.newRun();
    const saved = await perform<Saved>(saveKeys, { world: on.world, run });
    expect(saved).toEqual({
      masterKeyFingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      licenseFingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      gaps: [],
    });
    const key = await on.world.secretStore.read(secretNames.masterKey('prod', saved.masterKeyFingerprint));
    expect(key?.reveal()).toBe(on.seeded.masterKey);
    const license = await on.world.secretStore.read(secretNames.license('prod', saved.licenseFingerprint!));
    expect(license?.reveal()).toContain('<License Signature=');
    expect(await requireSection(on.world, archivePlace(run), 'keys')).toMatchObject({
      masterKeyFingerprint: saved.masterKeyFingerprint,
      masterKeyBits: 256,
    });
    // Again, and in the next run: the same secrets, created once.
    expect(await perform(saveKeys, { world: on.world, run, attempt: 1 })).toEqual(saved);
    expect(await perform(saveKeys, { world: on.world, run: await on.newRun() })).toEqual(saved);
    expect(await on.world.secretStore.list(secretNames.masterKeys('prod'))).toHaveLength(1);
  });

  test('neither value is in the archive', async () => {
    const run = await on.newRun();
    await perform(saveKeys, { world: on.world, run });
    for await (const { key } of on.world.archives.list('')) {
      const text = (await on.world.archives.read(key))!.bytes.toString();
      expect(text).not.toContain(on.seeded.masterKey);
      expect(text).not.toContain('<License');
    }
  });

  test('a key that cannot be read is a failure, never "no key"', async () => {
    setProgramFaults(on.machine, { isKeyUnreadable: true });
    try {
      const run = await on.newRun();
      await expect(perform(saveKeys, { world: on.world, run })).rejects.toMatchObject({ code: 'MasterKeyUnreadable' });
    } finally {
      setProgramFaults(on.machine, {});
    }
  });

  test.each([
    ['another value', OTHER_KEY],
    ['nothing', null],
  ])('a store that gives back %s is not trusted', async (_name, given) => {
    const world: World = { ...on.world, secretStore: { ...on.world.secretStore, read: async () => given } };
    await expect(perform(saveKeys, { world, run: await on.newRun() })).rejects.toMatchObject({ code: 'SecretNotKept' });
  });
});

describe('proof', () => {
  const sampled = async (): Promise<{ run: RunRecord; samples: Section<'samples'> }> => {
    const run = await on.newRun();
    await perform(saveKeys, { world: on.world, run });
    await perform(sampleSecrets, { world: on.world, run });
    return { run, samples: await requireSection(on.world, archivePlace(run), 'samples') };
  };

  test('a dozen values from several tables, opened with the key as the store gives it back', async () => {
    const { run, samples } = await sampled();
    expect(samples.values).toHaveLength(12);
    expect(new Set(samples.values.map(({ table }) => table)).size).toBeGreaterThan(2);
    expect(await perform(proveKey, { world: on.world, run })).toEqual({ opened: 12, sampled: 12, gaps: [] });
    expect(await requireSection(on.world, archivePlace(run), 'proof')).toEqual({ opened: 12, sampled: 12, gap: null });
    // A second attempt samples nothing new.
    expect(await perform(sampleSecrets, { world: on.world, run })).toMatchObject({ sampled: 12 });
    expect(await requireSection(on.world, archivePlace(run), 'samples')).toEqual(samples);
  });

  test('a secret store that lost or changed the key fails the backup', async () => {
    const { run } = await sampled();
    for (const given of [OTHER_KEY, null]) {
      const world: World = { ...on.world, secretStore: { ...on.world.secretStore, read: async () => given } };
      await expect(perform(proveKey, { world, run })).rejects.toMatchObject({ code: 'SecretNotKept' });
    }
  });

  test('a key that was saved but opens nothing fails the backup', async () => {
    const { samples } = await sampled();
    const program = { ...on.world.octopusProgram('prod'), showMasterKey: async () => OTHER_KEY };
    const world: World = { ...on.world, octopusProgram: () => program };
    const run = await on.newRun();
    await perform(saveKeys, { world, run });
    await writeSection(world, archivePlace(run), { name: 'samples', section: samples });
    await expect(perform(proveKey, { world, run })).rejects.toMatchObject({
      code: 'KeyDoesNotOpenData',
      facts: { opened: 0, sampled: 12 },
    });
  });

  const BROKEN = { table: 'Feed', id: 'Feeds-1', path: 'Password', kind: 'text' as const, cipherText: 'AAAA|AAAA' };

  test.each([
    {
      what: 'damage is a gap that names the place',
      values: 'and one broken',
      sensitiveDocumentCount: 3,
      gaps: ['the key opens 12 of 13 values; damaged in the database: Feed Feeds-1 Password'],
    },
    {
      what: 'no value although documents hold secrets is a gap',
      values: 'none',
      sensitiveDocumentCount: 3,
      gaps: ['no encrypted value could be read, although 3 documents hold secrets'],
    },
    { what: 'no value where there are no secrets is none', values: 'none', sensitiveDocumentCount: 0, gaps: [] },
  ])('$what', async ({ values, sensitiveDocumentCount, gaps }) => {
    const { samples } = await sampled();
    const run = await on.newRun();
    await perform(saveKeys, { world: on.world, run });
    const section = { sensitiveDocumentCount, values: values === 'none' ? [] : [...samples.values, BROKEN] };
    await writeSection(on.world, archivePlace(run), { name: 'samples', section });
    expect(await perform(proveKey, { world: on.world, run })).toMatchObject({ gaps });
  });
});
