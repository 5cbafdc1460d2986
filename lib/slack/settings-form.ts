/**
 * The settings as a form: the schedule as choices with cron beside it, every other field as it is typed.
 *
 * The form carries the settings that it shows, so that a change by somebody else meanwhile is noticed. The salt stays here.
 */
import type { KnownBlock } from '@slack/types';
import { OctoError } from '../domain/errors.ts';
import { type SettingField, settingFields } from '../domain/settings/setting-fields.ts';
import { Settings } from '../domain/settings/settings.ts';
import type { ChatForm } from '../ports/chat.ts';
import { cut } from './text.ts';
import type { FieldValue } from './receive.ts';

export const SETTINGS_FORM = 'backup-settings';

/** As the field says. */
const BY_CRON = 'cron';

const SCHEDULE_CHOICES: Readonly<Record<string, { label: string; cron: string }[]>> = {
  online: [
    { label: 'every hour', cron: '0 * * * *' },
    { label: 'every two hours', cron: '0 */2 * * *' },
    { label: 'every four hours', cron: '0 */4 * * *' },
    { label: 'every six hours', cron: '0 */6 * * *' },
    { label: 'every twelve hours', cron: '0 */12 * * *' },
    { label: 'never', cron: 'off' },
  ],
  quiesced: [
    { label: 'every day at 02:00', cron: '0 2 * * *' },
    { label: 'every day at 04:00', cron: '0 4 * * *' },
    { label: 'every day at 22:00', cron: '0 22 * * *' },
    { label: 'Sundays at 02:00', cron: '0 2 * * sun' },
    { label: 'never', cron: 'off' },
  ],
};

/** The form for `instance` as its settings stand. */
export const settingsForm = (instance: string, settings: Settings): ChatForm => ({
  type: 'modal',
  callback_id: SETTINGS_FORM,
  private_metadata: JSON.stringify({ instance, seen: { ...settings, salt: HIDDEN_SALT } }),
  title: { type: 'plain_text', text: 'Backup settings' },
  submit: { type: 'plain_text', text: 'See what changes' },
  close: { type: 'plain_text', text: 'Leave as it is' },
  blocks: [
    { type: 'section', text: { type: 'plain_text', text: `Octopus server: ${cut(instance, 80)}` } },
    ...settingFields.flatMap((field) => blocksOf(field, field.read(settings))),
  ],
});

/** What a sent form asks for: the instance, the settings it showed, and the fields with another value than shown. */
export const settingsAsked = (
  privateMetadata: string,
  values: Readonly<Record<string, FieldValue>>,
): { instance: string; seen: Settings; typed: Record<string, string> } => {
  const { instance, seen } = JSON.parse(privateMetadata) as { instance: string; seen: unknown };
  const shown = Settings.parse(seen);
  const typed: Record<string, string> = {};
  for (const field of settingFields) {
    const before = field.read(shown);
    const wanted = wantedOf(field, {
      before,
      text: textIn(values, field.name),
      choice: textIn(values, choiceOf(field)),
    });
    if (wanted !== null && wanted !== before) typed[field.name] = wanted;
  }
  return { instance, seen: shown, typed };
};

type Entered = { before: string; text: string | null; choice: string | null };

/** What the person wants of a field that has both a choice and a text: whichever was changed. @throws SettingInvalid when both were */
const wantedOf = ({ name, label }: SettingField, { before, text, choice }: Entered): string | null => {
  const isTyped = text !== null && text !== before;
  const isChosen = choice !== null && choice !== BY_CRON && choice !== before;
  if (isTyped && isChosen && text !== choice) {
    const both = `"${choice}" was chosen and "${text}" was typed`;
    throw new OctoError('SettingInvalid', `${label} (${name}): ${both}; change one of the two`);
  }
  return isChosen ? choice : text;
};

const textIn = (values: Readonly<Record<string, FieldValue>>, name: string): string | null => {
  const value = values[name];
  return typeof value === 'string' ? value.trim() : null;
};

/** Nobody outside may learn the salt, and nothing that is compared depends on it. */
const HIDDEN_SALT = '0'.repeat(32);

const choiceOf = ({ name }: SettingField): string => `${name}-choice`;

const blocksOf = (field: SettingField, value: string): KnownBlock[] => {
  const choices = SCHEDULE_CHOICES[field.name];
  if (choices !== undefined) return [scheduleChoice(field, { choices, value }), textInput(field, value)];
  return [field.values === undefined ? textInput(field, value) : choice(field, value)];
};

type Choices = { choices: { label: string; cron: string }[]; value: string };

const scheduleChoice = (field: SettingField, { choices, value }: Choices): KnownBlock => {
  const options = [...choices.map(({ label, cron }) => option(label, cron)), option('by the cron below', BY_CRON)];
  return {
    type: 'input',
    label: plain(field.label),
    element: {
      type: 'static_select',
      action_id: choiceOf(field),
      options,
      initial_option: options.find((one) => one.value === value) ?? option('by the cron below', BY_CRON),
    },
  };
};

const choice = (field: SettingField, value: string): KnownBlock => ({
  type: 'input',
  label: plain(field.label),
  hint: plain(field.hint),
  element: {
    type: 'static_select',
    action_id: field.name,
    options: (field.values ?? []).map((one) => option(one, one)),
    initial_option: option(value, value),
  },
});

const textInput = (field: SettingField, value: string): KnownBlock => ({
  type: 'input',
  label: plain(field.name in SCHEDULE_CHOICES ? `${field.label}, cron` : field.label),
  hint: plain(field.hint),
  element: { type: 'plain_text_input', action_id: field.name, initial_value: value },
});

const option = (label: string, value: string) => ({ text: plain(label), value });
const plain = (text: string) => ({ type: 'plain_text' as const, text });
