/** Do the stores keep what the archive relies on: conditional writes, and a secret store that opens? */
import { randomUUID } from 'node:crypto';
import { secretNames } from '../domain/names.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { World } from '../ports/world.ts';
import { probeConditionalWrites } from '../repository/probe-store.ts';
import { fail, look, ok, warn, type Finding } from './finding.ts';

export const checkStores = (
  world: Pick<World, 'archives' | 'state' | 'secretStore'>,
  instance: string,
): Promise<Finding[]> =>
  Promise.all([
    look('archives store', () => checkObjectStore('archives store', world.archives)),
    look('state store', () => checkObjectStore('state store', world.state)),
    look('secret store', async () => {
      const keys = await world.secretStore.list(secretNames.masterKeys(instance));
      return keys.length > 0
        ? ok('secret store', `opens, ${keys.length} master key(s) of ${instance}`)
        : warn('secret store', `opens, no master key of ${instance} yet`, 'Take a first backup: `octo backup now`.');
    }),
  ]);

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
