/**
 * A person's click or command becomes a vote, the votes become one decision, and the waiting run is woken.
 *
 * Order of writes: vote, decision, wake. A kill in between loses nothing: the next click, the next start (`wakeDecided`) or
 * the end of the wait goes on from the records. Waking decides nothing; `confirm-plan` reads the records again.
 */
import {
  isOpenBreakGlass,
  judge,
  mayBreakGlass,
  mayDecide,
  type Approval,
  type Closure,
  type Vote,
} from '../domain/runs/approval.ts';
import { askingOf, type Asking } from '../domain/runs/approval-policy.ts';
import { isOctoError, OctoError } from '../domain/errors.ts';
import { isRunId } from '../domain/names.ts';
import { planHash } from '../domain/runs/plan.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { castVote, closeOnce, decideOnce, readApproval, readToken } from '../repository/approvals.ts';
import { policyFor, type PolicyWorld } from '../repository/people/policy.ts';
import { listRuns, readRun } from '../repository/run-book.ts';

/** What a person says on a run. */
export type Saying = {
  runId: string;
  by: { door: 'slack' | 'terminal'; person: string };
  kind: Vote['kind'];
  reason: string | null;
  /** What was typed to confirm, where the policy wants the instance's name. */
  typed: string | null;
};

/** What came of it. `isNew` is false when the same person had said the same before; `isWoken` when the run goes on now. */
export type Said = { run: RunRecord; approval: Approval; isNew: boolean; isWoken: boolean };

type DecideWorld = PolicyWorld & Pick<World, 'instance' | 'hostTasks'>;
type Standing = { run: RunRecord; approval: Approval };

/**
 * Takes the vote and, when the votes suffice, decides and wakes the run. Saying the same again is no error and has no effect.
 * @throws RunUnknown, ApprovalNotOpen, ApprovalDecided, ApprovalNotYours, ApprovalReasonMissing, ApprovalNotConfirmed
 */
export const say = async (world: DecideWorld, saying: Saying): Promise<Said> => {
  const standing = await readStanding(world, saying.runId);
  const earlier = standing.approval.votes.find(({ person }) => person === saying.by.person);
  const isRepeated = earlier?.kind === saying.kind;
  if (!isRepeated) {
    refuse(await ruled(world, standing.run), standing, saying);
    refuseIncomplete(standing, saying);
  }
  const cast = isRepeated ? earlier : await castVote(world, saying.runId, voteOf(world, standing, saying));
  if (cast.kind !== saying.kind)
    throw new OctoError('ApprovalDecided', `${cast.person} has already said "${cast.kind}" on ${saying.runId}`);
  const approval = await settle(world, standing.run);
  // Somebody else was faster, or time was: this vote is on record and changed nothing.
  if (approval.decision?.persons.includes(saying.by.person) === false) throw decided(standing.run, approval.decision);
  const isWoken = approval.decision !== null && (await wake(world, saying.runId));
  return { run: standing.run, approval, isNew: !isRepeated, isWoken };
};

/** Whether `by` may say `kind` on the run now; what a form would ask for is not asked yet. @throws as `say` does */
export const requireMayDecide = async (
  world: PolicyWorld & Pick<World, 'instance'>,
  { runId, by, kind }: Pick<Saying, 'runId' | 'by' | 'kind'>,
): Promise<Standing> => {
  const standing = await readStanding(world, runId);
  refuse(await ruled(world, standing.run), standing, { by, kind });
  return standing;
};

/** Closes a break-glass: somebody else has looked at it. @throws ApprovalNotOpen, ApprovalNotYours, ApprovalReasonMissing */
export const closeBreakGlass = async (
  world: DecideWorld,
  { runId, by, reason }: Pick<Saying, 'runId' | 'by' | 'reason'>,
): Promise<Closure> => {
  const { run, approval } = await readStanding(world, runId);
  if (!isOpenBreakGlass(approval)) throw new OctoError('ApprovalNotOpen', `${runId} has no open break-glass`);
  const whoCan = world.policy.people.filter((one) => !isInvolved({ run, approval }, one));
  if (!whoCan.includes(by.person)) throw notYours(`${by.person} cannot close the break-glass of ${runId}`, whoCan);
  if (reason === null) throw new OctoError('ApprovalReasonMissing', 'closing a break-glass needs a reason');
  return closeOnce(world, runId, { person: by.person, reason, at: world.clock.now().toISOString() });
};

/** Wakes the run where it waits for people. False when it does not wait, or its engine is not at work to hear it. */
export const wake = async (world: Pick<World, 'state' | 'hostTasks'>, runId: string): Promise<boolean> => {
  const token = await readToken(world, runId);
  if (token === null) return false;
  try {
    await world.hostTasks.succeed(token, {});
    return true;
  } catch (thrown) {
    if (isOctoError(thrown, 'TaskGone', 'EngineNotReady')) return false;
    throw thrown;
  }
};

/** Goes on with every decision that a killed process left half done. */
export const wakeDecided = async (world: DecideWorld): Promise<void> => {
  for (const run of await listRuns(world, { limit: 50 })) {
    if (run.status === 'ended' || run.approval === undefined) continue;
    const { decision } = await settle(world, run);
    if (decision !== null) await wake(world, run.id);
  }
};

/** The approval as it stands, with the decision that its votes amount to written down. */
const settle = async (world: DecideWorld, run: RunRecord): Promise<Approval> => {
  const approval = await requireApproval(world, run);
  if (approval.decision !== null || approval.opening === null) return approval;
  const due = judge(approval.votes, {
    policy: await policyFor(world, run.instance),
    asking: askingOf(run, world.instance(run.instance)),
    planHash: approval.opening.planHash,
    now: world.clock.now(),
  });
  return due === null ? approval : { ...approval, decision: await decideOnce(world, run.id, due) };
};

const readStanding = async (world: Pick<World, 'state'>, runId: string): Promise<Standing> => {
  const run = isRunId(runId) ? await readRun(world, runId) : null;
  if (run === null) throw new OctoError('RunUnknown', `there is no run "${runId}"`);
  return { run, approval: await requireApproval(world, run) };
};

const requireApproval = async (world: Pick<World, 'state'>, run: RunRecord): Promise<Approval> => {
  const approval = await readApproval(world, run);
  if (approval !== null) return approval;
  throw new OctoError('ApprovalNotOpen', `${run.id} needs nobody's approval`);
};

type RefuseWorld = Pick<World, 'clock' | 'policy' | 'instance'>;

/** The world under the policy that holds for the run's instance now. */
const ruled = async (world: PolicyWorld & RefuseWorld, { instance }: RunRecord): Promise<RefuseWorld> => ({
  ...world,
  policy: await policyFor(world, instance),
});

const refuse = (world: RefuseWorld, { run, approval }: Standing, { by, kind }: Pick<Saying, 'by' | 'kind'>): void => {
  if (approval.decision !== null) throw decided(run, approval.decision);
  if (run.status === 'ended') throw new OctoError('ApprovalNotOpen', `${run.id} has ended`);
  if (approval.opening === null)
    throw new OctoError('ApprovalNotOpen', `${run.id} does not wait for approval yet: its preflight is under way`);
  if (isOver(world, approval))
    throw new OctoError('ApprovalNotOpen', `the time to decide on ${run.id} was over at ${approval.opening.expiresAt}`);
  const asking = askingOf(run, world.instance(run.instance));
  if (kind === 'break-glass') {
    if (mayBreakGlass(world.policy, asking, by.person)) return;
    throw notYours(`${by.person} may not break the glass on ${run.id}`, breakers(world, asking));
  }
  const may = mayDecide(world.policy, asking, by.person);
  if (!may.may) throw notYours(may.why, may.whoCan);
};

const breakers = ({ policy }: Pick<World, 'policy'>, asking: Asking): string[] =>
  policy.people.filter((person) => mayBreakGlass(policy, asking, person));

const refuseIncomplete = ({ run, approval }: Standing, { kind, reason, typed }: Saying): void => {
  if (kind !== 'approve' && reason === null)
    throw new OctoError('ApprovalReasonMissing', `to ${kind} ${run.id} needs a reason`);
  if (kind !== 'deny' && approval.requirement.isTyped && typed?.trim().toLowerCase() !== run.instance)
    throw new OctoError(
      'ApprovalNotConfirmed',
      `${run.id} is about ${run.instance}, ${typed === null ? 'which was not typed' : `not "${typed}"`}`,
    );
};

/** The hash is taken of the plan as it lies there now, so that a vote is for what the voter could look at. */
const voteOf = (world: Pick<World, 'clock'>, { run, approval }: Standing, saying: Saying): Vote => {
  if (approval.plan === null) throw new OctoError('Bug', `${run.id} waits for approval without a plan`);
  return {
    ...saying.by,
    kind: saying.kind,
    reason: saying.reason,
    planHash: planHash(approval.plan),
    at: world.clock.now().toISOString(),
  };
};

const isOver = (world: Pick<World, 'clock'>, { opening }: Approval): boolean =>
  opening !== null && opening.expiresAt <= world.clock.now().toISOString();

const isInvolved = ({ run, approval }: Standing, person: string): boolean =>
  run.requestedBy.person === person || approval.decision?.persons.includes(person) === true;

const decided = (run: RunRecord, { kind, persons, at }: NonNullable<Approval['decision']>): OctoError => {
  const what = kind === 'expired' ? 'expired' : `was ${kind} by ${persons.join(', ')}`;
  return new OctoError('ApprovalDecided', `${run.id} ${what} at ${at}`, { facts: { run: run.id, persons } });
};

const notYours = (why: string, whoCan: string[]): OctoError =>
  new OctoError('ApprovalNotYours', `${why}; ${whoCan.length > 0 ? `who can: ${whoCan.join(', ')}` : 'nobody can'}`, {
    facts: { whoCan },
  });
