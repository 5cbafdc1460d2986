/**
 * A request becomes a run: recorded in the run book first, then started under its own id.
 *
 * Repeating a request (Slack delivers twice, a person presses enter twice) is the same run, because the id is derived
 * from the request. A kill between the record and the start is mended by `restartRequested`, with the same input.
 */
import { archiveIdOf, runIdOf } from '../domain/names.ts';
import type { RunRecord } from '../domain/run.ts';
import type { World } from '../ports/world.ts';
import { createRun, listRuns, readRun } from '../repository/run-book.ts';

export type BackupRequest = {
  instance: string;
  by: RunRecord['requestedBy'];
  requestKey: string;
  reason: string | null;
  consistency: 'quiesced' | 'online';
};

type RequestWorld = Pick<World, 'state' | 'clock' | 'workflows' | 'instance'>;

/** The run that now stands for this request; `isJoined` when another one was already at work on the instance. */
export const requestBackup = async (
  world: RequestWorld,
  request: BackupRequest,
): Promise<{ run: RunRecord; isJoined: boolean }> => {
  world.instance(request.instance);
  const earlier = await readRun(world, runIdOf(request.requestKey));
  const other = earlier ?? (await runningRun(world, request.instance));
  if (other !== null) return { run: other, isJoined: other !== earlier };
  const run = await createRun(world, recordOf(request, world.clock.now().toISOString()));
  await startRun(world, run);
  return { run, isJoined: false };
};

/** Starts every run that was recorded but never began, e.g. because the process was killed in between. */
export const restartRequested = async (world: RequestWorld): Promise<void> => {
  for (const run of await listRuns(world, { limit: 50 })) {
    if (run.status === 'running' && (await world.workflows.describe(run.id)) === null) await startRun(world, run);
  }
};

const startRun = (world: RequestWorld, run: RunRecord): Promise<void> =>
  world.workflows.start({ workflow: run.workflow, runId: run.id, input: executionInput(world, run) });

/** A function of the record alone, so that starting again is the same start. */
const executionInput = (world: Pick<World, 'instance'>, run: RunRecord) => ({
  run: run.id,
  instance: run.instance,
  hosts: world.instance(run.instance).hosts.map(({ name, queueUrl = name }) => ({ name, queueUrl })),
  consistency: run.options['consistency'],
});

const runningRun = async (world: Pick<World, 'state'>, instance: string): Promise<RunRecord | null> => {
  const runs = await listRuns(world, { instance, limit: 5 });
  return runs.find(({ status }) => status === 'running') ?? null;
};

const recordOf = (request: BackupRequest, requestedAt: string): RunRecord => {
  const id = runIdOf(request.requestKey);
  return {
    id,
    workflow: 'backup',
    instance: request.instance,
    requestedAt,
    requestedBy: request.by,
    reason: request.reason,
    options: { consistency: request.consistency },
    archiveId: archiveIdOf({ id, requestedAt }),
    status: 'running',
    endedAt: null,
    outcome: null,
  };
};
