/**
 * Proof that the saved key opens the saved data: the key as the secret store gives it back, on values sampled at dump time.
 *
 * It says "proven on the source at dump time"; only a restored copy can prove more. What is opened is looked at and dropped.
 */
import * as z from 'zod';
import type { Section } from '../domain/archives/archive.ts';
import { OctoError } from '../domain/errors.ts';
import type { KeyProof } from '../domain/archives/master-key.ts';
import { requireSection, writeSection } from '../repository/sections.ts';
import { archivePlace } from './parts/archive-place.ts';
import { proveOnSamples, readMasterKey } from './planning/kept-keys.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({ opened: z.number(), sampled: z.number(), gaps: z.array(z.string()) });

/** @throws KeyDoesNotOpenData, SecretNotKept */
export const step = defineStep(
  { name: 'prove-key', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, { run }) => {
    const place = archivePlace(run);
    const samples = await requireSection(world, place, 'samples');
    const keys = await requireSection(world, place, 'keys');
    const proof = proveOnSamples(await readMasterKey(world, { instance: place.instance, ...keys }), samples);
    const sampled = samples.values.length;
    if (proof.verdict === 'wrong')
      throw new OctoError('KeyDoesNotOpenData', `the saved key opens ${proof.opened} of ${sampled} values`, {
        facts: { opened: proof.opened, sampled, unopened: proof.unopened },
      });
    const gap = gapOf(proof, samples);
    await writeSection(world, place, {
      name: 'proof',
      section: { opened: proof.opened, sampled, gap },
    });
    return { opened: proof.opened, sampled, gaps: gap === null ? [] : [gap] };
  },
);

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
