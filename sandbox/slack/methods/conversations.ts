/**
 * The `conversations.*` and `users.*` methods: who is there, and what was said.
 * @see https://docs.slack.dev/reference/methods/conversations.history
 */
import { APP, type Channel, type Person, TEAM, type Workspace } from '../workspace.ts';
import { type Arguments, type Methods, Refusal, type Reply } from './refusal.ts';
import { appChannel, knownChannel, shown } from './shown.ts';

const USER_GROUP = 'S0APPROVERS';

/** Channels, their members and their messages. */
export const conversationMethods = (workspace: Workspace): Methods => ({
  'conversations.list': () => ({ channels: workspace.channels.map(described), response_metadata: { next_cursor: '' } }),
  'conversations.info': (args) => ({ channel: described(knownChannel(workspace, args['channel'])) }),
  'conversations.members': (args) => {
    knownChannel(workspace, args['channel']);
    return { members: [...workspace.people.map(({ id }) => id), APP.userId], response_metadata: { next_cursor: '' } };
  },
  'conversations.history': (args) => history(workspace, args),
  'conversations.replies': (args) => {
    const channel = appChannel(workspace, args['channel']);
    const root = workspace.find(String(args['ts']));
    if (root === null || root.channel !== channel.id) throw new Refusal('thread_not_found');
    const replies = workspace
      .messages()
      .filter((message) => message.threadTs === root.ts && message.visibleTo === null);
    return { messages: [root, ...replies].map(shown), has_more: false };
  },
  'users.info': (args) => {
    const person = workspace.people.find((person) => person.id === args['user']);
    if (person === undefined) throw new Refusal('user_not_found');
    return { user: profile(person) };
  },
  'users.list': () => ({ members: workspace.people.map(profile), response_metadata: { next_cursor: '' } }),
  'usergroups.users.list': (args) => {
    if (args['usergroup'] !== USER_GROUP) throw new Refusal('no_such_subteam');
    return { users: workspace.people.map(({ id }) => id) };
  },
});

const history = (workspace: Workspace, args: Arguments): Reply => {
  const channel = appChannel(workspace, args['channel']);
  const isInclusive = args['inclusive'] === true || args['inclusive'] === 'true' || args['inclusive'] === '1';
  const [oldest, latest] = [Number(args['oldest'] ?? 0), Number(args['latest'] ?? Infinity)];
  const isWithin = (ts: number): boolean => (isInclusive ? ts >= oldest && ts <= latest : ts > oldest && ts < latest);
  const start = args['cursor'] === undefined || args['cursor'] === '' ? 0 : Number(args['cursor']);
  if (!Number.isInteger(start) || start < 0) throw new Refusal('invalid_cursor');
  const limit = Math.min(Number(args['limit'] ?? 100), 999);
  const all = workspace
    .messages()
    .filter((message) => message.channel === channel.id && message.visibleTo === null && message.threadTs === null)
    .filter((message) => isWithin(Number(message.ts)))
    .toReversed();
  const hasMore = all.length > start + limit;
  const hasMetadata = args['include_all_metadata'] === true || args['include_all_metadata'] === 'true';
  return {
    messages: all.slice(start, start + limit).map((message) => ({
      ...shown(message),
      ...(hasMetadata && message.metadata !== null && { metadata: message.metadata }),
    })),
    has_more: hasMore,
    response_metadata: { next_cursor: hasMore ? String(start + limit) : '' },
  };
};

const described = (channel: Channel): Reply => ({
  id: channel.id,
  name: channel.name,
  name_normalized: channel.name,
  is_channel: true,
  is_private: false,
  is_archived: false,
  is_general: channel.name === 'general',
  is_member: channel.isAppMember,
});

const profile = (person: Person): Reply => ({
  id: person.id,
  team_id: TEAM.id,
  name: person.name,
  real_name: person.realName,
  deleted: false,
  is_bot: false,
  tz: 'Etc/UTC',
  profile: { display_name: person.name, real_name: person.realName },
});
