/**
 * Marks of damage: what a verification found wrong is remembered, so that no later backup relies on it and no archive that
 * needs it counts as good. Written once and never changed; a verification that finds the object right again lifts it.
 *
 * Finding damage is left to `lib/archive/verify.ts`. @see docs/format.md §6
 */
import { isOctoError } from '../domain/errors.ts';
import { archiveKeys, contentNameOf } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { encodeRecord } from './update.ts';

/** A damaged object, and the archives that need it. */
export type DamageFound = { key: string; what: string; archives: string[] };

/** Marks what is damaged: packs and indexes first, so that a backup that starts now stays away from them; then archives. */
export const markDamaged = async (
  world: Pick<World, 'archives' | 'clock'>,
  instance: string,
  found: DamageFound[],
): Promise<void> => {
  const foundAt = world.clock.now().toISOString();
  const mark = async (name: string, { key, what }: DamageFound): Promise<void> => {
    const bytes = encodeRecord({ key, what, foundAt });
    await world.archives.create(archiveKeys.damage(instance, name), bytes).catch(unlessMarked);
  };
  for (const damage of found) {
    const name = contentNameOf(instance, damage.key);
    if (name !== null) await mark(name, damage);
  }
  for (const damage of found) for (const archiveId of damage.archives) await mark(archiveId, damage);
};

/** Lifts marks: of packs, indexes and archives that were read again and are right. Those that were not marked are no error. */
export const liftDamage = async (
  { archives }: Pick<World, 'archives'>,
  instance: string,
  names: readonly string[],
): Promise<void> => {
  for (const name of names) await archives.delete(archiveKeys.damage(instance, name));
};

/** What is marked: SHA-256 of packs and indexes, ids of archives. `also` are names that are to count as well. */
export const damagedNames = async (
  { archives }: Pick<World, 'archives'>,
  instance: string,
  also: ReadonlySet<string> = new Set(),
): Promise<Set<string>> => {
  const prefix = archiveKeys.damages(instance);
  const names = new Set(also);
  for await (const { key } of archives.list(prefix)) names.add(key.slice(prefix.length, -'.json'.length));
  return names;
};

const unlessMarked = (thrown: unknown): void => {
  if (!isOctoError(thrown, 'StoreKeyExists')) throw thrown;
};
