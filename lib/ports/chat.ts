/**
 * Where people are told what happens: one Slack channel. Blocks are Block Kit, made by `lib/slack` and passed through.
 * Errors to tell apart: `ChatLimited` (429; carries `retryAfterSeconds`), `ChatUnavailable`, `ChatRefused`.
 */
import type { KnownBlock } from '@slack/types';

export type ChatMessage = { text: string; blocks: KnownBlock[] };
export type PostedMessage = { channel: string; ts: string };

export type Chat = {
  post(message: ChatMessage & { channel: string; threadTs?: string }): Promise<PostedMessage>;
  update(message: ChatMessage & PostedMessage): Promise<void>;
  /** Only `user` sees it. */
  postEphemeral(message: ChatMessage & { channel: string; user: string }): Promise<void>;
};
