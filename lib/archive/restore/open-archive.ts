/**
 * The manifest of an archive that is about to be restored. A manifest tells where all else lies and what opens it, so it
 * is only believed when everything that stands beside it says the same.
 */
import type { Manifest } from '../../domain/archives/archive.ts';
import { OctoError } from '../../domain/errors.ts';
import { archiveKeys } from '../../domain/names.ts';
import type { FolderJournal } from '../../domain/restores/folders.ts';
import type { World } from '../../ports/world.ts';
import { readManifest } from '../../repository/archives.ts';
import type { ArchivePlace } from '../../repository/sections.ts';
import { readIndex } from '../pack/packs.ts';
import { damagesBeside } from '../verify.ts';
import { assertPlaced, assertSafe } from './safe-index.ts';
import { ownerOf, type Staging } from './tree.ts';

/** @throws ArchiveUnknown, ArchiveTooNew, ArchiveDamaged naming the object that is missing or says something else */
export const openArchive = async (world: Pick<World, 'archives'>, at: ArchivePlace): Promise<Manifest> => {
  const manifest = await readManifest(world, at);
  if (manifest === null)
    throw new OctoError('ArchiveUnknown', `instance ${at.instance} has no archive "${at.archiveId}"`);
  if (manifest.instance !== at.instance || manifest.archiveId !== at.archiveId) {
    const key = archiveKeys.manifest(at.instance, at.archiveId);
    const what = `${key} is the manifest of ${manifest.archiveId} of ${manifest.instance}`;
    throw new OctoError('ArchiveDamaged', what, { facts: { key } });
  }
  const [damage] = await damagesBeside(world, manifest);
  if (damage !== undefined) {
    throw new OctoError('ArchiveDamaged', `${damage.key}: ${damage.what}`, { facts: { key: damage.key } });
  }
  return manifest;
};

/** The index of the folders, looked at as a whole, and where on this host it comes to lie. @throws PathRefused, ArchiveDamaged */
export const openStaging = async (
  world: Pick<World, 'archives'>,
  { at, places }: { at: ArchivePlace; places: FolderJournal[] },
): Promise<Staging> => {
  const { folders } = await openArchive(world, at);
  const index = await readIndex(world, folders);
  assertSafe(index);
  assertPlaced(index);
  // A place that the archive does not hold would be exchanged for an empty one.
  const absent = places.find(({ name }) => !index.places.some((held) => held.name === name));
  if (absent !== undefined) throw new OctoError('Bug', `${at.archiveId} does not hold the folder ${absent.name}`);
  return {
    index,
    places: new Map(places.map((place) => [place.name, place])),
    owners: new Map(places.map((place) => [place.name, ownerOf(place)])),
  };
};
