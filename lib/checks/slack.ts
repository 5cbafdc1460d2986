/** Are the people there whom the policy looks for in Slack? Whether messages and clicks get through is tried by `check` itself. */
import type { World } from '../ports/world.ts';
import { membersOf } from '../repository/people/groups.ts';
import { look, ok, warn, type Finding } from './finding.ts';

type SlackWorld = Pick<World, 'policy' | 'state' | 'clock' | 'chat'>;

/** One finding for each group of `octo.yml` that is kept in Slack. */
export const checkSlackGroups = (world: SlackWorld): Promise<Finding[]> =>
  Promise.all(
    Object.entries(world.policy.slackGroups ?? {}).map(([group, id]) => {
      const subject = `group @${group}`;
      return look(subject, async () => {
        const users = await membersOf(world, id);
        const known = users.filter((user) => world.policy.slackPeople?.[user] !== undefined).length;
        const text = `${known} of ${users.length} members of ${id} are under people in octo.yml`;
        return known === users.length && known > 0
          ? ok(subject, text)
          : warn(subject, text, 'Only those count as approvers: add the others to people, each with their Slack id.');
      });
    }),
  );
