/** Every precondition of a backup of one instance, looked at without changing anything that stays, in the order a reader expects. */
import type { World } from '../ports/world.ts';
import type { Finding } from './finding.ts';
import { checkOctopus } from './octopus.ts';
import { checkShare } from './share.ts';
import { checkSqlServer } from './sql-server.ts';
import { checkStores } from './stores.ts';

export type { Finding } from './finding.ts';

export const checkInstance = async (world: World, instance: string): Promise<Finding[]> =>
  (
    await Promise.all([
      checkOctopus(world, instance),
      checkSqlServer(world, instance),
      checkShare(world, instance),
      checkStores(world, instance),
    ])
  ).flat();
