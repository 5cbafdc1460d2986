/** The plan of a backup, from what the server says of itself: what an approver is shown, and what the run then keeps to. */
import { OctoError } from '../../domain/errors.ts';
import { fingerprintOf } from '../../domain/archives/master-key.ts';
import { archiveKeys } from '../../domain/names.ts';
import { planDifferences, type Plan } from '../../domain/runs/plan.ts';
import { freezePlan } from '../../repository/approvals.ts';
import { readSettings } from '../../repository/settings.ts';
import { archivePlace } from './archive-place.ts';
import type { Planning } from './plan-checks.ts';

/** Freezes the plan in the run book; asked again, the server must still fit it. @throws PlanChanged */
export const keepToPlan = async (planning: Planning): Promise<Plan> => {
  const found = await planOfBackup(planning);
  const standing = await freezePlan(planning.world, found);
  const changed = planDifferences(standing, found);
  if (changed.length === 0) return standing;
  throw new OctoError('PlanChanged', `since the plan was made, ${changed.join(' and ')} changed`, {
    facts: { run: planning.run.id, changed },
  });
};

const planOfBackup = async ({ world, instance, run, consistency, program }: Planning): Promise<Plan> => {
  const api = await world.octopusApi(instance.name);
  const [{ version, installationId }, folders, masterKey, { salt }] = await Promise.all([
    api.root(),
    api.serverFolders(),
    program.showMasterKey(),
    readSettings(world, instance.name),
  ]);
  const place = archivePlace(run);
  const taken = [
    ...folders.filter(({ role }) => role !== 'telemetry').map(({ role, path }) => ({ name: role, path })),
    ...instance.extraFolders.map(({ name, path }) => ({ name, path })),
  ];
  return {
    version: 1,
    run: run.id,
    workflow: 'backup',
    instance: instance.name,
    consistency,
    octopus: { version, installationId },
    database: instance.database.name,
    folders: taken.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    masterKeyFingerprint: fingerprintOf(masterKey, salt),
    destination: archiveKeys.archive(place.instance, place.archiveId),
  };
};
