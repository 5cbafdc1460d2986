/** Removes the files of drills that were killed: their folders carry the ids of their runs. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder } from '../../archive/swap/remove-folder.ts';
import { isRunId } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import type { IsAlive } from '../parts/scratch-database.ts';

const HOUR_MS = 3_600_000;

/** Those of runs that have ended go, and those of runs that nobody knows when they are an hour old; answers what went. */
export const sweepDrills = async (
  { clock, drillPlace }: Pick<World, 'clock' | 'drillPlace'>,
  { isAlive }: { isAlive: IsAlive },
): Promise<string[]> => {
  if (drillPlace === undefined) return [];
  const removed: string[] = [];
  for (const name of (await readdir(drillPlace.folder).catch(unlessMissing)).filter(isRunId)) {
    const folder = join(drillPlace.folder, name);
    const alive = await isAlive(name);
    const isYoung = async () => (await stat(folder)).mtimeMs >= clock.now().getTime() - HOUR_MS;
    if (alive === true || (alive === null && (await isYoung()))) continue;
    await removeFolder(folder);
    removed.push(folder);
  }
  return removed;
};

const unlessMissing = (thrown: unknown): string[] => {
  if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw thrown;
};
