import { expect, test } from 'vitest';
import { archiveKeys } from '../../lib/domain/names.ts';
import { readSection, requireSection, writeArchiveFile, writeSection } from '../../lib/repository/sections.ts';
import { scratchWorld } from '../archive/scratch.ts';

const at = { instance: 'prod', archiveId: 'arc_20260304T020000Z_7F3K9Q2M' };
const proof = (opened: number) => ({ opened, sampled: 12, gap: null });

test('a section is written once: who comes second gets what stands there', async () => {
  const world = scratchWorld();
  expect(await readSection(world, at, 'proof')).toBeNull();
  expect(await writeSection(world, at, { name: 'proof', section: proof(12) })).toEqual(proof(12));
  expect(await writeSection(world, at, { name: 'proof', section: proof(3) })).toEqual(proof(12));
  expect(await requireSection(world, at, 'proof')).toEqual(proof(12));
});

test('a section that is missing or cannot be read is said to be so', async () => {
  const world = scratchWorld();
  await expect(requireSection(world, at, 'keys')).rejects.toMatchObject({ code: 'SectionMissing' });
  await world.archives.create(archiveKeys.section(at.instance, at.archiveId, 'proof'), Buffer.from('{"opened":1}'));
  await expect(readSection(world, at, 'proof')).rejects.toMatchObject({ code: 'ArchiveDamaged' });
});

test('a file beside the sections is written once, and named by the digest of what stands there', async () => {
  const world = scratchWorld();
  const first = await writeArchiveFile(world, at, { name: 'host.json', bytes: Buffer.from('{}') });
  expect(await writeArchiveFile(world, at, { name: 'host.json', bytes: Buffer.from('{"a":1}') })).toEqual(first);
});
