/**
 * Takes an archive out of the list by deleting its manifest, and nothing else: from then on it is no archive, and what it
 * left is found and removed in two passes like the leftovers of a failed run (`lib/archive/care/collect.ts`).
 *
 * That it leaves is written down before anybody's hold is looked for, and who takes a hold looks for that afterwards: so of
 * the two at least one sees the other. The caller holds the lock of the instance.
 */
import { archiveKeys, stateKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../sections.ts';
import { encodeRecord } from '../update.ts';
import { refuseWhileKept } from './deletable.ts';

type Stores = Pick<World, 'archives' | 'state' | 'clock'>;

/** Deletes the manifest; one that is gone already is no error. @throws ArchiveHeld, ArchiveInUse, ArchiveLocked */
export const unlistArchive = async (world: Stores, at: ArchivePlace, runId: string): Promise<void> => {
  const mark = stateKeys.deletion(at.instance, at.archiveId);
  if ((await world.state.head(mark)) === null) await world.state.create(mark, encodeRecord({ runId }));
  try {
    await refuseWhileKept(world, at);
    await deleteManifest(world, at);
  } finally {
    await world.state.delete(mark);
  }
};

/** Forgets deletions that were broken off before they deleted anything: those archives can be read and held again. */
export const forgetBrokenDeletions = async (world: Pick<World, 'state'>, instance: string): Promise<void> => {
  for await (const { key } of world.state.list(stateKeys.deletions(instance))) await world.state.delete(key);
};

const deleteManifest = async ({ archives }: Stores, { instance, archiveId }: ArchivePlace): Promise<void> => {
  const key = archiveKeys.manifest(instance, archiveId);
  const manifest = await archives.head(key);
  if (manifest === null) return;
  await archives.delete(key, manifest.version === undefined ? {} : { version: manifest.version });
};
