/** What a setting is to people: its name, how it is shown and typed; and the two kinds of value that many settings share. */
import { OctoError } from '../../errors.ts';
import type { Settings } from '../settings.ts';

export type SettingField = {
  /** As typed: `zone:Europe/Berlin`. Also the field's name in the form. */
  name: string;
  label: string;
  /** What to type, in a phrase. */
  hint: string;
  /** What may be chosen, where it is a choice. */
  values?: readonly string[];
  read(settings: Settings): string;
  write(settings: Settings, text: string): Settings;
};

export type Range = { least: number; most: number };

/** The whole number in `text`. @throws SettingInvalid */
export const whole = (name: string, text: string, { least, most }: Range): number => {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw new OctoError('SettingInvalid', `${name} is a whole number from ${least} to ${most}, not "${text}"`);
  }
  return number;
};

/** The value that `text` names. @throws SettingInvalid */
export const oneOf = <T extends string>(name: string, text: string, values: readonly T[]): T => {
  const found = values.find((value) => value === text);
  if (found === undefined)
    throw new OctoError('SettingInvalid', `${name} is one of ${values.join(', ')}, not "${text}"`);
  return found;
};

/** The form carries the settings twice, and Slack takes 3,000 characters with it. */
const CHARACTERS = 200;

/** @throws SettingInvalid for a list of names that a form could not carry */
export const requireShort = (name: string, text: string): void => {
  if (text.length > CHARACTERS)
    throw new OctoError('SettingInvalid', `${name} holds at most ${CHARACTERS} characters, not ${text.length}`);
};

export const ON_OFF = ['on', 'off'] as const;

/** How a switch is shown and typed. */
export const onOff = (isOn: boolean): (typeof ON_OFF)[number] => (isOn ? 'on' : 'off');
