/**
 * The evidence of drills: one record a drill, kept with the state of the instance whatever becomes of the archive; and, of a
 * drill that brought its archive back, the same beside the archive.
 */
import { DrillRecord, isRestorable } from '../../domain/drills/drill.ts';
import { restoreTimeOf, type RestoreTime } from '../../domain/drills/restore-time.ts';
import { isOctoError } from '../../domain/errors.ts';
import { archiveKeys, stateKeys } from '../../domain/names.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../sections.ts';
import { encodeRecord, readRecord } from '../update.ts';

type Stores = Pick<World, 'archives' | 'state'>;

/** Keeps what the drill found; a record that stands already stays. */
export const keepDrill = async (world: Stores, record: DrillRecord): Promise<void> => {
  const { runId: id, startedAt: requestedAt, instance, archive } = record;
  const key = stateKeys.drill(instance, { id, requestedAt });
  await createOnce(world.state, key, record);
  const standing = (await readRecord(world.state, { key, schema: DrillRecord })) ?? record;
  if (isRestorable(standing))
    await createOnce(world.archives, archiveKeys.drill(instance, archive.archiveId, id), standing);
};

/** What the drill of this run found, or `null` when it has not come to that. */
export const readDrill = (
  world: Pick<World, 'state'>,
  { instance, ...run }: { id: string; instance: string; requestedAt: string },
): Promise<DrillRecord | null> => readRecord(world.state, { key: stateKeys.drill(instance, run), schema: DrillRecord });

/** The last drills of the instance, newest first. */
export const listDrills = async (
  world: Pick<World, 'state'>,
  instance: string,
  { limit }: { limit: number },
): Promise<DrillRecord[]> => {
  const drills: DrillRecord[] = [];
  for await (const { key } of world.state.list(stateKeys.drills(instance))) {
    if (drills.length >= limit) break;
    const drill = await readRecord(world.state, { key, schema: DrillRecord });
    if (drill !== null) drills.push(drill);
  }
  return drills;
};

/** Of these the last ones that got through are told from. */
const DRILLS_READ = 10;

/** How long a restore of an archive of the instance takes, by its drills; `null` where none got through. */
export const readRestoreTime = async (world: Pick<World, 'state'>, instance: string): Promise<RestoreTime | null> =>
  restoreTimeOf(await listDrills(world, instance, { limit: DRILLS_READ }));

/** The drills that brought this archive back, newest first. */
export const drillsOf = async (
  world: Pick<World, 'archives'>,
  { instance, archiveId }: ArchivePlace,
): Promise<DrillRecord[]> => {
  const drills: DrillRecord[] = [];
  for await (const { key } of world.archives.list(archiveKeys.drills(instance, archiveId))) {
    const drill = await readRecord(world.archives, { key, schema: DrillRecord });
    if (drill !== null) drills.push(drill);
  }
  return drills.toSorted((a, b) => b.endedAt.localeCompare(a.endedAt));
};

const createOnce = async (store: ObjectStore, key: string, record: DrillRecord): Promise<void> => {
  try {
    await store.create(key, encodeRecord(DrillRecord.parse(record)));
  } catch (thrown) {
    if (!isOctoError(thrown, 'StoreKeyExists')) throw thrown;
  }
};
