/**
 * The pace of a run, told once from the run book when its card is first shown, and kept beside the card: so every edit and
 * every view says the same, and earlier runs are not read again.
 */
import { Pace, paceOf } from '../../domain/runs/pace.ts';
import { stateKeys } from '../../domain/names.ts';
import type { RunRecord, StepNote } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { listRuns, readSteps } from '../../repository/run-book.ts';
import { readRecord, UNCHANGED, update } from '../../repository/update.ts';
import { unreadable } from '../unreadable.ts';

type State = Pick<World, 'state'>;

/** So many earlier runs are looked at, and so many good ones of the same kind are enough. */
const LOOKED_AT = 40;
const ENOUGH = 5;

/** No earlier run to tell from: kept as well, so that it is not looked for at each edit. */
const UNKNOWN: Pace = { runs: 0, seconds: {} };

/** The pace that was kept for the run; null when none was, or none is known. */
export const readPace = async (world: State, runId: string): Promise<Pace | null> =>
  known(await readKept(world, runId));

/** As `readPace`, told from earlier runs and kept where it was not yet. What cannot be read does not count. */
export const keepPace = async (world: State, run: RunRecord): Promise<Pace | null> => {
  const kept = (await readKept(world, run.id)) ?? (await paceFromRunBook(world, run)) ?? UNKNOWN;
  return known(await update(world.state, paceAt(run.id), (current) => (current === null ? kept : UNCHANGED)));
};

const paceFromRunBook = async (world: State, run: RunRecord): Promise<Pace | null> => {
  const { note, orNull } = unreadable();
  const runs = await listRuns(world, { instance: run.instance, limit: LOOKED_AT, onUnreadable: note });
  const alike = runs.filter((one) => one.outcome?.word === 'good' && isAlike(one, run)).slice(0, ENOUGH);
  const steps = await Promise.all(alike.map(({ id }) => orNull(readSteps(world, id))));
  return paceOf(steps.filter((notes): notes is StepNote[] => notes !== null));
};

const isAlike = (one: RunRecord, other: RunRecord): boolean =>
  one.workflow === other.workflow && one.options['consistency'] === other.options['consistency'];

const paceAt = (runId: string) => ({ key: stateKeys.pace(runId), schema: Pace });
const readKept = (world: State, runId: string): Promise<Pace | null> => readRecord(world.state, paceAt(runId));
const known = (pace: Pace | null): Pace | null => (pace === null || pace.runs === 0 ? null : pace);
