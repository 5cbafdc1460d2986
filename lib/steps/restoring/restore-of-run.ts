/** What the steps of a restore go by: the plan as it was frozen, and the manifest of the archive it names. */
import type { Manifest } from '../../domain/archives/archive.ts';
import { OctoError } from '../../domain/errors.ts';
import type { RestorePlan } from '../../domain/runs/plan.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { readPlan } from '../../repository/approvals.ts';
import { readManifest } from '../../repository/archives.ts';

/** @throws Bug when the run has no plan of a restore */
export const requireRestorePlan = async (
  world: Pick<World, 'state'>,
  { id }: Pick<RunRecord, 'id'>,
): Promise<RestorePlan> => {
  const plan = await readPlan(world, id);
  if (plan?.workflow === 'restore') return plan;
  throw new OctoError('Bug', `${id} has no plan of a restore`);
};

/** @throws ArchiveUnknown when it is gone, Bug, ArchiveDamaged, ArchiveTooNew */
export const requireArchive = async (
  world: Pick<World, 'state' | 'archives'>,
  run: Pick<RunRecord, 'id'>,
): Promise<{ plan: RestorePlan; manifest: Manifest }> => {
  const plan = await requireRestorePlan(world, run);
  const manifest = await readManifest(world, plan.archive);
  if (manifest === null) throw new OctoError('ArchiveUnknown', `the archive ${plan.archive.archiveId} is gone`);
  return { plan, manifest };
};
