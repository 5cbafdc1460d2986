/** How a run ended, by what it was asked for. */
import type { Outcome, RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { backupOutcome } from './backup-outcome.ts';
import { deleteOutcome } from './delete-outcome.ts';
import { drillOutcome } from './drill-outcome.ts';
import { keysOutcome } from './keys-outcome.ts';
import { restoreOutcome, type RestoreEnded } from './restore-outcome.ts';

export const outcomeOfRun = (
  world: Pick<World, 'archives' | 'state' | 'clock'>,
  run: RunRecord,
  ended: RestoreEnded,
): Promise<Outcome> => {
  if (run.workflow === 'restore') return restoreOutcome(world, run, ended);
  if (run.workflow === 'drill') return drillOutcome(world, run, ended);
  if (run.workflow === 'keys') return Promise.resolve(keysOutcome(ended));
  return run.workflow === 'delete' ? deleteOutcome(world, run, ended) : backupOutcome(world, run, ended);
};
