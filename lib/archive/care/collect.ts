/**
 * Removes from the store what no archive needs any more: data of deleted archives, and what failed runs have left.
 *
 * Two passes, at least two days apart. One names what is unneeded and a day old; a later one deletes what it finds named
 * long enough and still unneeded. Broken off anywhere, it goes on where it was the next time. Whoever calls it holds the
 * lock of the instance, so no backup is at work that could be taking over what is looked at here; one whose lock has lapsed
 * cannot seal. A backup that starts later takes nothing over that is named (`repository/store-care/trash.ts`).
 */
import { isOctoError } from '../../domain/errors.ts';
import { archiveIdOfKey, archiveKeys, contentNameOf } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { archivesBeingRead, sweepReaderHolds } from '../../repository/store-care/reader-holds.ts';
import { keepTrash, listTrash, nameTrash, type Trash } from '../../repository/store-care/trash.ts';
import { type Needed, neededObjects } from './needed.ts';

type Stores = Pick<World, 'archives' | 'state' | 'clock'>;

const HOUR_MS = 3_600_000;
/** Between naming and deleting. */
export const TRASH_HOURS = 48;
/** Younger objects are nobody's leftovers yet. */
const GRACE_HOURS = 24;
/** Requests under way at once. */
const TOGETHER = 8;

export type Collected = {
  namedCount: number;
  deletedCount: number;
  deletedBytes: number;
  /** Why nothing was looked at, or `null`. */
  postponed: string | null;
};

/** Deletes what was named two days ago and names what is unneeded now. `beat` is called before every irreversible act. */
export const collectUnneeded = async (
  world: Stores,
  instance: string,
  beat: (progress?: { text: string }) => Promise<void>,
): Promise<Collected> => {
  const collected: Collected = { namedCount: 0, deletedCount: 0, deletedBytes: 0, postponed: null };
  await sweepReaderHolds(world, instance);
  const needed = await knownNeeds(world, instance, beat);
  if ('postponed' in needed) return { ...collected, postponed: needed.postponed };
  const isNeeded = needOf(instance, needed);
  const named = new Set<string>();
  for (const trash of await Array.fromAsync(listTrash(world, instance))) {
    const left = await deleteDue(world, trash, { isNeeded, beat, collected });
    if (left.length < trash.keys.length) await keepTrash(world, instance, { ...trash, keys: left });
    for (const key of left) named.add(key);
  }
  const unneeded = await unneededKeys(world, instance, { isNeeded, named });
  await beat({ text: `${unneeded.length} objects are needed by no archive` });
  await nameTrash(world, instance, unneeded);
  return { ...collected, namedCount: unneeded.length };
};

/** Somebody may still read an archive that is listed no more: then nobody knows what is needed, as with damaged indexes. */
const knownNeeds = async (
  world: Stores,
  instance: string,
  beat: (progress?: { text: string }) => Promise<void>,
): Promise<Needed | { postponed: string }> => {
  try {
    const needed = await neededObjects(world, instance, (archiveId) => beat({ text: `looking into ${archiveId}` }));
    const unlisted = [...(await archivesBeingRead(world, instance))].filter((id) => !needed.archives.has(id));
    return unlisted.length === 0 ? needed : { postponed: `${unlisted.join(', ')} is still being read` };
  } catch (thrown) {
    if (!isOctoError(thrown, 'ArchiveDamaged', 'ArchiveTooNew', 'StoreDamaged')) throw thrown;
    return { postponed: thrown.message };
  }
};

type NeedOf = (key: string) => boolean;

/** Marks of damage are needed as long as what they are about. */
const needOf = (instance: string, { archives, objects, names }: Needed): NeedOf => {
  const damages = archiveKeys.damages(instance);
  return (key) => {
    if (key.startsWith(damages)) {
      const about = key.slice(damages.length, -'.json'.length);
      return archives.has(about) || names.has(about);
    }
    const archiveId = archiveIdOfKey(instance, key);
    return archiveId === null ? objects.has(key) : archives.has(archiveId);
  };
};

type Deleting = { isNeeded: NeedOf; beat: () => Promise<void>; collected: Collected };

/** Deletes what may go of a record. What of it stays named: everything, while it is too early; then what is locked. */
const deleteDue = async (world: Stores, { namedAt, keys }: Trash, deleting: Deleting): Promise<string[]> => {
  const now = world.clock.now();
  if (now.getTime() - Date.parse(namedAt) < TRASH_HOURS * HOUR_MS) return keys;
  const unneeded = keys.filter((key) => !deleting.isNeeded(key));
  const locked: string[] = [];
  for (let from = 0; from < unneeded.length; from += TOGETHER) {
    await deleting.beat();
    const some = unneeded.slice(from, from + TOGETHER);
    locked.push(...(await Promise.all(some.map((key) => deleteUnlessLocked(world, key, deleting.collected)))).flat());
  }
  return locked;
};

/** The key itself while the store locks it. */
const deleteUnlessLocked = async (world: Stores, key: string, collected: Collected): Promise<string[]> => {
  const found = await world.archives.head(key);
  if (found === null) return [];
  const { version, lockedUntil, sizeBytes } = found;
  if (lockedUntil !== undefined && lockedUntil > world.clock.now().toISOString()) return [key];
  await world.archives.delete(key, version === undefined ? {} : { version });
  collected.deletedCount++;
  collected.deletedBytes += sizeBytes;
  return [];
};

const unneededKeys = async (
  world: Stores,
  instance: string,
  { isNeeded, named }: { isNeeded: NeedOf; named: ReadonlySet<string> },
): Promise<string[]> => {
  const before = new Date(world.clock.now().getTime() - GRACE_HOURS * HOUR_MS).toISOString();
  const keys: string[] = [];
  const present = new Set<string>();
  const { archives, packs, database, indexes, damages } = archiveKeys;
  // Marks come last: one stays while anything of its name is in the store, so that nothing relies on that.
  for (const prefix of [archives, packs, database, indexes, damages].map((of) => of(instance))) {
    for await (const { key, modifiedAt } of world.archives.list(prefix)) {
      const name = contentNameOf(instance, key);
      if (name !== null) present.add(name);
      if (modifiedAt >= before || named.has(key) || isNeeded(key)) continue;
      if (!present.has(markedName(instance, key))) keys.push(key);
    }
  }
  return keys;
};

const markedName = (instance: string, key: string): string => {
  const damages = archiveKeys.damages(instance);
  return key.startsWith(damages) ? key.slice(damages.length, -'.json'.length) : '';
};
