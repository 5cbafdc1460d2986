/**
 * Approval of backups as a setting, against the policy that it adds to: do the people it names exist, is it made weaker,
 * and who may do that. Pure; the rule itself is part of `approval-policy.ts`.
 */
import { EVERYONE, peopleIn, type ApprovalSetting, type Policy } from '../runs/approval-policy.ts';

/** What is wrong with the setting, as a phrase; null when it can be met. */
export const approvalProblem = (policy: Policy, { isRequired, approvers, count }: ApprovalSetting): string | null => {
  const known = new Set([EVERYONE, ...policy.people, ...Object.keys(policy.groups).map((group) => `@${group}`)]);
  const unknown = approvers.filter((name) => !known.has(name));
  if (unknown.length > 0) return `there is no ${unknown.join(', ')} in octo.yml; there is ${[...known].join(', ')}`;
  const able = peopleIn(policy, approvers);
  // Whoever asks does not count, so the others have to be enough.
  const others = able.length - (able.length === policy.people.length ? 1 : 0);
  if (!isRequired || others >= count) return null;
  return `${count} ${count === 1 ? 'person has' : 'people have'} to approve, and only ${others} of ${approvers.join(', ')} could`;
};

/** Does the change let through what had to be approved before? */
export const isLoosened = (policy: Policy, before: ApprovalSetting, after: ApprovalSetting): boolean => {
  if (!before.isRequired) return false;
  if (!after.isRequired || after.count < before.count) return true;
  const trusted = new Set(peopleIn(policy, before.approvers));
  return peopleIn(policy, after.approvers).some((person) => !trusted.has(person));
};

/** Who may make it weaker: those it trusts to approve. */
export const whoMayLoosen = (policy: Policy, { approvers }: ApprovalSetting): string[] => peopleIn(policy, approvers);

/** People whose own requests nobody could approve. */
export const withoutApprovers = (policy: Policy, { isRequired, approvers, count }: ApprovalSetting): string[] =>
  policy.people.filter(
    (person) => isRequired && peopleIn(policy, approvers).filter((approver) => approver !== person).length < count,
  );
