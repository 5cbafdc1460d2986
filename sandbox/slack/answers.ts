/**
 * What an app may say in answer to a command or a click: in the acknowledgement itself, or through a response URL.
 * Ephemeral unless it says `in_channel`; may replace or delete the message that was clicked.
 */
import { blockProblems, isTooLongTogether } from './block-rules.ts';
import type { ResponseTarget } from './delivery.ts';
import { APP, type Block, withBlockIds, type Workspace } from './workspace.ts';

type Answer = {
  text?: unknown;
  blocks?: unknown;
  response_type?: unknown;
  replace_original?: unknown;
  delete_original?: unknown;
  thread_ts?: unknown;
};

/** Shows `answer`; the error Slack answers with when it cannot, or `null`. */
export const showAnswer = (workspace: Workspace, target: ResponseTarget, answer: unknown): string | null => {
  if (typeof answer !== 'object' || answer === null) return 'invalid_payload';
  const { text, blocks, response_type, replace_original, delete_original, thread_ts } = answer as Answer;
  const source = target.sourceTs === null ? null : workspace.find(target.sourceTs);
  if (isYes(delete_original)) {
    if (source === null) return 'message_not_found';
    workspace.remove(source);
    return null;
  }
  if (blocks !== undefined && blockProblems(blocks, 'message').length > 0) return 'invalid_blocks';
  if (isTooLongTogether(blocks)) return 'msg_blocks_too_long';
  const said = typeof text === 'string' ? text : '';
  const shown = withBlockIds((blocks ?? []) as Block[]);
  if (said === '' && shown.length === 0) return 'no_text';
  if (isYes(replace_original)) {
    if (source === null) return 'message_not_found';
    workspace.edit(source, { text: said, blocks: shown, editedTs: workspace.stamp() });
    return null;
  }
  workspace.add({
    channel: target.channel,
    user: APP.userId,
    text: said,
    blocks: shown,
    threadTs: typeof thread_ts === 'string' ? thread_ts : target.threadTs,
    visibleTo: response_type === 'in_channel' ? null : target.user,
  });
  return null;
};

const isYes = (flag: unknown): boolean => flag === true || flag === 'true';
