/**
 * What is to be removed from the archives store: named here first, deleted two days later if it is still needed by nobody.
 *
 * One record of keys after the other, created once; only whoever holds the lock of the instance writes them. A backup takes
 * nothing over that is named here and stores the same content under another name instead, as it does with what is damaged.
 */
import * as z from 'zod';
import { contentNameOf, positionOfTrash, stateKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import { encodeRecord, readRecord, update } from '../update.ts';

type State = Pick<World, 'state'>;

const TrashRecord = z.strictObject({ namedAt: z.string(), keys: z.array(z.string()) });

/** Keys of the archives store that were named at one moment. */
export type Trash = z.infer<typeof TrashRecord> & { position: number };

/** A record stays within a few hundred kilobytes. */
const KEYS_IN_RECORD = 2000;

/** Everything that is named, oldest first. */
export const listTrash = async function* (world: State, instance: string): AsyncGenerator<Trash> {
  for await (const { key } of world.state.list(stateKeys.trashes(instance))) {
    const position = positionOfTrash(instance, key);
    const record = position === null ? null : await readRecord(world.state, { key, schema: TrashRecord });
    if (position !== null && record !== null) yield { ...record, position };
  }
};

/** Names keys from now on. */
export const nameTrash = async (
  world: Pick<World, 'state' | 'clock'>,
  instance: string,
  keys: readonly string[],
): Promise<void> => {
  let position = ((await Array.fromAsync(listTrash(world, instance))).at(-1)?.position ?? 0) + 1;
  const namedAt = world.clock.now().toISOString();
  for (let from = 0; from < keys.length; from += KEYS_IN_RECORD, position++) {
    const record = { namedAt, keys: keys.slice(from, from + KEYS_IN_RECORD) };
    await world.state.create(stateKeys.trash(instance, position), encodeRecord(record));
  }
};

/** Keeps only `keys` of a record named; without any it is gone. */
export const keepTrash = async (world: State, instance: string, { position, namedAt, keys }: Trash): Promise<void> => {
  const key = stateKeys.trash(instance, position);
  if (keys.length === 0) await world.state.delete(key);
  else await update(world.state, { key, schema: TrashRecord }, () => ({ namedAt, keys }));
};

/** SHA-256 of the packs and indexes that are named: what a backup must not rely on, nor store again under that name. */
export const trashedNames = async (world: State, instance: string): Promise<Set<string>> => {
  const names = new Set<string>();
  for await (const { keys } of listTrash(world, instance)) {
    for (const key of keys) {
      const name = contentNameOf(instance, key);
      if (name !== null) names.add(name);
    }
  }
  return names;
};
