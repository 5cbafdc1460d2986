/** The second page of the settings form: what would be changed, from what to what. Nothing is written before it is confirmed. */
import type { KnownBlock } from '@slack/types';
import type { SettingChange } from '../../domain/settings/setting-fields.ts';
import type { Settings } from '../../domain/settings/settings.ts';
import type { ChatForm } from '../../ports/chat.ts';
import { count, cut, escape, escapeAndCut } from '../text.ts';

export const SETTINGS_CONFIRM_FORM = 'backup-settings-confirm';

/** What the page carries, so that its confirmation is the change that was shown. */
export type SettingsShown = { instance: string; seen: Settings; typed: Record<string, string> };

type Shown = SettingsShown & { changes: readonly SettingChange[] };

/** The page for these changes; `metadata` is what the first page carried. */
export const settingsConfirm = ({ instance, seen, typed, changes }: Shown): ChatForm => ({
  type: 'modal',
  callback_id: SETTINGS_CONFIRM_FORM,
  private_metadata: JSON.stringify({ instance, seen, typed } satisfies SettingsShown),
  title: plain('Save this?'),
  submit: plain('Save'),
  close: plain('Leave as it is'),
  blocks: [
    mrkdwn(`*${count(changes.length, 'change')} to the settings of ${escape(cut(instance, 80))}*`),
    ...changes.map(changeBlock),
  ],
});

/** The setting's name, and under it `8  →  12`. */
const changeBlock = ({ label, before, after }: SettingChange): KnownBlock =>
  mrkdwn(`*${escape(label)}*\n${value(before)}  →  ${value(after)}`);

const value = (text: string): string => `\`${escapeAndCut(text, 400).replaceAll('`', "'")}\``;
const plain = (text: string) => ({ type: 'plain_text' as const, text });
const mrkdwn = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });
