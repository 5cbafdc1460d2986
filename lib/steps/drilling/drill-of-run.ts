/** What the steps of a drill go by: the archive that the run names, and the folder that is the run's own. */
import { join } from 'node:path';
import { openArchive } from '../../archive/restore/open-archive.ts';
import type { Manifest } from '../../domain/archives/archive.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { DrillPlace } from '../../ports/drill-place.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../../repository/sections.ts';

type Drill = Pick<RunRecord, 'id' | 'instance' | 'options'>;

export const archiveOf = ({ instance, options }: Pick<Drill, 'instance' | 'options'>): ArchivePlace => ({
  instance,
  archiveId: String(options['archive']),
});

/** Where the files of the archive are written, and nothing else. */
export const filesFolder = ({ folder }: Pick<DrillPlace, 'folder'>, { id }: Pick<Drill, 'id'>): string =>
  join(folder, id);

/** Does a part of the drill on its archive, which is looked at first. @throws ArchiveDamaged, and what the work throws */
export const onArchive = async <T>(
  world: Pick<World, 'archives'>,
  run: Drill,
  work: (manifest: Manifest) => Promise<T>,
): Promise<T> => work(await openArchive(world, archiveOf(run)));
