/** How a drill ended, from what was written down of it: the words are `domain/drills/outcome.ts`. */
import { drillOutcomeOf } from '../../domain/drills/outcome.ts';
import type { Outcome, RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { latestGood } from '../catalog.ts';
import { orTrouble, type Ended } from './backup-outcome.ts';
import { readDrill } from './drill-records.ts';

/** The outcome of `run`. */
export const drillOutcome = async (
  world: Pick<World, 'archives' | 'state' | 'clock'>,
  run: RunRecord,
  { failure }: Ended,
): Promise<Outcome> => {
  const record = await readDrill(world, run);
  return drillOutcomeOf({
    failure: failure ?? (record === null ? UNWRITTEN : null),
    record,
    latestGood: (await orTrouble(latestGood(world, run.instance))).found,
  });
};

const UNWRITTEN = { state: 'Report', error: 'Bug', cause: '{"message":"the drill ended without a record"}' };
