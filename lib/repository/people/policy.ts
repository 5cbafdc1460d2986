/**
 * The approval policy of one instance as it is now: what stands in `octo.yml`, with the groups that are kept in Slack, and
 * what the settings of the instance add.
 *
 * Read anew at each question, since people change settings and groups while runs wait. What cannot be read decides
 * nothing: the question fails, and with it whatever was asked for.
 */
import type { Policy } from '../../domain/runs/approval-policy.ts';
import type { World } from '../../ports/world.ts';
import { readSettings } from '../settings.ts';
import { membersOf } from './groups.ts';

export type PolicyWorld = Pick<World, 'state' | 'clock' | 'chat' | 'policy'>;

/** The policy to ask about requests for `instance`. @throws as `membersOf` does */
export const policyFor = async (world: PolicyWorld, instance: string): Promise<Policy> => {
  const { approval } = await readSettings(world, instance);
  return { ...world.policy, groups: await groupsNow(world), setting: approval };
};

/** A member of a Slack group counts where `people` maps the account; whom nobody knows is nobody. */
const groupsNow = async (world: PolicyWorld): Promise<Policy['groups']> => {
  const { groups, slackGroups = {}, slackPeople = {} } = world.policy;
  const read = Object.entries(slackGroups).map(async ([group, id]) => {
    const users = await membersOf(world, id);
    return [group, users.flatMap((user) => slackPeople[user] ?? [])] as const;
  });
  return { ...groups, ...Object.fromEntries(await Promise.all(read)) };
};
