/**
 * The archives of an instance, found by listing manifests: there is no stored list that could disagree with them.
 *
 * Ids sort by time and stores list upwards, so the newest are found by looking at windows of time from now backwards,
 * each twice as long as the one before: the latest archive costs one short listing, and 10,000 are never all read.
 */
import type { Manifest } from '../domain/archives/archive.ts';
import { OctoError } from '../domain/errors.ts';
import { archiveIdFloor, archiveIdOfKey, archiveKeys, isArchiveId } from '../domain/names.ts';
import { dayOf, type Span } from '../domain/settings/when.ts';
import type { World } from '../ports/world.ts';
import { readManifest } from './archives.ts';
import { damagedNames } from './damage.ts';

type Store = Pick<World, 'archives' | 'clock'>;

const DAY_MS = 86_400_000;
/** No archive is older than the program. */
const EPOCH = new Date('2020-01-01T00:00:00Z');

/** Ids of sealed archives, newest first; a window is listed when the caller gets there. */
export const archiveIds = async function* (world: Store, instance: string): AsyncGenerator<string> {
  let before = '~';
  let age = DAY_MS;
  for (let from = world.clock.now(); from > EPOCH; age *= 2) {
    from = new Date(Math.max(from.getTime() - age, EPOCH.getTime()));
    const window = { from: archiveIdFloor(from), before };
    yield* (await idsBetween(world, instance, window)).toReversed();
    before = window.from;
  }
};

/** Archives newest first, each manifest read when the caller gets there. */
export const listArchives = async function* (world: Store, instance: string): AsyncGenerator<Manifest> {
  for await (const archiveId of archiveIds(world, instance)) {
    const manifest = await readManifest(world, { instance, archiveId });
    if (manifest !== null) yield manifest;
  }
};

/** The newest archive whose word is good and that was not found damaged since, or `null`. `except` leaves one out. */
export const latestGood = async (world: Store, instance: string, except?: string): Promise<Manifest | null> => {
  const damaged = await damagedNames(world, instance);
  for await (const manifest of listArchives(world, instance)) {
    const { archiveId, word } = manifest;
    if (word === 'good' && archiveId !== except && !damaged.has(archiveId)) return manifest;
  }
  return null;
};

/** The archive with this id, the latest good one (`latest`), or the newest good one of a day in UTC. @throws ArchiveUnknown */
export const findArchive = async (world: Store, instance: string, wanted: string): Promise<Manifest> => {
  const day = dayOf(wanted, world.clock.now());
  if (day !== null) return goodOfDay(world, instance, day);
  const manifest =
    wanted.toLowerCase() === 'latest'
      ? await latestGood(world, instance)
      : isArchiveId(wanted)
        ? await readManifest(world, { instance, archiveId: wanted })
        : null;
  if (manifest === null) throw new OctoError('ArchiveUnknown', `instance ${instance} has no archive "${wanted}"`);
  return manifest;
};

const goodOfDay = async (world: Store, instance: string, { from, before }: Span): Promise<Manifest> => {
  const window = { from: archiveIdFloor(from), before: archiveIdFloor(before) };
  const ids = (await idsBetween(world, instance, window)).toReversed();
  const damaged = await damagedNames(world, instance);
  for (const archiveId of ids) {
    const manifest = await readManifest(world, { instance, archiveId });
    if (manifest?.word === 'good' && !damaged.has(archiveId)) return manifest;
  }
  const day = from.toISOString().slice(0, 10);
  const others = ids.length === 0 ? '' : `; taken that day, but not good: ${ids.join(', ')}`;
  throw new OctoError('ArchiveUnknown', `instance ${instance} has no good archive of ${day}${others}`);
};

const idsBetween = async (
  world: Store,
  instance: string,
  window: { from: string; before: string },
): Promise<string[]> => {
  const ids: string[] = [];
  const prefix = archiveKeys.archives(instance);
  for await (const { key } of world.archives.list(prefix, { after: `${prefix}${window.from}` })) {
    const id = archiveIdOfKey(instance, key);
    if (id !== null && id >= window.before) break;
    if (id !== null && key === archiveKeys.manifest(instance, id)) ids.push(id);
  }
  return ids;
};
