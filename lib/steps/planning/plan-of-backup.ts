/** The plan of a backup, from what the server says of itself: what an approver is shown, and what the run then keeps to. */
import { fingerprintOf } from '../../domain/archives/master-key.ts';
import { archiveKeys } from '../../domain/names.ts';
import type { BackupPlan } from '../../domain/runs/plan.ts';
import { readSettings } from '../../repository/settings.ts';
import { archivePlace } from '../parts/archive-place.ts';
import { foldersChosen } from './folder-choice.ts';
import type { Planning } from './plan-checks.ts';

/** The plan that this backup has to keep to. */
export const planOfBackup = async ({ world, instance, run, consistency, program }: Planning): Promise<BackupPlan> => {
  const api = await world.octopusApi(instance.name);
  const [{ version, installationId }, { taken, leftOut }, masterKey, { salt }] = await Promise.all([
    api.root(),
    foldersChosen(world, run),
    program.showMasterKey(),
    readSettings(world, instance.name),
  ]);
  const place = archivePlace(run);
  return {
    version: 1,
    run: run.id,
    workflow: 'backup',
    instance: instance.name,
    consistency,
    octopus: { version, installationId },
    database: instance.database.name,
    folders: taken.map(({ name, path }) => ({ name, path })).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    ...(leftOut.length === 0 ? {} : { leftOut }),
    masterKeyFingerprint: fingerprintOf(masterKey, salt),
    destination: archiveKeys.archive(place.instance, place.archiveId),
  };
};
