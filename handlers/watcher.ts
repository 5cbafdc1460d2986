/** The watcher for missing backups in the cloud, apart from the schedule: with its own timer, its own role, and an alarm on its silence. */
import { cloud } from '../lib/compose/cloud.ts';
import { door } from './door.ts';
import { watchRound } from './rounds.ts';

export const handler = door('watcher', async () => {
  const { world, channel, log } = await cloud();
  await Promise.all(world.instanceNames().map((instance) => watchRound(world, { instance, channel, log })));
});
