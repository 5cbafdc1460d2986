import { expect, test } from 'vitest';
import { archiveKeys } from '../../lib/domain/names.ts';
import { readManifest, writeManifest } from '../../lib/repository/archives.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { scratchWorld } from '../archive/scratch.ts';

const archiveId = 'arc_20260304T020000Z_7F3K9Q2M';
const at = { instance: 'prod', archiveId };
const key = archiveKeys.manifest('prod', archiveId);

test('the first manifest stands', async () => {
  const world = scratchWorld();
  const manifest = manifestOf({ archiveId, word: 'good' });
  expect(await readManifest(world, at)).toBeNull();
  expect(await writeManifest(world, manifest)).toEqual(manifest);
  expect(await writeManifest(world, manifestOf({ archiveId, word: 'gaps' }))).toEqual(manifest);
  expect(await readManifest(world, at)).toEqual(manifest);
});

test('a manifest of a newer format is refused as such, a damaged one as damaged', async () => {
  const newer = scratchWorld();
  await newer.archives.create(key, Buffer.from('{"format":2}'));
  await expect(readManifest(newer, at)).rejects.toMatchObject({ code: 'ArchiveTooNew' });
  for (const text of ['', '{"format":1}', '{"format":']) {
    const world = scratchWorld();
    await world.archives.create(key, Buffer.from(text));
    await expect(readManifest(world, at)).rejects.toMatchObject({ code: 'ArchiveDamaged' });
  }
});
