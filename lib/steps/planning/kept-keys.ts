/**
 * Keys in the secret store: kept under their fingerprint, read back, and tried on what an archive sampled.
 *
 * What counts is what the store gives back, never what was given to it.
 */
import type { Manifest } from '../../domain/archives/archive.ts';
import { fingerprintOf, proveKey, type KeyProof } from '../../domain/archives/master-key.ts';
import { OctoError } from '../../domain/errors.ts';
import { secretNames } from '../../domain/names.ts';
import { Secret } from '../../domain/secrets/secret.ts';
import type { World } from '../../ports/world.ts';

/** What names a key: its instance, its fingerprint, and the salt that the fingerprint was made with. */
export type NamedKey = { instance: string } & Pick<Manifest['keys'], 'masterKeyFingerprint' | 'salt'>;

/** Keeps the value under this name. @throws SecretNotKept when it does not read back */
export const keepSecret = async (world: Pick<World, 'secretStore'>, name: string, value: Secret): Promise<void> => {
  await world.secretStore.create(name, value);
  const kept = await world.secretStore.read(name);
  if (kept === null || !kept.equals(value))
    throw new OctoError('SecretNotKept', `the secret store does not give back what was kept as ${name}`, {
      facts: { name, isAbsent: kept === null },
    });
};

/** @throws SecretNotKept when the store has none, or another one under that name */
export const readMasterKey = async (
  world: Pick<World, 'secretStore'>,
  { instance, masterKeyFingerprint, salt }: NamedKey,
): Promise<Secret> => {
  const name = secretNames.masterKey(instance, masterKeyFingerprint);
  const key = await world.secretStore.read(name);
  if (key !== null && fingerprintOf(key, salt) === masterKeyFingerprint) return key;
  throw new OctoError('SecretNotKept', `the secret store does not give back ${name}`, {
    facts: { name, isAbsent: key === null },
  });
};

/** The values that were sampled when the archive was made, opened with this key. */
export const proveOnSamples = (key: Secret, samples: Manifest['samples']): KeyProof =>
  proveKey(
    key,
    samples.values.map((value) => ({ ...value, cipherText: new Secret(value.cipherText) })),
  );
