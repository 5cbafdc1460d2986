/**
 * Proof that the saved key opens the saved data: the key as the secret store gives it back, on values sampled at dump time.
 *
 * It says "proven on the source at dump time"; only a restored copy can prove more. What is opened is looked at and dropped.
 */
import * as z from 'zod';
import type { Section } from '../domain/archives/archive.ts';
import { OctoError } from '../domain/errors.ts';
import { fingerprintOf, proveKey, type KeyProof } from '../domain/archives/master-key.ts';
import { secretNames } from '../domain/names.ts';
import { Secret } from '../domain/secrets/secret.ts';
import type { World } from '../ports/world.ts';
import { requireSection, writeSection, type ArchivePlace } from '../repository/sections.ts';
import { archivePlace } from './parts/archive-place.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({ opened: z.number(), sampled: z.number(), gaps: z.array(z.string()) });

/** @throws KeyDoesNotOpenData, SecretNotKept */
export const step = defineStep(
  { name: 'prove-key', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, { run }) => {
    const place = archivePlace(run);
    const samples = await requireSection(world, place, 'samples');
    const values = samples.values.map((value) => ({ ...value, cipherText: new Secret(value.cipherText) }));
    const proof = proveKey(await readBack(world, place), values);
    if (proof.verdict === 'wrong')
      throw new OctoError('KeyDoesNotOpenData', `the saved key opens ${proof.opened} of ${values.length} values`, {
        facts: { opened: proof.opened, sampled: values.length, unopened: proof.unopened },
      });
    const gap = gapOf(proof, samples);
    await writeSection(world, place, {
      name: 'proof',
      section: { opened: proof.opened, sampled: values.length, gap },
    });
    return { opened: proof.opened, sampled: values.length, gaps: gap === null ? [] : [gap] };
  },
);

const readBack = async (world: Pick<World, 'archives' | 'secretStore'>, place: ArchivePlace): Promise<Secret> => {
  const { masterKeyFingerprint, salt } = await requireSection(world, place, 'keys');
  const name = secretNames.masterKey(place.instance, masterKeyFingerprint);
  const key = await world.secretStore.read(name);
  if (key !== null && fingerprintOf(key, salt) === masterKeyFingerprint) return key;
  throw new OctoError('SecretNotKept', `the secret store does not give back ${name}`, {
    facts: { name, isAbsent: key === null },
  });
};

const NAMED_AT_MOST = 3;

const gapOf = (proof: KeyProof, samples: Section<'samples'>): string | null => {
  if (proof.verdict === 'damaged') {
    const named = proof.unopened.slice(0, NAMED_AT_MOST).join('; ');
    return `the key opens ${proof.opened} of ${samples.values.length} values; damaged in the database: ${named}`;
  }
  if (proof.verdict === 'nothing' && samples.sensitiveDocumentCount > 0)
    return `no encrypted value could be read, although ${samples.sensitiveDocumentCount} documents hold secrets`;
  return null;
};
