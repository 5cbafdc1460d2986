/**
 * Where people are told what happens: one Slack channel. Blocks are Block Kit, made by `lib/slack` and passed through.
 *
 * Nothing is sent twice by itself: a call either returned, or the caller decides what to do about it.
 * Errors to tell apart: `ChatLimited` (429; `facts.retryAfterSeconds`), `ChatUnavailable` (no answer, 5xx),
 * `ChatMessageGone` (the message to edit was deleted), `ChatScopeMissing` (`facts.scope`), `ChatRefused` (everything else;
 * `facts.slackError`).
 */
import type { KnownBlock, ModalView } from '@slack/types';

/** `text` is the notification: a full sentence that stands without the blocks. */
export type ChatMessage = { text: string; blocks: KnownBlock[] };
/** A form: opened for the person who clicked or typed, within Slack's three seconds. */
export type ChatForm = ModalView;
export type PostedMessage = { channel: string; ts: string };
/** `since` (ISO 8601) bounds the search: nothing was posted under this key before. People do not see the key. */
export type PostOnce = { key: string; since: string };

export type SharedFile = { channel: string; threadTs?: string; name: string; title: string; bytes: Buffer };

export type Chat = {
  /**
   * Posts a message, or a reply when `threadTs` names one. With `once`, a message that was already posted under this key
   * (by a process that was killed before it could note so) gets these words instead of a second one beside it.
   */
  post(message: ChatMessage & { channel: string; threadTs?: string; once?: PostOnce }): Promise<PostedMessage>;
  /** Replaces text and blocks of a message of ours. @throws ChatMessageGone */
  update(message: ChatMessage & PostedMessage): Promise<void>;
  /** Shows a file in the channel, or in the thread of a message, under its title. Asking twice shows it twice. */
  shareFile(file: SharedFile): Promise<void>;
  /** Ids of the people in a user group (`S…`), as they are now. @throws ChatScopeMissing where the app may not ask */
  groupMembers(group: string): Promise<string[]>;
  /** Only `user` sees it. */
  postEphemeral(message: ChatMessage & { channel: string; user: string }): Promise<void>;
};
