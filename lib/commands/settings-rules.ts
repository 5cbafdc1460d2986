/**
 * What stands between a person and a change of settings: the policy of `octo.yml`, and names that have to exist.
 *
 * Settings add to the approval that `octo.yml` asks for and never take from it, so switching it off needs nobody's consent
 * there; making the setting itself weaker takes one of those whom it trusts to approve. See docs/decisions.
 */
import { knownPlaces } from '../archive/index/places.ts';
import { OctoError } from '../domain/errors.ts';
import { requirement, type Policy } from '../domain/runs/approval-policy.ts';
import { approvalProblem, isLoosened, whoMayLoosen, withoutApprovers } from '../domain/settings/approval-setting.ts';
import type { Settings } from '../domain/settings/settings.ts';
import type { World } from '../ports/world.ts';

type Who = { instance: string; person: string };

/** @throws RequestNotAllowed when `octo.yml` denies this person the settings of this instance */
export const requireMayChange = (world: Pick<World, 'instance'>, policy: Policy, { instance, person }: Who): void => {
  const asking = { verb: 'settings' as const, instance: world.instance(instance), by: { door: 'person', person } };
  if (requirement(policy, asking).kind === 'denied')
    throw new OctoError('RequestNotAllowed', `${person} may not change the settings of ${instance}`);
};

type Change = Who & { policy: Policy; before: Settings; after: Settings };

/** Refuses names that nothing bears, and an approval made weaker by somebody it does not trust. @throws SettingInvalid, SettingNotYours */
export const requireSound = (world: Pick<World, 'instance'>, { instance, person, ...change }: Change): void => {
  const { policy, before, after } = change;
  if (JSON.stringify(before.folders) !== JSON.stringify(after.folders)) requireFolders(world, instance, after.folders);
  if (JSON.stringify(before.approval) === JSON.stringify(after.approval)) return;
  if (!policy.people.includes(person))
    throw new OctoError(
      'SettingNotYours',
      `approval is changed by people whom octo.yml knows, and ${person} is not one`,
    );
  const problem = approvalProblem(policy, after.approval);
  if (problem !== null) throw new OctoError('SettingInvalid', problem);
  const whoCan = whoMayLoosen(policy, before.approval);
  if (!isLoosened(policy, before.approval, after.approval) || whoCan.includes(person)) return;
  throw new OctoError('SettingNotYours', `${person} cannot make the approval weaker; who can: ${whoCan.join(', ')}`, {
    facts: { whoCan },
  });
};

/** @throws SettingInvalid for a name that no folder of the instance can bear */
export const requireFolders = (
  world: Pick<World, 'instance'>,
  instance: string,
  folders: readonly string[] | null,
): void => {
  const known = knownPlaces(world, instance);
  const unknown = (folders ?? []).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new OctoError('SettingInvalid', `there is no folder ${unknown.join(', ')}; there is ${known.join(', ')}`);
};

/** What holds for backups of the instance now, in lines: the setting alone does not say it. */
export const approvalLines = (world: Pick<World, 'instance'>, policy: Policy, { instance, person }: Who): string[] => {
  const { setting } = policy;
  const asking = { verb: 'backup' as const, instance: world.instance(instance), by: { door: 'person', person } };
  const verdict = requirement(policy, asking);
  if (verdict.kind !== 'approval') return [];
  const { count, approvers } = verdict.requirement;
  const needs = `a backup that people ask for needs ${count} of ${approvers.join(', ') || 'nobody: no one is named both there and here'}`;
  if (setting?.isRequired !== true) return [`Without effect on approval: octo.yml asks for it all the same; ${needs}.`];
  const alone = withoutApprovers(policy, setting);
  return [
    `From now on ${needs}, and never the one who asks. Backups by schedule go on without.`,
    ...(alone.length === 0
      ? []
      : [`Nobody could approve what ${alone.join(', ')} ask${alone.length === 1 ? 's' : ''} for.`]),
  ];
};
