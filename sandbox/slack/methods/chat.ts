/**
 * The `chat.*` methods and `reactions.add`.
 * @see https://docs.slack.dev/reference/methods/chat.postMessage
 */
import { blockProblems, isTooLongTogether } from '../block-rules.ts';
import { APP, type Block, type StoredMessage, withBlockIds, type Workspace } from '../workspace.ts';
import { type Arguments, type Methods, Refusal } from './refusal.ts';
import { appChannel, shown } from './shown.ts';

const POST_CHARACTERS = 40_000;
const UPDATE_CHARACTERS = 4_000;

/** What the app says, edits and takes back. */
export const chatMethods = (workspace: Workspace): Methods => ({
  ...reactionMethods(workspace),
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
      editedTs: workspace.stamp(),
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
});

const reactionMethods = (workspace: Workspace): Methods => ({
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

const ownMessage = (workspace: Workspace, ts: unknown, refusal: string): StoredMessage => {
  const message = workspace.find(String(ts));
  if (message === null || message.visibleTo !== null) throw new Refusal('message_not_found');
  if (message.user !== APP.userId) throw new Refusal(refusal);
  return message;
};

/** The thread that a message goes to, as the root's own time stamp. */
export const threadOf = (workspace: Workspace, ts: unknown): string | null => {
  if (ts === undefined) return null;
  const root = typeof ts === 'string' ? workspace.find(ts) : null;
  if (root === null) throw new Refusal('thread_not_found');
  return root.threadTs ?? root.ts;
};
