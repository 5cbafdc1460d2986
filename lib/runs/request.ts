/**
 * A request becomes a run: recorded in the run book first, then started under its own id.
 *
 * Repeating a request (Slack delivers twice, a person presses enter twice) is the same run, because the id is derived
 * from the request. A kill between the record and the start is mended by `restartRequested`, with the same input.
 */
import { peopleWhoMay, requirement, type Asking, type Requirement } from '../domain/runs/approval-policy.ts';
import { openedNow, secondsToWait } from '../domain/runs/approval.ts';
import { OctoError } from '../domain/errors.ts';
import { archiveIdOf, runIdOf } from '../domain/names.ts';
import { canonicalJson } from '../domain/runs/plan.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { readApproval } from '../repository/approvals.ts';
import { policyFor, type PolicyWorld } from '../repository/people/policy.ts';
import { createRun, listRuns, readRun } from '../repository/run-book.ts';
import { endIfLost } from './lost-run.ts';

export type RunRequest = Pick<RunRecord, 'workflow' | 'instance' | 'reason' | 'options'> & {
  by: RunRecord['requestedBy'];
  requestKey: string;
};

export type BackupRequest = Omit<RunRequest, 'workflow' | 'options'> & { consistency: 'quiesced' | 'online' };

type RequestWorld = PolicyWorld & Pick<World, 'archives' | 'workflows' | 'instance' | 'hostDirectory' | 'drillPlace'>;

/**
 * The run that now stands for this request; `isJoined` when one that does the same was already at work on the instance. One
 * that only waits for approval is joined by requests that would have to wait as well, and holds up no other.
 * @throws RequestNotAllowed, ApprovalImpossible
 */
export const requestRun = async (
  world: RequestWorld,
  request: RunRequest,
): Promise<{ run: RunRecord; isJoined: boolean }> => {
  const approval = await neededApproval(world, request);
  const earlier = await readRun(world, runIdOf(request.requestKey));
  const other = earlier ?? (await runningRun(world, request, approval !== null));
  if (other !== null) return { run: other, isJoined: other !== earlier };
  const run = await createRun(world, recordOf(request, { approval, requestedAt: world.clock.now().toISOString() }));
  await startRun(world, run);
  return { run, isJoined: false };
};

/** As `requestRun`, for a backup. */
export const requestBackup = (world: RequestWorld, { consistency, ...request }: BackupRequest) =>
  requestRun(world, { ...request, workflow: 'backup', options: { consistency } });

/** Starts every run that was recorded but never began, e.g. because the process was killed in between; ends lost ones. */
export const restartRequested = async (world: RequestWorld): Promise<void> => {
  for (const run of await listRuns(world, { limit: 50 })) {
    if ((await endIfLost(world, run)).status === 'ended') continue;
    if ((await world.workflows.describe(run.id)) === null) await startRun(world, run);
  }
};

const startRun = (world: RequestWorld, run: RunRecord): Promise<void> =>
  world.workflows.start({ workflow: run.workflow, runId: run.id, input: executionInput(world, run) });

/** A function of the record alone, so that starting again is the same start. */
const executionInput = (world: Pick<World, 'instance' | 'drillPlace'>, run: RunRecord) => ({
  run: run.id,
  instance: run.instance,
  hosts: hostsOf(world, run).map(({ name, queueUrl = name }) => ({ name, queueUrl })),
  ...run.options,
  awaitSeconds: run.approval === undefined ? null : firstWaitSeconds(run.approval),
});

/** A drill is done where the configuration says, which may be beside another SQL Server. */
const hostsOf = (world: Pick<World, 'instance' | 'drillPlace'>, { workflow, instance }: RunRecord) => {
  const own = workflow === 'drill' ? world.drillPlace?.own : null;
  return own == null ? world.instance(instance).hosts : [own.host];
};

/** The wait begins when the state is entered: measured here from a moment of its own. */
const firstWaitSeconds = (need: Requirement): number => {
  const began = new Date(0);
  return secondsToWait(openedNow(need, { planHash: '', now: began }), need, began);
};

/** What the policy wants before this request is carried out; `null` when nobody is to be asked. */
const neededApproval = async (
  world: PolicyWorld & Pick<World, 'instance'>,
  request: RunRequest,
): Promise<Requirement | null> => {
  const { workflow, instance, by } = request;
  const asking: Asking = { verb: workflow, instance: world.instance(instance), by };
  const policy = await policyFor(world, instance);
  const verdict = requirement(policy, asking);
  if (verdict.kind === 'free') return null;
  if (verdict.kind === 'denied')
    throw new OctoError('RequestNotAllowed', `${by.person} may not ask for a ${workflow} of ${instance}`);
  // Keeping what is there changes nothing: what the policy wants approved under `keys` is a change of them.
  if (workflow === 'keys') return null;
  const able = peopleWhoMay(policy, verdict.requirement, by.person);
  const { count, breakGlass } = verdict.requirement;
  if (able.length >= count || breakGlass.length > 0) return verdict.requirement;
  throw new OctoError(
    'ApprovalImpossible',
    `a ${workflow} of ${instance} needs the approval of ${count}, and only ${able.length} can give it`,
    { facts: { able } },
  );
};

const runningRun = async (world: RequestWorld, request: RunRequest, wouldWait: boolean): Promise<RunRecord | null> => {
  for (const run of await listRuns(world, { instance: request.instance, limit: 10 })) {
    if ((await endIfLost(world, run)).status !== 'running' || !isSameWork(run, request)) continue;
    if (wouldWait || !(await isWaiting(world, run))) return run;
  }
  return null;
};

/** One backup is as good as another; a restore is the same only when it brings back the same. */
const isSameWork = ({ workflow, options }: RunRecord, asked: RunRequest): boolean =>
  workflow === asked.workflow && (workflow === 'backup' || canonicalJson(options) === canonicalJson(asked.options));

const isWaiting = async (world: Pick<World, 'state'>, run: RunRecord): Promise<boolean> => {
  const approval = await readApproval(world, run);
  return approval !== null && approval.decision === null;
};

/** They make no archive. */
const WITHOUT_ARCHIVE = new Set<RunRecord['workflow']>(['delete', 'drill', 'keys']);

type Recording = { approval: Requirement | null; requestedAt: string };

const recordOf = (request: RunRequest, { approval, requestedAt }: Recording): RunRecord => {
  const id = runIdOf(request.requestKey);
  return {
    id,
    workflow: request.workflow,
    instance: request.instance,
    requestedAt,
    requestedBy: request.by,
    reason: request.reason,
    options: request.options,
    archiveId: WITHOUT_ARCHIVE.has(request.workflow) ? null : archiveIdOf({ id, requestedAt }),
    ...(approval === null ? {} : { approval }),
    status: 'running',
    endedAt: null,
    outcome: null,
  };
};
