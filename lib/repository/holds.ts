/**
 * Holds: an archive that somebody wants kept is never deleted while its hold stands, one record an archive.
 */
import * as z from 'zod';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { archiveIdOfHold, stateKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import type { ArchivePlace } from './sections.ts';
import { encodeRecord, readRecord } from './update.ts';

type State = Pick<World, 'state'>;

const Hold = z.strictObject({ by: z.string(), reason: z.string().nullable(), heldAt: z.string() });
export type Hold = z.infer<typeof Hold>;

/** The hold that stands afterwards: this one, or the one that was there first. @throws ArchiveUnknown for one that is just being deleted */
export const holdArchive = async (world: State, at: ArchivePlace, hold: Hold): Promise<Hold> => {
  try {
    await world.state.create(stateKeys.hold(at.instance, at.archiveId), encodeRecord(Hold.parse(hold)));
    await refuseLeaving(world, at);
    return hold;
  } catch (error) {
    const standing = isOctoError(error, 'StoreKeyExists') ? await readHold(world, at) : null;
    if (standing === null) throw error;
    return standing;
  }
};

/** Looked at afterwards: whoever deletes says so before it looks for holds, so one of the two sees the other. */
const refuseLeaving = async (world: State, at: ArchivePlace): Promise<void> => {
  if ((await world.state.head(stateKeys.deletion(at.instance, at.archiveId))) === null) return;
  await releaseArchive(world, at);
  throw new OctoError('ArchiveUnknown', `${at.archiveId} is just being deleted`);
};

/** Gives the archive free; what is not held is no error. */
export const releaseArchive = (world: State, { instance, archiveId }: ArchivePlace): Promise<void> =>
  world.state.delete(stateKeys.hold(instance, archiveId));

/** Who holds the archive, and why; `null` when nobody does. */
export const readHold = (world: State, { instance, archiveId }: ArchivePlace): Promise<Hold | null> =>
  readRecord(world.state, { key: stateKeys.hold(instance, archiveId), schema: Hold });

/** Ids of the held archives of the instance. */
export const heldArchives = async (world: State, instance: string): Promise<Set<string>> => {
  const held = new Set<string>();
  for await (const { key } of world.state.list(stateKeys.holds(instance))) {
    const archiveId = archiveIdOfHold(instance, key);
    if (archiveId !== null) held.add(archiveId);
  }
  return held;
};
