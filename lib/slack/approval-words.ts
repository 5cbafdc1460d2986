/**
 * What is said of an approval, in words: the request while a run waits for people, who decided once they have, and a
 * break-glass for as long as nobody else has looked at it. Shared by card and terminal.
 */
import type { Approval } from '../domain/runs/approval.ts';
import { EVERYONE, type Requirement } from '../domain/runs/approval-policy.ts';
import { planHash, type Plan } from '../domain/runs/plan.ts';
import type { RunView } from '../domain/runs/run.ts';
import { count } from './text.ts';
import type { Tongue } from './tongue.ts';

/** The approval that `view` waits for, or `null` when it waits for none: not yet, not any more, or never. */
export const awaitedApproval = ({ run, approval }: RunView): Approval | null =>
  run.outcome === null && approval?.opening != null && approval.decision === null ? approval : null;

/** The request as an approver reads it: what will be done, what was checked, who is needed and until when. */
export const approvalWords = (
  { run }: RunView,
  approval: Approval,
  tongue: Tongue,
): { headline: string; findings: string[]; sentence: string } => {
  const instance = tongue.quote(run.instance, 80);
  const person = tongue.quote(run.requestedBy.person, 80);
  return {
    headline: `⏳ ${tongue.strong('Backup requested')} · ${instance} · waits for approval`,
    findings: [...planFindings(approval.plan, tongue), needs(approval, tongue)],
    sentence: `${person} asks for a backup of ${instance}, which needs approval by ${whoIsNeeded(approval.requirement, tongue)}.`,
  };
};

/** That the run still waits, for whom, until when, and how to decide. */
export const reminderSentence = ({ run }: RunView, { requirement, opening }: Approval, tongue: Tongue): string => {
  const what = `the backup of ${tongue.quote(run.instance, 80)} that ${tongue.quote(run.requestedBy.person, 80)} asked for`;
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

/** The frozen plan in full, a line each. */
export const planLines = (plan: Plan): string[] => [
  `instance     ${plan.instance}, Octopus ${plan.octopus.version}, installation ${plan.octopus.installationId}`,
  `consistency  ${plan.consistency}`,
  `database     ${plan.database}`,
  ...plan.folders.map(({ name, path }) => `folder       ${name}: ${path}`),
  `master key   ${plan.masterKeyFingerprint}`,
  `destination  ${plan.destination}`,
  `hash         ${planHash(plan)}`,
];

const planFindings = (plan: Plan | null, tongue: Tongue): string[] => {
  if (plan === null) return [];
  const { octopus, instance, database, folders, consistency, masterKeyFingerprint } = plan;
  return [
    `${tongue.strong('Will read')}  Octopus ${tongue.quote(instance, 80)} (${tongue.quote(octopus.version, 40)}): database ${tongue.quote(database, 130)} and ${count(folders.length, 'folder')}`,
    `${tongue.strong('Meanwhile')}  ${consistency === 'quiesced' ? 'maintenance mode for as long as the database is dumped' : 'Octopus stays in use'}`,
    `${tongue.strong('Opened by')}  master key ${tongue.quote(masterKeyFingerprint, 40)}`,
    `${tongue.strong('Checked')}  versions, rights, key, database, space and folders`,
  ];
};

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
