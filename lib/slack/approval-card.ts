/**
 * The buttons and forms by which people decide. A button stands for a command with the run's id, a form for the same
 * command with what was typed into it; whether it is carried out is decided when it arrives.
 */
import type { Button, KnownBlock } from '@slack/types';
import type { Approval } from '../domain/runs/approval.ts';
import type { RunRecord, RunView } from '../domain/runs/run.ts';
import type { ChatForm, ChatMessage } from '../ports/chat.ts';
import { reminderSentence } from './approval-words.ts';
import { COMMAND_ACTION, type FieldValue } from './receive.ts';
import { cut } from './text.ts';
import { workOf } from './run/work-words.ts';
import { slackTongue, terminalTongue } from './tongue.ts';

export const APPROVE_FORM = 'approve';
export const DENY_FORM = 'deny';
export const CLOSE_FORM = 'close-break-glass';

/** [Approve] [Deny] [Plan]: there for as long as the run waits. */
export const approvalButtons = (runId: string): Button[] => [
  { ...button('Approve', `approve ${runId}`), style: 'primary' },
  { ...button('Deny', `deny ${runId}`), style: 'danger' },
  button('Plan', `run ${runId}`),
];

/** Says that a run still waits. Without buttons: they would outlive the decision, as nobody edits this message. */
export const reminder = (view: RunView, approval: Approval): ChatMessage => {
  const text = `⏰ ${reminderSentence(view, approval, slackTongue)}`;
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }] };
};

/** Asks to type the instance's name, so that nobody approves by a slip of the thumb. */
export const approveForm = (run: RunRecord): ChatForm => ({
  ...formOf(run, { callbackId: APPROVE_FORM, title: `Approve the ${run.workflow}`, submit: 'Approve' }),
  blocks: [
    asked(run),
    {
      type: 'input',
      label: plain(`Type ${cut(run.instance, 80)} to approve`),
      element: { type: 'plain_text_input', action_id: 'confirm', max_length: 80 },
    },
  ],
});

/** Asks for the reason, which the requester is told. */
export const denyForm = (run: RunRecord): ChatForm => ({
  ...formOf(run, { callbackId: DENY_FORM, title: `Deny the ${run.workflow}`, submit: 'Deny' }),
  blocks: [
    asked(run),
    {
      type: 'input',
      label: plain('Why?'),
      element: { type: 'plain_text_input', action_id: 'reason', multiline: true, max_length: 3000 },
    },
  ],
});

/** Asks whoever looks at a break-glass afterwards what they found. */
export const closeForm = (run: RunRecord): ChatForm => ({
  ...formOf(run, { callbackId: CLOSE_FORM, title: 'Close the break-glass', submit: 'Close it' }),
  blocks: [
    asked(run),
    {
      type: 'input',
      label: plain('What did you find?'),
      element: { type: 'plain_text_input', action_id: 'reason', multiline: true, max_length: 3000 },
    },
  ],
});

/** What a sent form says: the run, and the options of the command that it stands for. */
export const approvalAsked = (
  privateMetadata: string,
  values: Readonly<Record<string, FieldValue>>,
): { runId: string; options: Record<string, string> } => ({
  runId: privateMetadata,
  options: Object.fromEntries(
    ['confirm', 'reason'].flatMap((name) => {
      const value = values[name];
      return typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [];
    }),
  ),
});

type Form = { callbackId: string; title: string; submit: string };

const formOf = (run: RunRecord, { callbackId, title, submit }: Form) => ({
  type: 'modal' as const,
  callback_id: callbackId,
  private_metadata: run.id,
  title: plain(title),
  submit: plain(submit),
  close: plain('Leave it open'),
});

const asked = ({ requestedBy, reason, id, ...run }: RunRecord): KnownBlock => ({
  type: 'section',
  text: plain(
    `${cut(requestedBy.person, 80)} asks for a ${workOf(run, terminalTongue)} (${id}).${reason === null ? '' : ` "${cut(reason, 500)}"`}`,
  ),
});

const button = (label: string, command: string): Button => ({
  type: 'button',
  text: plain(label),
  action_id: `${COMMAND_ACTION}${command.split(' ')[0]}`,
  value: command,
});

const plain = (text: string) => ({ type: 'plain_text' as const, text });
