/**
 * Holds of readers: while a restore, drill or verification reads an archive, nobody deletes it or the data it names.
 *
 * A hold has an end, so that a killed reader holds nothing for ever; one that works longer takes it again. People's holds,
 * which have no end, are in `holds.ts`.
 */
import * as z from 'zod';
import { OctoError } from '../../domain/errors.ts';
import { archiveIdOfReader, archiveKeys, stateKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../sections.ts';
import { readRecord, UNCHANGED, update } from '../update.ts';

type State = Pick<World, 'state'>;

const ReaderHold = z.strictObject({ runId: z.string(), since: z.string(), until: z.string() });

/**
 * Holds the archive for this reader from now on, for so many hours; taken again, it never ends sooner. `runId` names the
 * reader: a run, or whatever else is one of a kind. Returned, the archive was there after it was held.
 * @throws ArchiveUnknown when it is gone, or just being deleted
 */
export const holdForReading = async (
  world: Pick<World, 'state' | 'archives' | 'clock'>,
  { instance, archiveId }: ArchivePlace,
  { runId, hours }: { runId: string; hours: number },
): Promise<void> => {
  const now = world.clock.now();
  const until = new Date(now.getTime() + hours * 3_600_000).toISOString();
  const at = { key: stateKeys.reader(instance, archiveId, runId), schema: ReaderHold };
  await update(world.state, at, (current) =>
    current !== null && current.until >= until
      ? UNCHANGED
      : { runId, since: current?.since ?? now.toISOString(), until },
  );
  // Looked at afterwards: whoever deletes says so before it looks for holds, so one of the two sees the other.
  const isLeaving = (await world.state.head(stateKeys.deletion(instance, archiveId))) !== null;
  const manifest = await world.archives.head(archiveKeys.manifest(instance, archiveId));
  if (manifest !== null && !isLeaving) return;
  await releaseReading(world, { instance, archiveId }, runId);
  throw new OctoError('ArchiveUnknown', `instance ${instance} has no archive "${archiveId}"`);
};

/** The reader is done; a hold that is not there is no error. */
export const releaseReading = (world: State, { instance, archiveId }: ArchivePlace, runId: string): Promise<void> =>
  world.state.delete(stateKeys.reader(instance, archiveId, runId));

/** Ids of the archives that somebody reads now. */
export const archivesBeingRead = async (
  world: Pick<World, 'state' | 'clock'>,
  instance: string,
): Promise<Set<string>> => {
  const now = world.clock.now().toISOString();
  const read = new Set<string>();
  for await (const { key } of world.state.list(stateKeys.readers(instance))) {
    const archiveId = archiveIdOfReader(instance, key);
    const hold = archiveId && (await readRecord(world.state, { key, schema: ReaderHold }));
    if (archiveId && hold && hold.until > now) read.add(archiveId);
  }
  return read;
};

/** Forgets the holds whose end has passed. */
export const sweepReaderHolds = async (world: Pick<World, 'state' | 'clock'>, instance: string): Promise<void> => {
  const now = world.clock.now().toISOString();
  for await (const { key } of world.state.list(stateKeys.readers(instance))) {
    const hold = await readRecord(world.state, { key, schema: ReaderHold });
    if (hold !== null && hold.until <= now) await world.state.delete(key);
  }
};
