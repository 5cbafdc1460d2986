/**
 * The archives of an instance, found by listing manifests: there is no stored list that could disagree with them.
 *
 * Ids sort by time and stores list upwards, so the newest are found by looking at windows of time from now backwards,
 * each twice as long as the one before: the latest archive costs one short listing, and 10,000 are never all read.
 */
import { OctoError } from '../domain/errors.ts';
import { archiveIdFloor, archiveIdOfKey, archiveKeys, isArchiveId } from '../domain/names.ts';
import { dayOf, type Span } from '../domain/settings/when.ts';
import type { World } from '../ports/world.ts';
import { readManifest, type CountedManifest } from './archives.ts';
import { damagedNames } from './damage.ts';
import { readSettings } from './settings.ts';

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
export const listArchives = async function* (world: Store, instance: string): AsyncGenerator<CountedManifest> {
  for await (const archiveId of archiveIds(world, instance)) {
    const manifest = await readManifest(world, { instance, archiveId });
    if (manifest !== null) yield manifest;
  }
};

/** The newest archive whose word is good and that was not found damaged since, or `null`. `except` leaves one out. */
export const latestGood = async (world: Store, instance: string, except?: string): Promise<CountedManifest | null> => {
  const damaged = await damagedNames(world, instance);
  for await (const manifest of listArchives(world, instance)) {
    const { archiveId } = manifest;
    if (isUsual(manifest) && archiveId !== except && !damaged.has(archiveId)) return manifest;
  }
  return null;
};

/** A good one of the ordinary kind: what a restore was about to overwrite is only ever meant by its id. */
const isUsual = ({ word, isSafety }: Pick<CountedManifest, 'word' | 'isSafety'>): boolean =>
  word === 'good' && isSafety !== true;

/**
 * The archive with this id, the latest good one (`latest`), or the newest good one of a day: in the time zone of the
 * instance's settings, or in UTC where only the archives are at hand. @throws ArchiveUnknown
 */
export const findArchive = async (
  world: Store & Partial<Pick<World, 'state'>>,
  instance: string,
  wanted: string,
): Promise<CountedManifest> => {
  const day = dayOf(wanted, world.clock.now(), await zoneOf(world, instance));
  if (day !== null) return goodOfDay(world, instance, { ...day, named: wanted });
  const manifest =
    wanted.toLowerCase() === 'latest'
      ? await latestGood(world, instance)
      : isArchiveId(wanted)
        ? await readManifest(world, { instance, archiveId: wanted })
        : null;
  if (manifest === null) throw new OctoError('ArchiveUnknown', `instance ${instance} has no archive "${wanted}"`);
  return manifest;
};

const zoneOf = async ({ state }: Partial<Pick<World, 'state'>>, instance: string): Promise<string> =>
  state === undefined ? 'UTC' : (await readSettings({ state }, instance)).schedule.timeZone;

const goodOfDay = async (
  world: Store,
  instance: string,
  { from, before, named }: Span & { named: string },
): Promise<CountedManifest> => {
  const window = { from: archiveIdFloor(from), before: archiveIdFloor(before) };
  const ids = (await idsBetween(world, instance, window)).toReversed();
  const damaged = await damagedNames(world, instance);
  for (const archiveId of ids) {
    const manifest = await readManifest(world, { instance, archiveId });
    if (manifest !== null && isUsual(manifest) && !damaged.has(archiveId)) return manifest;
  }
  const others = ids.length === 0 ? '' : `; taken that day, but not good: ${ids.join(', ')}`;
  throw new OctoError('ArchiveUnknown', `instance ${instance} has no good archive of ${named}${others}`);
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
