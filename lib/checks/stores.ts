/** Do the stores keep what the archive relies on: conditional writes, room for the next one, and a secret store that opens? */
import { randomUUID } from 'node:crypto';
import { secretNames } from '../domain/names.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { World } from '../ports/world.ts';
import { listArchives } from '../repository/catalog.ts';
import { probeConditionalWrites } from '../repository/probe-store.ts';
import { fail, gigabytes, look, ok, warn, type Finding } from './finding.ts';

export const checkStores = (
  world: Pick<World, 'archives' | 'state' | 'secretStore' | 'clock'>,
  instance: string,
): Promise<Finding[]> =>
  Promise.all([
    look('archives store', () => checkObjectStore('archives store', world.archives)),
    look('room for archives', () => checkRoom(world, instance)),
    look('state store', () => checkObjectStore('state store', world.state)),
    look('secret store', async () => {
      const keys = await world.secretStore.list(secretNames.masterKeys(instance));
      return keys.length > 0
        ? ok('secret store', `opens, ${keys.length} master key(s) of ${instance}`)
        : warn('secret store', `opens, no master key of ${instance} yet`, 'Take a first backup: `octo backup now`.');
    }),
  ]);

const checkRoom = async (world: Pick<World, 'archives' | 'clock'>, instance: string): Promise<Finding> => {
  const subject = 'room for archives';
  const freeBytes = await world.archives.freeBytes?.();
  if (freeBytes === undefined) return ok(subject, 'the store has no end of its own');
  const { value: newest } = await listArchives(world, instance).next();
  const addedBytes = newest ? newest.database.addedBytes + newest.folders.addedBytes : 0;
  const sizes = `${gigabytes(freeBytes)} free, the newest archive added ${gigabytes(addedBytes)}`;
  return freeBytes > addedBytes
    ? ok(subject, sizes)
    : warn(subject, sizes, 'Free space where the archives are, or delete archives that nobody needs.');
};

const checkObjectStore = async (subject: string, store: ObjectStore): Promise<Finding> => {
  const { createIsConditional, changeIsConditional } = await probeConditionalWrites(store, `probe/${randomUUID()}`);
  return createIsConditional && changeIsConditional
    ? ok(subject, 'writable, conditional writes hold')
    : fail(
        subject,
        'does not honour conditional writes',
        'Use a store that serves If-None-Match and If-Match, such as Amazon S3.',
      );
};
