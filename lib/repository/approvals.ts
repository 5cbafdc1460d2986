/**
 * What is stored of an approval, beside its run: the plan, since when the run waits, its task token, the votes, the decision.
 *
 * Everything but the token is written once and stands: whoever comes second gets what stands there. So a person has one vote,
 * a run has one decision, and whichever of two decisions was first is the one.
 */
import * as z from 'zod';
import { Closure, Decision, Opening, Vote, type Approval } from '../domain/runs/approval.ts';
import { OctoError } from '../domain/errors.ts';
import { stateKeys } from '../domain/names.ts';
import { Plan, planDifferences } from '../domain/runs/plan.ts';
import type { RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { readRecord, UNCHANGED, update, type RecordAt } from './update.ts';

type State = Pick<World, 'state'>;

/** Freezes the plan of its run. Answers the plan that stands. */
export const freezePlan = (world: State, plan: Plan): Promise<Plan> => writeOnce(world, planAt(plan.run), plan);

/** Freezes the plan in the run book; asked again, what was found must still fit it. Answers the plan that stands. @throws PlanChanged */
export const keepToPlan = async (world: State, found: Plan): Promise<Plan> => {
  const standing = await freezePlan(world, found);
  const changed = planDifferences(standing, found);
  if (changed.length === 0) return standing;
  throw new OctoError('PlanChanged', `since the plan was made, ${changed.join(' and ')} changed`, {
    facts: { run: found.run, changed },
  });
};

/** The plan, or `null` before the preflight has passed. */
export const readPlan = (world: State, runId: string): Promise<Plan | null> => readRecord(world.state, planAt(runId));

/** Notes since when the run waits. Answers what stands. */
export const open = (world: State, runId: string, opening: Opening): Promise<Opening> =>
  writeOnce(world, openingAt(runId), opening);

/** Keeps the token of the state that waits now; it replaces that of an earlier wait. */
export const keepToken = async (world: State, runId: string, token: string): Promise<void> => {
  await update(world.state, tokenAt(runId), () => ({ token }));
};

/** The token to wake the run with, or `null` while it has not come to wait. */
export const readToken = async (world: State, runId: string): Promise<string | null> =>
  (await readRecord(world.state, tokenAt(runId)))?.token ?? null;

/** Casts a person's vote. Answers the vote that stands, which is an earlier one of the same person where there is one. */
export const castVote = (world: State, runId: string, vote: Vote): Promise<Vote> =>
  writeOnce(world, voteAt(stateKeys.approval(runId).vote(vote.person)), vote);

/** Decides. Answers the decision that stands. */
export const decideOnce = (world: State, runId: string, decision: Decision): Promise<Decision> =>
  writeOnce(world, decisionAt(runId), decision);

/** Notes that somebody looked at a break-glass. Answers what stands. */
export const closeOnce = (world: State, runId: string, closure: Closure): Promise<Closure> =>
  writeOnce(world, closureAt(runId), closure);

/** How the approval of `run` stands, or `null` when it needs none. Votes are in the order in which they were cast. */
export const readApproval = async (world: State, run: RunRecord): Promise<Approval | null> => {
  if (run.approval === undefined) return null;
  const [plan, opening, decision, closure, votes] = await Promise.all([
    readPlan(world, run.id),
    readRecord(world.state, openingAt(run.id)),
    readRecord(world.state, decisionAt(run.id)),
    readRecord(world.state, closureAt(run.id)),
    readVotes(world, run.id),
  ]);
  return { requirement: run.approval, plan, opening, votes, decision, closure };
};

const readVotes = async (world: State, runId: string): Promise<Vote[]> => {
  const votes: Vote[] = [];
  for await (const { key } of world.state.list(stateKeys.approval(runId).votes)) {
    const vote = await readRecord(world.state, voteAt(key));
    if (vote !== null) votes.push(vote);
  }
  return votes.toSorted((a, b) => a.at.localeCompare(b.at));
};

const writeOnce = async <S extends z.ZodType>(
  world: State,
  at: RecordAt<S>,
  record: z.output<S>,
): Promise<z.output<S>> =>
  (await update(world.state, at, (current) => (current === null ? record : UNCHANGED))) ?? record;

const planAt = (runId: string) => ({ key: stateKeys.plan(runId), schema: Plan });
const openingAt = (runId: string) => ({ key: stateKeys.approval(runId).opening, schema: Opening });
const tokenAt = (runId: string) => ({
  key: stateKeys.approval(runId).token,
  schema: z.strictObject({ token: z.string() }),
});
const voteAt = (key: string) => ({ key, schema: Vote });
const decisionAt = (runId: string) => ({ key: stateKeys.approval(runId).decision, schema: Decision });
const closureAt = (runId: string) => ({ key: stateKeys.approval(runId).closure, schema: Closure });
