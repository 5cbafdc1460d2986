/**
 * The master key and the license into the secret store, before anything else is taken: data without its key is no backup.
 *
 * Each value is its own secret, named by its fingerprint, created once and never updated. What counts is what reads back.
 * Only fingerprints leave this step.
 */
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { fingerprintOf, masterKeyBits } from '../domain/archives/master-key.ts';
import { secretNames } from '../domain/names.ts';
import type { Secret } from '../domain/secrets/secret.ts';
import type { OctopusApi } from '../ports/octopus.ts';
import { writeSection } from '../repository/sections.ts';
import { readSettings } from '../repository/settings.ts';
import { archivePlace } from './parts/archive-place.ts';
import { keepSecret } from './planning/kept-keys.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({
  masterKeyFingerprint: z.string(),
  licenseFingerprint: z.string().nullable(),
  gaps: z.array(z.string()),
});

/** @throws MasterKeyUnreadable, SecretNotKept */
export const step = defineStep(
  { name: 'save-keys', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, { run, beat }) => {
    const { instance } = run;
    const { salt } = await readSettings(world, instance);
    const masterKey = await world.octopusProgram(instance).showMasterKey();
    const bits = masterKeyBits(masterKey);
    if (bits === null)
      throw new OctoError('MasterKeyUnreadable', `the master key of ${instance} is not 16 or 32 bytes`);
    const masterKeyFingerprint = fingerprintOf(masterKey, salt);
    await beat({ text: `keeping master key ${masterKeyFingerprint}` });
    await keepSecret(world, secretNames.masterKey(instance, masterKeyFingerprint), masterKey);

    const license = await readLicense(await world.octopusApi(instance));
    const licenseFingerprint = license && fingerprintOf(license, salt);
    if (license && licenseFingerprint)
      await keepSecret(world, secretNames.license(instance, licenseFingerprint), license);

    const section = { salt, masterKeyFingerprint, masterKeyBits: bits, licenseFingerprint };
    // Asked for by itself, it makes no archive.
    if (run.archiveId !== null) await writeSection(world, archivePlace(run), { name: 'keys', section });
    const gaps = license === null ? ['the server holds no license that could be saved'] : [];
    return { masterKeyFingerprint, licenseFingerprint, gaps };
  },
);

const readLicense = async (api: OctopusApi): Promise<Secret | null> => {
  try {
    return await api.license();
  } catch (thrown) {
    if (isOctoError(thrown, 'OctopusNotFound')) return null;
    throw thrown;
  }
};
