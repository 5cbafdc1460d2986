/** Where a run's archive lies, for the steps that write to it. */
import { OctoError } from '../../domain/errors.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { ArchivePlace } from '../../repository/sections.ts';

/** @throws Bug when the run makes no archive */
export const archivePlace = (run: Pick<RunRecord, 'id' | 'instance' | 'archiveId'>): ArchivePlace => {
  if (run.archiveId === null) throw new OctoError('Bug', `run ${run.id} makes no archive`);
  return { instance: run.instance, archiveId: run.archiveId };
};
