/** A sample of the files that the restored database lists and the archive holds: what its server must be able to hand out. */
import type { Manifest } from '../../domain/archives/archive.ts';
import { isArtifactPresent, isPackagePresent, notePresent, nothingPresent } from '../../domain/archives/references.ts';
import { pathBytes } from '../../archive/index/path-text.ts';
import { readIndex } from '../../archive/pack/packs.ts';
import type { OctopusDatabase } from '../../ports/octopus-database.ts';
import type { ServedFile } from '../../ports/octopus.ts';
import type { World } from '../../ports/world.ts';

const OF_EACH_KIND = 5;
const TASKS_LOOKED_AT = 200;

export const filesToProbe = async (
  world: Pick<World, 'archives'>,
  { manifest, database }: { manifest: Manifest; database: OctopusDatabase },
): Promise<ServedFile[]> => {
  const { present, logIds } = await archived(world, manifest);
  const packages = await sampled(database.packages(), (listed) => isPackagePresent(present, listed));
  const artifacts = await sampled(database.artifacts(), (listed) => isArtifactPresent(present, listed));
  const tasks = (await database.endedTasks(TASKS_LOOKED_AT)).filter(({ id }) => logIds.has(id.toLowerCase()));
  const of =
    (kind: ServedFile['kind']) =>
    ({ id, spaceId }: { id: string; spaceId: string | null }) => ({ kind, id, spaceId });
  return [
    ...packages.map(of('package')),
    ...artifacts.map(of('artifact')),
    ...tasks.slice(0, OF_EACH_KIND).map(of('task-log')),
  ];
};

const archived = async (world: Pick<World, 'archives'>, { folders }: Manifest) => {
  const present = nothingPresent();
  const logIds = new Set<string>();
  for (const stored of (await readIndex(world, folders)).files.paths) {
    const path = pathBytes(stored).toString();
    notePresent(present, path);
    const log = /^task-logs\/(?:.*\/)?(servertasks-\d+)_/i.exec(path)?.[1];
    if (log !== undefined) logIds.add(log.toLowerCase());
  }
  return { present, logIds };
};

/** The first few, and as many of those that come last: the oldest and the newest, as far as ids tell. */
const sampled = async <T>(listed: AsyncIterable<T>, isWanted: (item: T) => boolean): Promise<T[]> => {
  const first: T[] = [];
  const last: T[] = [];
  for await (const item of listed) {
    if (!isWanted(item)) continue;
    if (first.length < OF_EACH_KIND) first.push(item);
    else if (last.push(item) > OF_EACH_KIND) last.shift();
  }
  return [...first, ...last];
};
