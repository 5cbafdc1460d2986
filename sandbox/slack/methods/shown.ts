/** What several methods share: the channel that is meant, and a message as the Web API tells it. */
import { APP, type Channel, type StoredMessage, TEAM, type Workspace } from '../workspace.ts';
import { Refusal, type Reply } from './refusal.ts';

/** The channel with this id. */
export const knownChannel = (workspace: Workspace, id: unknown): Channel => {
  const channel = workspace.channels.find((channel) => channel.id === id);
  if (channel === undefined) throw new Refusal('channel_not_found');
  return channel;
};

/** The channel, where the app is a member. Only `chat.postMessage` takes a name for it. */
export const appChannel = (workspace: Workspace, given: unknown, { mayBeName = false } = {}): Channel => {
  const named = mayBeName ? workspace.channels.find(({ name }) => given === name || given === `#${name}`) : undefined;
  const channel = named ?? knownChannel(workspace, given);
  if (!channel.isAppMember) throw new Refusal('not_in_channel');
  return channel;
};

/** A message as the Web API tells it. */
export const shown = (message: StoredMessage): Reply => ({
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
