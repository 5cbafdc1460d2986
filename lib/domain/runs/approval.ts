/**
 * How the approval of one run goes: who may decide it, what the votes amount to, how long it waits.
 *
 * Pure. A vote counts only while its person may decide and only for the plan it was cast on, so whoever is taken off the
 * policy, and whoever saw another plan, no longer counts. Stored under `approvals/<runId>/` by `repository/approvals.ts`.
 */
import * as z from 'zod';
import {
  EVERYONE,
  peopleIn,
  peopleWhoMay,
  requirement,
  type Asking,
  type Policy,
  type Requirement,
} from './approval-policy.ts';
import type { Plan } from './plan.ts';

/** When the run began to wait for people, and until when. */
export const Opening = z.strictObject({ openedAt: z.string(), expiresAt: z.string(), planHash: z.string() });
export type Opening = z.infer<typeof Opening>;

/** What one person said, once: a second thought is another person's vote. */
export const Vote = z.strictObject({
  person: z.string(),
  door: z.enum(['slack', 'terminal']),
  kind: z.enum(['approve', 'deny', 'break-glass']),
  reason: z.string().nullable(),
  planHash: z.string(),
  at: z.string(),
});
export type Vote = z.infer<typeof Vote>;

/** The one decision on a run; `persons` are those whose votes made it, nobody when time did. */
export const Decision = z.strictObject({
  kind: z.enum(['approved', 'denied', 'expired']),
  persons: z.array(z.string()),
  reason: z.string().nullable(),
  isBreakGlass: z.boolean(),
  planHash: z.string(),
  at: z.string(),
});
export type Decision = z.infer<typeof Decision>;

/** Who looked at a break-glass afterwards, and what they found. */
export const Closure = z.strictObject({ person: z.string(), reason: z.string(), at: z.string() });
export type Closure = z.infer<typeof Closure>;

/** Everything a view of an approval needs. `opening` is null until the preflight has passed. */
export type Approval = {
  requirement: Requirement;
  plan: Plan | null;
  opening: Opening | null;
  votes: Vote[];
  decision: Decision | null;
  closure: Closure | null;
};

export type MayDecide = { may: true } | { may: false; why: string; whoCan: string[] };

/** Whether `person` may approve or deny what was asked, and if not, why and who can. */
export const mayDecide = (policy: Policy, asking: Asking, person: string): MayDecide => {
  const verdict = requirement(policy, asking);
  if (verdict.kind === 'denied') return refused(`the policy no longer lets ${asking.by.person} ask for this`, []);
  // Where the policy no longer asks for anybody, whoever it knows may still say yes or no to a run that waits.
  const need = verdict.kind === 'approval' ? verdict.requirement : { approvers: [EVERYONE], mayApproveSelf: false };
  const whoCan = peopleWhoMay(policy, need, asking.by.person);
  if (whoCan.includes(person)) return { may: true };
  if (!policy.people.includes(person)) return refused(`${person} is not a person that octo.yml knows`, whoCan);
  if (person === asking.by.person) return refused('nobody approves their own request', whoCan);
  return refused(`${person} is not an approver of this`, whoCan);
};

const refused = (why: string, whoCan: string[]): MayDecide => ({ may: false, why, whoCan });

/** Whether `person` may let the run through alone. */
export const mayBreakGlass = (policy: Policy, asking: Asking, person: string): boolean => {
  const verdict = requirement(policy, asking);
  return verdict.kind === 'approval' && peopleIn(policy, verdict.requirement.breakGlass).includes(person);
};

/** How many different people the policy asks for now; `null` when it no longer lets the run be asked for. */
export const countNeeded = (policy: Policy, asking: Asking): number | null => {
  const verdict = requirement(policy, asking);
  if (verdict.kind === 'denied') return null;
  return verdict.kind === 'approval' ? verdict.requirement.count : 1;
};

type Judging = { policy: Policy; asking: Asking; planHash: string; now: Date };

/** The decision that the votes amount to, or `null` while they do not. A denial outweighs every approval. */
export const judge = (votes: readonly Vote[], { policy, asking, planHash, now }: Judging): Decision | null => {
  const counting = [...new Map(votes.map((vote) => [vote.person, vote])).values()].filter(
    ({ person, kind, planHash: seen }) =>
      seen === planHash &&
      (kind === 'break-glass' ? mayBreakGlass(policy, asking, person) : mayDecide(policy, asking, person).may),
  );
  const decided = (kind: Decision['kind'], by: readonly Vote[], isBreakGlass = false): Decision => ({
    kind,
    persons: by.map(({ person }) => person),
    reason: by.find(({ reason }) => reason !== null)?.reason ?? null,
    isBreakGlass,
    planHash,
    at: now.toISOString(),
  });
  const denial = counting.find(({ kind }) => kind === 'deny');
  if (denial !== undefined) return decided('denied', [denial]);
  const glass = counting.find(({ kind }) => kind === 'break-glass');
  const approvals = counting.filter(({ kind }) => kind === 'approve');
  const needed = countNeeded(policy, asking);
  if (needed !== null && approvals.length >= needed) return decided('approved', approvals);
  return glass === undefined ? null : decided('approved', [glass], true);
};

/** The decision of a run that nobody decided in time. */
export const expiry = ({ planHash, expiresAt }: Opening): Decision => ({
  kind: 'expired',
  persons: [],
  reason: null,
  isBreakGlass: false,
  planHash,
  at: expiresAt,
});

/** The opening of an approval that begins to wait now. */
export const openedNow = (need: Requirement, { planHash, now }: { planHash: string; now: Date }): Opening => ({
  openedAt: now.toISOString(),
  expiresAt: minutesAfter(now.toISOString(), need.expiryMinutes),
  planHash,
});

/** How many of the reminders have come due. */
export const remindersDue = ({ openedAt }: Opening, need: Requirement, now: Date): number =>
  need.remindMinutes.filter((minutes) => minutesAfter(openedAt, minutes) <= now.toISOString()).length;

/** How long nothing happens unless somebody decides: until the next reminder, or the end. At least one second. */
export const secondsToWait = ({ openedAt, expiresAt }: Opening, need: Requirement, now: Date): number => {
  const reminders = need.remindMinutes.map((minutes) => minutesAfter(openedAt, minutes));
  const next =
    reminders.filter((moment) => moment > now.toISOString() && moment < expiresAt).toSorted()[0] ?? expiresAt;
  return Math.max(1, Math.ceil((Date.parse(next) - now.getTime()) / 1000));
};

/** Is it a break-glass that nobody else has looked at yet? */
export const isOpenBreakGlass = ({ decision, closure }: Pick<Approval, 'decision' | 'closure'>): boolean =>
  decision?.isBreakGlass === true && closure === null;

const minutesAfter = (iso: string, minutes: number): string =>
  new Date(Date.parse(iso) + minutes * 60_000).toISOString();
