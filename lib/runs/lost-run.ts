/**
 * A run whose workflow has ended without a report, since the store could not take it for example: nothing would ever end
 * it, and whoever asked for the next backup would be joined to it for ever. It is ended here, by whoever meets it.
 *
 * What happened is read from the notes of its states. A server that was still kept quiet is given back by its worker.
 */
import { quietSeconds } from '../domain/runs/lease.ts';
import type { Failure } from '../domain/runs/outcome.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { outcomeOfRun } from '../repository/outcomes/outcome-of-run.ts';
import { readLease } from '../repository/lease/lease.ts';
import { releaseLock } from '../repository/lease/lock.ts';
import { endRun, readRunView } from '../repository/run-book.ts';
import { plannedStates } from '../workflows/index.ts';

type LostWorld = Pick<World, 'state' | 'archives' | 'clock' | 'workflows' | 'hostDirectory'>;

/** The run as it stands; ended where its workflow is over and has not said so: as failed, or with the word of its archive. An outcome that stands stays. */
export const endIfLost = async (world: LostWorld, run: RunRecord): Promise<RunRecord> => {
  if (run.status === 'ended') return run;
  const execution = await world.workflows.describe(run.id);
  if (execution === null || execution.status === 'RUNNING') return run;
  const lease = await readLease(world, run.id);
  const outcome = await outcomeOfRun(world, run, {
    failure: await failureOf(world, run.id, execution),
    resumeFailure: lease?.status === 'open' ? { state: 'Resume', error: 'LeaseNotRestored', cause: '' } : null,
    notes: ['the end of this run could not be written down when it came'],
    quietSeconds: lease === null ? 0 : quietSeconds(lease, world.clock.now()),
  });
  await releaseLock(world, run);
  return endRun(world, run.id, outcome);
};

/** The first state that failed is what happened; without one it is whatever the execution ended with. */
const failureOf = async (
  world: Pick<World, 'state'>,
  runId: string,
  { error, cause }: { error: string | null; cause: string | null },
): Promise<Failure> => {
  const failed = (await readRunView(world, runId, plannedStates))?.steps.find(({ status }) => status === 'failed');
  if (failed?.error) return { state: failed.state, error: failed.error.code, cause: JSON.stringify(failed.error) };
  return { state: 'Report', error: error ?? 'States.Runtime', cause: cause ?? '' };
};
