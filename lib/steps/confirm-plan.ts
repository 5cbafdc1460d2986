/**
 * Was the run really approved? Asked of the records, whoever woke the run and for whatever reason.
 *
 * The votes are judged again under the policy of this moment, for the plan as it lies there now. Without a decision the run
 * goes on waiting until its time is over, and then that is the decision: create-only, so one that came first stands.
 */
import * as z from 'zod';
import { expiry, judge, secondsToWait, type Approval, type Decision, type Opening } from '../domain/runs/approval.ts';
import { askingOf } from '../domain/runs/approval-policy.ts';
import { OctoError } from '../domain/errors.ts';
import { planHash } from '../domain/runs/plan.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { decideOnce, readApproval } from '../repository/approvals.ts';
import { policyFor } from '../repository/people/policy.ts';
import { endWait } from '../repository/run-book.ts';
import { defineStep } from './step.ts';

/** `awaitSeconds` is null when the run may go on, else how long it waits until it is asked again. */
const Output = z.strictObject({ awaitSeconds: z.number().int().nullable() });

/** @throws ApprovalDenied, ApprovalExpired, ApprovalVoid */
export const step = defineStep(
  { name: 'confirm-plan', runsOn: 'cloud', input: z.strictObject({}), output: Output },
  async (world, _input, { run }) => {
    const { opening, requirement, ...found } = await openApproval(world, run);
    const ruled = { ...world, policy: await policyFor(world, run.instance) };
    const due = found.decision ?? dueDecision(ruled, run, { votes: found.votes, opening });
    if (due === null) return { awaitSeconds: secondsToWait(opening, requirement, world.clock.now()) };
    const decision = await decideOnce(world, run.id, due);
    await endWait(world, run.id, { state: 'AwaitApproval', text: wordsOf(decision) });
    refuseUnlessApproved(run, decision);
    // Another one may have decided just now: its votes were written before it, so read after it none is missing.
    refuseUnlessItHolds(ruled, run, { ...(await openApproval(world, run)), decision });
    return { awaitSeconds: null };
  },
);

type Opened = Approval & { opening: Opening };
type ConfirmWorld = Pick<World, 'clock' | 'policy' | 'instance'>;

const openApproval = async (world: Pick<World, 'state'>, run: RunRecord): Promise<Opened> => {
  const approval = await readApproval(world, run);
  if (approval?.opening == null) throw new OctoError('Bug', `${run.id} was never opened for approval`);
  return { ...approval, opening: approval.opening };
};

/** What the votes amount to now, or that time is over. */
const dueDecision = (
  world: ConfirmWorld,
  run: RunRecord,
  { votes, opening }: Pick<Opened, 'votes' | 'opening'>,
): Decision | null => {
  const judged = judge(votes, { ...judgingOf(world, run), planHash: opening.planHash });
  if (judged !== null) return judged;
  return opening.expiresAt <= world.clock.now().toISOString() ? expiry(opening) : null;
};

const judgingOf = (world: ConfirmWorld, run: RunRecord) => ({
  policy: world.policy,
  asking: askingOf(run, world.instance(run.instance)),
  now: world.clock.now(),
});

const wordsOf = ({ kind, persons }: Decision): string => [kind, ...persons].join(' ');

const refuseUnlessApproved = (run: RunRecord, { kind, persons, reason, at }: Decision): void => {
  if (kind === 'denied')
    throw new OctoError('ApprovalDenied', `${persons.join(', ')} denied it: "${reason ?? ''}"`, {
      facts: { run: run.id },
    });
  if (kind === 'expired')
    throw new OctoError('ApprovalExpired', `nobody decided by ${at}`, { facts: { run: run.id, expiresAt: at } });
};

type Decided = Pick<Approval, 'plan' | 'votes'> & { decision: Decision };

/** The policy, its people or the plan may have changed since; a vote that came after the decision changes nothing. */
const refuseUnlessItHolds = (world: ConfirmWorld, run: RunRecord, { plan, votes, decision }: Decided): void => {
  const deciding = votes.filter(({ person }) => decision.persons.includes(person));
  const judging = { ...judgingOf(world, run), planHash: plan === null ? '' : planHash(plan) };
  if (judge(deciding, judging)?.kind === 'approved') return;
  throw new OctoError('ApprovalVoid', `the approval of ${run.id} no longer holds`, {
    facts: { run: run.id, votes: deciding.map(({ person, kind }) => `${person}: ${kind}`) },
  });
};
