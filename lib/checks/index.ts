/** Everything a backup needs, looked at without changing anything that stays, in the order a reader expects. */
import type { World } from '../ports/world.ts';
import type { Finding } from './finding.ts';
import { checkHosts, isServedElsewhere } from './hosts.ts';
import { checkOctopus } from './octopus.ts';
import { checkShare } from './share.ts';
import { checkSqlServer } from './sql-server.ts';
import { checkStores } from './stores.ts';

export type { Finding } from './finding.ts';

/** What is seen from here; of what only a worker elsewhere can see, what it saw last. */
export const checkInstance = async (world: World, instance: string): Promise<Finding[]> =>
  isServedElsewhere(world.instance(instance))
    ? (await Promise.all([checkHosts(world, instance), checkStores(world, instance)])).flat()
    : (await Promise.all([checkOnHost(world, instance), checkStores(world, instance)])).flat();

/** What only a machine can see that reaches the server, its database and its folders. */
export const checkOnHost = async (world: World, instance: string): Promise<Finding[]> =>
  (
    await Promise.all([checkOctopus(world, instance), checkSqlServer(world, instance), checkShare(world, instance)])
  ).flat();
