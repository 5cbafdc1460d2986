/**
 * The settings as people name, read and type them: one table for the terminal, the form in Slack, and the words
 * `before → after`. What a value may be is decided by `settings.ts`; here text becomes a value and a value text.
 */
import { OctoError } from '../errors.ts';
import { approvalFields } from './fields/approval-fields.ts';
import { drillFields } from './fields/drill-fields.ts';
import { ON_OFF, onOff, oneOf, whole, type SettingField } from './fields/field.ts';
import { foldersField } from './fields/folders-field.ts';
import { cronProblem, isTimeZone } from './schedule.ts';
import { Settings } from './settings.ts';

export type { SettingField } from './fields/field.ts';

export type SettingChange = { name: string; label: string; before: string; after: string };

export const NEVER = 'off';

const cronField = (name: 'online' | 'quiesced', label: string): SettingField => ({
  name,
  label,
  hint: 'cron of five fields (minute hour day month weekday), or off',
  read: ({ schedule }) => schedule[name] ?? NEVER,
  write: (settings, text) => {
    const cron = text.trim().replaceAll(/\s+/g, ' ');
    const problem = cron === NEVER ? null : cronProblem(cron);
    if (problem !== null) throw new OctoError('CronInvalid', `${name}:"${text}" is no cron of ours: ${problem}`);
    return { ...settings, schedule: { ...settings.schedule, [name]: cron === NEVER ? null : cron } };
  },
});

const toleranceField = (way: 'shrink' | 'growth', { label, most }: { label: string; most: number }): SettingField => ({
  name: `${way}-tolerance`,
  label,
  hint: 'of database, folders and file count; beyond it an archive is suspicious',
  read: ({ tolerance }) => String(tolerance[`${way}Percent`]),
  write: (settings, text) => {
    const percent = whole(`${way}-tolerance`, text, { least: 0, most });
    return { ...settings, tolerance: { ...settings.tolerance, [`${way}Percent`]: percent } };
  },
});

const keepField = (rule: 'last' | 'daily' | 'weekly' | 'monthly' | 'yearly', label: string): SettingField => ({
  name: `keep-${rule}`,
  label,
  hint: 'how many; 0 for none',
  read: ({ retention }) => String(retention[rule]),
  write: (settings, text) => {
    const most = whole(`keep-${rule}`, text, { least: 0, most: 1000 });
    return { ...settings, retention: { ...settings.retention, [rule]: most } };
  },
});

const CONSISTENCIES = ['quiesced', 'online'] as const;
const ON_TIMEOUT = ['abort', 'online', 'ask'] as const;
const CONFIGURED_CHANNEL = 'default';
const NOBODY = 'nobody';

/** In the order in which they are shown. */
export const settingFields: readonly SettingField[] = [
  cronField('online', 'Online backups'),
  cronField('quiesced', 'Quiesced backups'),
  {
    name: 'zone',
    label: 'Time zone of the schedule',
    hint: 'as in Europe/Berlin, or UTC',
    read: ({ schedule }) => schedule.timeZone,
    write: (settings, timeZone) => {
      if (!isTimeZone(timeZone)) throw new OctoError('SettingInvalid', `zone:"${timeZone}" is no time zone`);
      return { ...settings, schedule: { ...settings.schedule, timeZone } };
    },
  },
  {
    name: 'target',
    label: 'Target age in hours',
    hint: 'an alarm is raised when the newest good archive is older',
    read: ({ targetHours }) => String(targetHours),
    write: (settings, text) => ({ ...settings, targetHours: whole('target', text, { least: 1, most: 744 }) }),
  },
  {
    name: 'consistency',
    label: 'Consistency of backup now',
    hint: 'quiesced stops new work for the dump, online does not',
    values: CONSISTENCIES,
    read: ({ consistency }) => consistency,
    write: (settings, text) => ({ ...settings, consistency: oneOf('consistency', text, CONSISTENCIES) }),
  },
  foldersField,
  ...approvalFields,
  {
    name: 'wait',
    label: 'Wait for running tasks, minutes',
    hint: 'at most so long before the server is quiet',
    read: ({ wait }) => String(wait.minutes),
    write: (settings, text) => {
      const minutes = whole('wait', text, { least: 0, most: 1440 });
      return { ...settings, wait: { ...settings.wait, minutes } };
    },
  },
  {
    name: 'on-timeout',
    label: 'When tasks do not end',
    hint: 'abort gives up, online goes on without quiet, ask asks in the message of the run',
    values: ON_TIMEOUT,
    read: ({ wait }) => wait.onTimeout,
    write: (settings, text) => {
      const onTimeout = oneOf('on-timeout', text, ON_TIMEOUT);
      return { ...settings, wait: { ...settings.wait, onTimeout } };
    },
  },
  {
    name: 'quiet',
    label: 'Maintenance mode at most, minutes',
    hint: 'one run never keeps it on longer',
    read: ({ quietMinutes }) => String(quietMinutes),
    write: (settings, text) => ({ ...settings, quietMinutes: whole('quiet', text, { least: 1, most: 1440 }) }),
  },
  {
    name: 'compression',
    label: "SQL Server's own compression",
    hint: 'off, so that unchanged pages are found again',
    values: ON_OFF,
    read: ({ isDatabaseCompressed }) => onOff(isDatabaseCompressed),
    write: (settings, text) => ({ ...settings, isDatabaseCompressed: oneOf('compression', text, ON_OFF) === 'on' }),
  },
  {
    name: 'checkdb',
    label: 'DBCC CHECKDB of restored copies',
    hint: 'before anybody works with them; takes as long as reading the whole database',
    values: ON_OFF,
    read: ({ isRestoreChecked }) => onOff(isRestoreChecked),
    write: (settings, text) => ({ ...settings, isRestoreChecked: oneOf('checkdb', text, ON_OFF) === 'on' }),
  },
  ...drillFields,
  toleranceField('shrink', { label: 'Shrinkage tolerated, percent', most: 100 }),
  toleranceField('growth', { label: 'Growth tolerated, percent', most: 100_000 }),
  keepField('last', 'Keep the newest archives'),
  keepField('daily', 'Keep the newest of each day'),
  keepField('weekly', 'Keep the newest of each week'),
  keepField('monthly', 'Keep the newest of each month'),
  keepField('yearly', 'Keep the newest of each year'),
  {
    name: 'floor',
    label: 'Good archives that always stay',
    hint: 'so many of the newest good ones, whatever else is set',
    read: ({ retention }) => String(retention.floor),
    write: (settings, text) => {
      const floor = whole('floor', text, { least: 1, most: 1000 });
      return { ...settings, retention: { ...settings.retention, floor } };
    },
  },
  {
    name: 'verify-days',
    label: 'Verify everything stored within days',
    hint: 'every object of every archive is read again and compared in that time',
    read: ({ verifyDays }) => String(verifyDays),
    write: (settings, text) => ({ ...settings, verifyDays: whole('verify-days', text, { least: 1, most: 366 }) }),
  },
  {
    name: 'channel',
    label: 'Channel of scheduled runs and alarms',
    hint: `a channel id, or ${CONFIGURED_CHANNEL} for the one in octo.yml`,
    read: ({ tell }) => tell.channel ?? CONFIGURED_CHANNEL,
    write: (settings, text) => {
      const isId = /^[CG][A-Z0-9]+$/.test(text);
      if (!isId && text !== CONFIGURED_CHANNEL)
        throw new OctoError(
          'SettingInvalid',
          `channel is an id as in C0123456, or ${CONFIGURED_CHANNEL}, not "${text}"`,
        );
      return { ...settings, tell: { ...settings.tell, channel: isId ? text : null } };
    },
  },
  {
    name: 'tell',
    label: 'Mentioned in failures and alarms',
    hint: `Slack ids of people (U…) and user groups (S…), or ${NOBODY}`,
    read: ({ tell }) => (tell.mentions.length === 0 ? NOBODY : tell.mentions.join(',')),
    write: (settings, text) => {
      const mentions = text === NOBODY ? [] : text.split(/[,\s]+/).filter((id) => id !== '');
      const wrong = mentions.find((id) => !/^[UWS][A-Z0-9]+$/.test(id));
      if (wrong !== undefined)
        throw new OctoError('SettingInvalid', `"${wrong}" is no Slack id of a person or user group`);
      if (mentions.length > 20) throw new OctoError('SettingInvalid', 'at most 20 people and user groups are told');
      return { ...settings, tell: { ...settings.tell, mentions: [...new Set(mentions)] } };
    },
  },
  {
    name: 'successes',
    label: 'Message of a good scheduled run',
    hint: 'quiet leaves none; the weekly digest counts it all the same',
    values: ['shown', 'quiet'],
    read: ({ tell }) => (tell.isSuccessShown ? 'shown' : 'quiet'),
    write: (settings, text) => {
      const isSuccessShown = oneOf('successes', text, ['shown', 'quiet']) === 'shown';
      return { ...settings, tell: { ...settings.tell, isSuccessShown } };
    },
  },
];

/** The settings with what was typed, by field name. @throws SettingInvalid, CronInvalid */
export const applySettings = (settings: Settings, typed: Readonly<Record<string, string>>): Settings =>
  Settings.parse(
    settingFields.reduce((next, field) => {
      const text = typed[field.name];
      return text === undefined ? next : field.write(next, text.trim());
    }, settings),
  );

/** What differs, field by field. */
export const settingChanges = (before: Settings, after: Settings): SettingChange[] =>
  settingFields
    .map((field) => ({ name: field.name, label: field.label, before: field.read(before), after: field.read(after) }))
    .filter((change) => change.before !== change.after);
