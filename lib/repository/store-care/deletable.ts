/** May a person delete this archive? Asked when it is planned, and again right before it is done. */
import { OctoError } from '../../domain/errors.ts';
import { archiveKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { isSound } from '../../domain/archives/retention.ts';
import { listArchives } from '../catalog.ts';
import { damagedNames } from '../damage.ts';
import { readHold } from '../holds.ts';
import type { ArchivePlace } from '../sections.ts';
import { readSettings } from '../settings.ts';
import { archivesBeingRead } from './reader-holds.ts';

type Stores = Pick<World, 'archives' | 'state' | 'clock'>;

/** @throws ArchiveHeld, ArchiveInUse, ArchiveLocked, ArchiveNeeded */
export const requireDeletable = async (world: Stores, at: ArchivePlace): Promise<void> => {
  await refuseWhileKept(world, at);
  await refuseWithinFloor(world, at);
};

/** @throws ArchiveHeld, ArchiveInUse, ArchiveLocked */
export const refuseWhileKept = async (world: Stores, { instance, archiveId }: ArchivePlace): Promise<void> => {
  const hold = await readHold(world, { instance, archiveId });
  if (hold !== null) {
    const since = hold.heldAt.slice(0, 10);
    throw new OctoError('ArchiveHeld', `${archiveId} is held by ${hold.by} since ${since}`, { facts: { ...hold } });
  }
  if ((await archivesBeingRead(world, instance)).has(archiveId)) {
    throw new OctoError('ArchiveInUse', `${archiveId} is being read`);
  }
  const lockedUntil = (await world.archives.head(archiveKeys.manifest(instance, archiveId)))?.lockedUntil;
  if (lockedUntil !== undefined && lockedUntil > world.clock.now().toISOString()) {
    throw new OctoError('ArchiveLocked', `${archiveId} is locked in the store until ${lockedUntil.slice(0, 10)}`);
  }
};

/** So many of the newest good archives stay, whatever is asked. */
const refuseWithinFloor = async (world: Stores, { instance, archiveId }: ArchivePlace): Promise<void> => {
  const { floor } = (await readSettings(world, instance)).retention;
  const damaged = await damagedNames(world, instance);
  let good = 0;
  for await (const { word, isSafety = false, ...manifest } of listArchives(world, instance)) {
    if (!isSound({ word, isSafety, isDamaged: damaged.has(manifest.archiveId) })) continue;
    if (manifest.archiveId === archiveId) {
      throw new OctoError('ArchiveNeeded', `${archiveId} is one of the ${floor} newest good archives of ${instance}`);
    }
    good++;
    if (good === floor) return;
  }
};
