/** What stands against bringing the folders of an archive onto this host, found without changing anything. */
import type { FolderJournal } from '../../domain/restores/folders.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../../repository/sections.ts';
import { openStaging } from './open-archive.ts';
import { type Lack, lacksOf } from './room.ts';
import { foreignLinks } from './safe-index.ts';
import { byTarget, classifyRows } from './staged-rows.ts';

export type Survey = {
  /** Disks with too little room; what looks right on the target already is not counted where it can be linked. */
  lacks: Lack[];
  /** Links out of their folder that the target does not have. */
  links: { path: string; target: string }[];
};

/** @throws PathRefused, ArchiveDamaged, ArchiveTooNew, ArchiveUnknown */
export const surveyFolders = async (
  world: Pick<World, 'archives'>,
  request: { at: ArchivePlace; places: FolderJournal[] },
): Promise<Survey> => {
  const staging = await openStaging(world, request);
  const rows = await classifyRows(staging, { decide: byTarget });
  return { lacks: lacksOf(staging, rows), links: foreignLinks(staging) };
};
