/**
 * The Web API: every method that `@slack/web-api` and Bolt need here, with Slack's own refusals by name.
 *
 * Knows nothing of HTTP; `server.ts` decodes arguments and token. Anything not in `serves` is `unknown_method`.
 * @see https://docs.slack.dev/reference/methods
 */
import { blockProblems, isTooLongTogether } from './block-rules.ts';
import { createFiles } from './files.ts';
import { type Arguments, Refusal, type Reply } from './refusal.ts';
import { viewMethods } from './view-methods.ts';
import {
  APP,
  type Block,
  type Channel,
  type Person,
  type StoredMessage,
  TEAM,
  withBlockIds,
  type Workspace,
} from './workspace.ts';

export type WebApi = {
  call(method: string, args: Arguments): Reply;
  files: ReturnType<typeof createFiles>;
};

/** What is served, how completely. A test holds this table against what answers. */
export const serves = [
  { operation: 'api.test', extent: 'full', note: '' },
  { operation: 'auth.test', extent: 'full', note: 'one workspace, one app' },
  { operation: 'apps.connections.open', extent: 'part', note: 'one connection at a time' },
  {
    operation: 'chat.postMessage',
    extent: 'part',
    note: 'text, blocks, threads, metadata; no attachments, no direct messages',
  },
  { operation: 'chat.update', extent: 'part', note: 'text and blocks' },
  { operation: 'chat.postEphemeral', extent: 'part', note: 'text and blocks' },
  { operation: 'chat.delete', extent: 'full', note: '' },
  { operation: 'views.open', extent: 'full', note: '' },
  { operation: 'views.push', extent: 'full', note: '' },
  { operation: 'views.update', extent: 'part', note: 'no external_id' },
  { operation: 'views.publish', extent: 'full', note: '' },
  { operation: 'conversations.list', extent: 'part', note: 'one page' },
  { operation: 'conversations.info', extent: 'part', note: 'the fields of a public channel' },
  { operation: 'conversations.members', extent: 'part', note: 'one page' },
  { operation: 'conversations.history', extent: 'part', note: 'latest, oldest, inclusive, limit, cursor, metadata' },
  { operation: 'conversations.replies', extent: 'part', note: 'one page' },
  { operation: 'users.info', extent: 'part', note: 'names, no profile pictures' },
  { operation: 'users.list', extent: 'part', note: 'one page' },
  { operation: 'usergroups.users.list', extent: 'part', note: 'one group: everybody' },
  { operation: 'reactions.add', extent: 'full', note: '' },
  { operation: 'files.getUploadURLExternal', extent: 'full', note: '' },
  { operation: 'files.completeUploadExternal', extent: 'part', note: 'no thread, one channel' },
  { operation: 'chat.postMessage: attachments', extent: 'none', note: 'legacy' },
  { operation: 'Events API other than app_home_opened', extent: 'none', note: 'the app subscribes to nothing else' },
] as const;

const POST_CHARACTERS = 40_000;
const UPDATE_CHARACTERS = 4_000;
const USER_GROUP = 'S0APPROVERS';

type Parts = {
  workspace: Workspace;
  redeemTrigger: (id: unknown) => { user: string } | { error: string };
  /** A fresh address for one Socket Mode connection. */
  socketUrl: () => string;
  fileUrl: (id: string) => string;
};

/** The methods, over one workspace. `call` throws `Refusal`. */
export const createWebApi = (parts: Parts): WebApi => {
  const { workspace } = parts;
  const files = createFiles(workspace, parts.fileUrl);
  const methods: Record<string, (args: Arguments) => Reply> = {
    'api.test': (args) => ({ args }),
    'auth.test': () => ({
      url: `https://${TEAM.domain}.slack.com/`,
      team: TEAM.name,
      user: APP.name,
      team_id: TEAM.id,
      user_id: APP.userId,
      bot_id: APP.botId,
      is_enterprise_install: false,
    }),
    'apps.connections.open': () => ({ url: parts.socketUrl() }),
    ...chatMethods(workspace),
    ...viewMethods(workspace, parts.redeemTrigger),
    ...peopleMethods(workspace),
    ...files.methods,
  };
  return {
    files,
    call: (method, args) => {
      const perform = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (perform === undefined) throw new Refusal('unknown_method', { req_method: method });
      return { ok: true, ...perform(args) };
    },
  };
};

const chatMethods = (workspace: Workspace): Record<string, (args: Arguments) => Reply> => ({
  'chat.postMessage': (args) => {
    const channel = appChannel(workspace, args['channel'], { mayBeName: true });
    const content = messageContent(args, POST_CHARACTERS);
    const message = workspace.add({
      channel: channel.id,
      user: APP.userId,
      ...content,
      blocks: content.blocks ?? [],
      threadTs: threadOf(workspace, args['thread_ts']),
      metadata: args['metadata'] ?? null,
    });
    return { channel: channel.id, ts: message.ts, message: shown(message) };
  },
  'chat.update': (args) => {
    const channel = appChannel(workspace, args['channel']);
    const message = ownMessage(workspace, args['ts'], 'cant_update_message');
    const content = messageContent(args, UPDATE_CHARACTERS);
    // Blocks that are not sent stay as they are; an empty list removes them.
    workspace.edit(message, {
      text: content.text,
      ...(content.blocks && { blocks: content.blocks }),
      editedTs: workspace.stampEdit(),
    });
    return { channel: channel.id, ts: message.ts, text: message.text, message: shown(message) };
  },
  'chat.postEphemeral': (args) => {
    const channel = appChannel(workspace, args['channel']);
    const person = workspace.people.find((person) => person.id === args['user']);
    if (person === undefined) throw new Refusal('user_not_in_channel');
    const content = messageContent(args, POST_CHARACTERS);
    const threadTs = threadOf(workspace, args['thread_ts']);
    const message = workspace.add({
      channel: channel.id,
      user: APP.userId,
      ...content,
      blocks: content.blocks ?? [],
      threadTs,
      visibleTo: person.id,
    });
    return { message_ts: message.ts };
  },
  'chat.delete': (args) => {
    const channel = appChannel(workspace, args['channel']);
    const message = ownMessage(workspace, args['ts'], 'cant_delete_message');
    workspace.remove(message);
    return { channel: channel.id, ts: message.ts };
  },
  'reactions.add': (args) => {
    appChannel(workspace, args['channel']);
    const message = workspace.find(String(args['timestamp']));
    if (message === null) throw new Refusal('message_not_found');
    const name = args['name'];
    if (typeof name !== 'string' || !/^[a-z0-9_+'-]+$/.test(name)) throw new Refusal('invalid_name');
    const already = message.reactions.find((reaction) => reaction.name === name);
    if (already?.users.includes(APP.userId) === true) throw new Refusal('already_reacted');
    const others = message.reactions.filter((reaction) => reaction !== already);
    workspace.edit(message, { reactions: [...others, { name, users: [...(already?.users ?? []), APP.userId] }] });
    return {};
  },
});

const peopleMethods = (workspace: Workspace): Record<string, (args: Arguments) => Reply> => ({
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

const messageContent = (args: Arguments, mostCharacters: number): { text: string; blocks: Block[] | null } => {
  const text = typeof args['text'] === 'string' ? args['text'] : '';
  const { blocks } = args;
  if (blocks !== undefined) {
    const problems = blockProblems(blocks, 'message');
    if (problems.length > 0)
      throw new Refusal('invalid_blocks', { errors: problems, response_metadata: { messages: problems } });
    if (isTooLongTogether(blocks)) throw new Refusal('msg_blocks_too_long');
  }
  if (text === '' && (!Array.isArray(blocks) || blocks.length === 0)) throw new Refusal('no_text');
  if (text.length > mostCharacters) throw new Refusal('msg_too_long');
  return { text, blocks: blocks === undefined ? null : withBlockIds(blocks as Block[]) };
};

const knownChannel = (workspace: Workspace, id: unknown): Channel => {
  const channel = workspace.channels.find((channel) => channel.id === id);
  if (channel === undefined) throw new Refusal('channel_not_found');
  return channel;
};

/** The channel, where the app is a member. Only `chat.postMessage` takes a name for it. */
const appChannel = (workspace: Workspace, given: unknown, { mayBeName = false } = {}): Channel => {
  const named = mayBeName ? workspace.channels.find(({ name }) => given === name || given === `#${name}`) : undefined;
  const channel = named ?? knownChannel(workspace, given);
  if (!channel.isAppMember) throw new Refusal('not_in_channel');
  return channel;
};

const ownMessage = (workspace: Workspace, ts: unknown, refusal: string): StoredMessage => {
  const message = workspace.find(String(ts));
  if (message === null || message.visibleTo !== null) throw new Refusal('message_not_found');
  if (message.user !== APP.userId) throw new Refusal(refusal);
  return message;
};

const threadOf = (workspace: Workspace, ts: unknown): string | null => {
  if (ts === undefined) return null;
  const root = typeof ts === 'string' ? workspace.find(ts) : null;
  if (root === null) throw new Refusal('thread_not_found');
  return root.threadTs ?? root.ts;
};

/** A message as the Web API tells it. */
const shown = (message: StoredMessage): Reply => ({
  type: 'message',
  user: message.user,
  ts: message.ts,
  text: message.text,
  team: TEAM.id,
  ...(message.blocks.length > 0 && { blocks: message.blocks }),
  ...(message.threadTs !== null && { thread_ts: message.threadTs }),
  ...(message.editedTs !== null && { edited: { user: message.user, ts: message.editedTs } }),
  ...(message.reactions.length > 0 && {
    reactions: message.reactions.map(({ name, users }) => ({ name, users, count: users.length })),
  }),
  ...(message.user === APP.userId && {
    bot_id: APP.botId,
    app_id: APP.id,
    bot_profile: { id: APP.botId, app_id: APP.id, name: APP.name, team_id: TEAM.id, deleted: false },
  }),
});

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
