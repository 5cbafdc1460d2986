/** A target for restores: places beside each other below one folder, planned as a run would. */
import { join } from 'node:path';
import { RUN, targetsIn } from './names.ts';
import { planPlaces } from '../../../lib/archive/restore/plan-places.ts';
import { openRoots, stageFolders, type StageRequest } from '../../../lib/archive/restore/stage.ts';
import type { FolderJournal } from '../../../lib/domain/restores/folders.ts';
import type { ArchivePlace } from '../../../lib/repository/sections.ts';
import { noise } from '../trees.ts';
import { backUp, serverWorld } from '../backup.ts';
import { runOf } from '../fixtures.ts';
import { plant, scratchDirectory } from '../scratch.ts';

export { RUN, targetsIn };

export const SMALL_TREE = {
  'Packages/a.zip': noise(50_000, 1),
  'Packages/below/b.txt': 'text\n'.repeat(500),
  'Packages/large.zip': noise(4_300_000, 5),
  'TaskLogs/a.txt': 'log line\n'.repeat(2000),
  'TaskLogs/empty.txt': '',
};

/** A server, an archive of it, and what a restore onto it goes by. */
export const archivedServer = async (
  files: Record<string, string | Uint8Array> = SMALL_TREE,
  fill: (server: string) => void = () => undefined,
) => {
  const directory = scratchDirectory();
  const world = serverWorld(directory);
  const server = join(directory, 'server');
  plant(server, files);
  fill(server);
  const at = await backUp(world, runOf(1), noise(20_000, 9));
  return { directory, world, server, at };
};

/** Plans and stages in one go. */
export const stage = async (
  world: Parameters<typeof stageFolders>[0],
  { at, server, ...request }: { at: ArchivePlace; server: string } & Partial<StageRequest>,
) => {
  const places = request.places ?? openRoots(planPlaces(targetsIn(server), RUN));
  const staged = await stageFolders(world, { ...request, at, places });
  return { staged, places: places.map((place): FolderJournal => ({ ...place, phase: 'staged' })) };
};
