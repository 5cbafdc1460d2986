/**
 * What is said of an approval, in words: the request while a run waits for people, who decided once they have, and a
 * break-glass for as long as nobody else has looked at it. Shared by card and terminal.
 */
import type { Approval } from '../domain/runs/approval.ts';
import { EVERYONE, type Requirement } from '../domain/runs/approval-policy.ts';
import { planHash, type Plan } from '../domain/runs/plan.ts';
import type { RunView } from '../domain/runs/run.ts';
import { willTake } from './run/run-pace.ts';
import { planFindings } from './run/plan-words.ts';
import { workOf, workOn, workTitle } from './run/work-words.ts';
import { count } from './text.ts';
import type { Tongue } from './tongue.ts';

/** The approval that `view` waits for, or `null` when it waits for none: not yet, not any more, or never. */
export const awaitedApproval = ({ run, approval }: RunView): Approval | null =>
  run.outcome === null && approval?.opening != null && approval.decision === null ? approval : null;

/** The request as an approver reads it: what will be done, what was checked, who is needed and until when. */
export const approvalWords = (
  view: RunView,
  approval: Approval,
  tongue: Tongue,
): { headline: string; findings: string[]; sentence: string } => {
  const { run } = view;
  const person = tongue.quote(run.requestedBy.person, 80);
  return {
    headline: `⏳ ${tongue.strong(`${workTitle(run)} requested`)} · ${subjectOf(run, approval.plan, tongue)} · waits for approval`,
    findings: [
      ...(approval.plan === null ? [] : planFindings(approval.plan, tongue)),
      ...willTake(view, tongue),
      needs(approval, tongue),
    ],
    sentence: `${person} asks for a ${workOf(run, tongue)}, which needs approval by ${whoIsNeeded(approval.requirement, tongue)}.`,
  };
};

/** That the run still waits, for whom, until when, and how to decide. */
export const reminderSentence = ({ run }: RunView, { requirement, opening }: Approval, tongue: Tongue): string => {
  const what = `the ${workOf(run, tongue)} that ${tongue.quote(run.requestedBy.person, 80)} asked for`;
  const until = opening === null ? '' : ` until ${tongue.time(opening.expiresAt)}`;
  return `Still waiting: ${what} needs approval by ${whoIsNeeded(requirement, tongue)}${until}. Decide in its message, or with /octo approve ${run.id}`;
};

/** `approved by ben`, `denied by ben`: who decided, once somebody has. */
export const decidedBy = ({ approval }: RunView, tongue: Tongue): string[] => {
  const decision = approval?.decision ?? null;
  if (decision === null || decision.kind === 'expired') return [];
  return [`${decision.kind} by ${names(decision.persons, tongue)}${decision.isBreakGlass ? ' alone' : ''}`];
};

/** A break-glass for everybody to see, and how it is closed or who closed it. */
export const breakGlassWords = ({ run, approval }: RunView, tongue: Tongue): string[] => {
  if (approval?.decision?.isBreakGlass !== true) return [];
  const { decision, closure } = approval;
  const glass = `🚨 ${tongue.strong('Break-glass')} by ${names(decision.persons, tongue)}: "${tongue.quote(decision.reason ?? '', 400)}"`;
  if (closure === null) return [`${glass} · open until somebody else closes it: /octo approve ${run.id} reason:"…"`];
  return [`${glass} · closed by ${tongue.quote(closure.person, 80)}: "${tongue.quote(closure.reason, 400)}"`];
};

const subjectOf = (run: RunView['run'], plan: Plan | null, tongue: Tongue): string =>
  plan?.workflow === 'restore'
    ? `${tongue.quote(run.instance, 80)} ← archive ${tongue.time(plan.archive.takenAt)}`
    : workOn(run, tongue);

const needs = ({ requirement, votes, opening, plan }: Approval, tongue: Tongue): string => {
  const approving = votes.filter(({ kind }) => kind === 'approve').map(({ person }) => person);
  const soFar = approving.length === 0 ? '0 so far' : `${approving.length} so far: ${names(approving, tongue)}`;
  return [
    `${tongue.strong('Needs')}  ${whoIsNeeded(requirement, tongue)} (${soFar})`,
    ...(opening === null ? [] : [`expires ${tongue.time(opening.expiresAt)}`]),
    ...(plan === null ? [] : [`plan ${planHash(plan).slice(0, 8)}…`]),
  ].join(' · ');
};

const whoIsNeeded = ({ count: needed, approvers, mayApproveSelf }: Requirement, tongue: Tongue): string => {
  if (!approvers.includes(EVERYONE)) return `${needed} of ${names(approvers, tongue)}`;
  return count(needed, mayApproveSelf ? 'person' : 'other person', mayApproveSelf ? 'people' : 'other people');
};

const names = (people: readonly string[], tongue: Tongue): string =>
  people.map((person) => tongue.quote(person, 80)).join(', ');
