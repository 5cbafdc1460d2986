/** How a deletion ended, by what the store holds: the words are `domain/runs/delete-outcome.ts`. */
import { archiveKeys } from '../../domain/names.ts';
import { deleteOutcomeOf } from '../../domain/runs/delete-outcome.ts';
import type { Outcome, RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { readPlan } from '../approvals.ts';
import { latestGood } from '../catalog.ts';
import { type Ended, orTrouble } from './backup-outcome.ts';

/** The outcome of `run`. */
export const deleteOutcome = async (
  world: Pick<World, 'archives' | 'state' | 'clock'>,
  { id, instance }: RunRecord,
  { failure, notes }: Ended,
): Promise<Outcome> => {
  const found = await readPlan(world, id);
  const plan = found?.workflow === 'delete' ? found : null;
  const manifest = plan && (await world.archives.head(archiveKeys.manifest(instance, plan.archive.archiveId)));
  return deleteOutcomeOf({
    failure: failure ?? (plan === null ? UNPLANNED : null),
    plan,
    isListed: manifest !== null,
    notes,
    latestGood: (await orTrouble(latestGood(world, instance))).found,
  });
};

const UNPLANNED = { state: 'Report', error: 'Bug', cause: '{"message":"the deletion ended without a plan"}' };
