/**
 * A handful of encrypted values as they stand in the dumped database, for `prove-key` to open later.
 *
 * Taken right after the dump: while quiet they are the dump's own values; online a value may be newer than the dump, yet
 * under the same key, since a rotation needs the server stopped and the key was read again after the dump.
 */
import * as z from 'zod';
import type { Section } from '../domain/archives/archive.ts';
import type { World } from '../ports/world.ts';
import { readSection, writeSection, type ArchivePlace } from '../repository/sections.ts';
import { archivePlace } from './parts/archive-place.ts';
import { defineStep } from './step.ts';

/** A dozen: a wrong key opens one value by luck once in 255 tries, twelve never; and a dozen fits any section. */
const SAMPLES = 12;

export const step = defineStep(
  {
    name: 'sample-secrets',
    runsOn: 'host',
    input: z.strictObject({}),
    output: z.strictObject({ sampled: z.number(), sensitiveDocumentCount: z.number() }),
  },
  async (world, _input, { run }) => {
    const place = archivePlace(run);
    const { values, sensitiveDocumentCount } =
      (await readSection(world, place, 'samples')) ?? (await sample(world, place));
    return { sampled: values.length, sensitiveDocumentCount };
  },
);

const sample = async (world: World, place: ArchivePlace): Promise<Section<'samples'>> => {
  const database = await world.octopusDatabase(place.instance);
  const sensitiveDocumentCount = await database.sensitiveDocumentCount();
  const values = await database.encryptedValues(SAMPLES);
  // Ciphertext: it stands in the dump beside it, and tells nothing without the key.
  const revealed = values.map((value) => ({ ...value, cipherText: value.cipherText.reveal() }));
  return writeSection(world, place, { name: 'samples', section: { sensitiveDocumentCount, values: revealed } });
};
