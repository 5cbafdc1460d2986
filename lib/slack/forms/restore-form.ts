/** The restore that was typed, as a form to look at before it is asked for: what goes where, which parts, and why. */
import type { KnownBlock } from '@slack/types';
import type { Manifest } from '../../domain/archives/archive.ts';
import type { ChatForm } from '../../ports/chat.ts';
import type { FieldValue } from '../receive.ts';
import { cut, size, utcTime } from '../text.ts';

export const RESTORE_FORM = 'restore';

/** What stays as it was typed, and where: a form that is sent comes from no channel. */
export type RestoreAsked = { archive: string; from: string; instance: string; channel: string | null };
export type RestoreFilled = { only?: string; as?: string; reason?: string };

const PARTS = [
  { value: 'all', label: 'Database and folders' },
  { value: 'database', label: 'Database only' },
  { value: 'folders', label: 'Folders only' },
];
const KINDS = [
  { value: 'same', label: 'As it was' },
  { value: 'quarantine', label: 'Made harmless first (quarantine)' },
];

/** The form with what was typed already filled in. */
export const restoreForm = (asked: RestoreAsked, filled: RestoreFilled, archive: Manifest): ChatForm => ({
  type: 'modal',
  callback_id: RESTORE_FORM,
  private_metadata: JSON.stringify(asked),
  title: plain('Restore'),
  submit: plain('Ask for it'),
  close: plain('Leave it'),
  blocks: [
    {
      type: 'section',
      text: plain(
        `${cut(asked.instance, 80)} ← ${archive.archiveId} of ${cut(archive.instance, 80)}, taken ${utcTime(archive.takenAt)}: ` +
          `database ${size(archive.database.sizeBytes)}, folders ${size(archive.folders.sizeBytes)}. ` +
          'What it would overwrite and lose is shown to the approvers before anything is done.',
      ),
    },
    choice({ name: 'only', label: 'What', options: PARTS, chosen: filled.only }),
    choice({ name: 'as', label: 'How', options: KINDS, chosen: filled.as }),
    {
      type: 'input',
      optional: true,
      label: plain('Why?'),
      element: {
        type: 'plain_text_input',
        action_id: 'reason',
        max_length: 3000,
        ...(filled.reason === undefined ? {} : { initial_value: cut(filled.reason, 3000) }),
      },
    },
  ],
});

/** What a sent form asks for, in the words of the command. */
export const restoreAsked = (
  privateMetadata: string,
  values: Readonly<Record<string, FieldValue>>,
): { channel: string | null; positionals: Record<string, string>; options: Record<string, string> } => {
  const { archive, from, instance, channel } = JSON.parse(privateMetadata) as RestoreAsked;
  const textIn = (name: string): string | null => {
    const value = values[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
  };
  const [only, as, reason] = [textIn('only'), textIn('as'), textIn('reason')];
  return {
    channel,
    positionals: { archive, instance },
    options: {
      from,
      ...(only === null || only === 'all' ? {} : { only }),
      ...(as === 'quarantine' ? { as } : {}),
      ...(reason === null ? {} : { reason }),
    },
  };
};

type Choice = { name: string; label: string; options: { value: string; label: string }[]; chosen: string | undefined };

const choice = ({ name, label, options, chosen }: Choice): KnownBlock => {
  const shown = options.map((one) => ({ text: plain(one.label), value: one.value }));
  return {
    type: 'input',
    label: plain(label),
    element: {
      type: 'static_select',
      action_id: name,
      options: shown,
      initial_option: shown.find(({ value }) => value === chosen) ?? shown[0]!,
    },
  };
};

const plain = (text: string) => ({ type: 'plain_text' as const, text });
