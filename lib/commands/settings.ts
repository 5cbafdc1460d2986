/**
 * `/octo backup settings`, `pause` and `resume`: what an instance does by itself, shown and changed.
 *
 * In Slack `backup settings` opens a form; sent, the form is the same command with what was changed in it (`forms.ts`). Every
 * change is a compare-and-set, and its answer says what was before and what is now.
 */
import { OctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import { pauseEnd } from '../domain/settings/pause.ts';
import { columns, type Reply } from '../domain/reply.ts';
import { nextSlot, type Pause, widestGapHours } from '../domain/settings/schedule.ts';
import { approvalFields } from '../domain/settings/fields/approval-fields.ts';
import { applySettings, settingFields } from '../domain/settings/setting-fields.ts';
import type { Settings } from '../domain/settings/settings.ts';
import type { World } from '../ports/world.ts';
import { policyFor } from '../repository/people/policy.ts';
import { changeSettings, readSettings, refuseChangedSince } from '../repository/settings.ts';
import { settingsForm } from '../slack/settings-form.ts';
import { utcTime } from '../slack/text.ts';
import type { Arguments, Command } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';
import { approvalLines, requireMayChange, requireSound } from './settings-rules.ts';

const INSTANCE = { name: 'instance', summary: 'which Octopus server', isOptional: true } as const;

export const backupSettings: Command = {
  words: ['backup', 'settings'],
  changes: ({ options }) => Object.keys(options).length > 0,
  isForKnown: true,
  summary: 'Schedule, folders, approval, waiting, target age and who is told: shown, or changed with name:value.',
  positionals: [INSTANCE],
  options: Object.fromEntries(
    settingFields.map(({ name, label, hint, values }) => [
      name,
      { summary: `${label}: ${hint}`, ...(values === undefined ? {} : { values }) },
    ]),
  ),
  example: '/octo backup settings prod online:"0 */6 * * *" zone:Europe/Berlin',
  form: async (world, args) => {
    if (Object.keys(args.options).length > 0) return null;
    const instance = instanceNamed(world, args.positionals['instance']);
    return settingsForm(instance, await readSettings(world, instance));
  },
  perform: async (world, args, { by }) => {
    const instance = instanceNamed(world, args.positionals['instance']);
    if (Object.keys(args.options).length === 0) return shown(world, instance, await readSettings(world, instance));
    return changed(world, { instance, typed: args.options, person: by.person });
  },
};

export const backupPause: Command = {
  words: ['backup', 'pause'],
  changes: true,
  isForKnown: true,
  summary: 'Start no backups by schedule until a time, or until somebody resumes.',
  positionals: [
    INSTANCE,
    { name: 'until', summary: 'the word until, or for', isOptional: true },
    {
      name: 'when',
      summary: '4h, tomorrow, 2026-03-05 or 2026-03-05T08:00, in the time zone of the settings',
      isOptional: true,
    },
  ],
  options: {},
  example: '/octo backup pause prod until tomorrow',
  perform: async (world, args, { by }) => {
    const { instance, when } = pauseArguments(world, args);
    requireMayChange(world, await policyFor(world, instance), { instance, person: by.person });
    const now = world.clock.now();
    const { timeZone } = (await readSettings(world, instance)).schedule;
    const until = when === null ? null : pauseEnd(when, now, timeZone).toISOString();
    const pause: Pause = { until, by: by.person, since: now.toISOString() };
    const { settings } = await changeSettings(world, instance, (current) => ({ ...current, pause }));
    return {
      headline: `The schedule of ${instance} is paused ${until === null ? 'until somebody resumes it' : `until ${utcTime(until)}`}.`,
      lines: [
        'A backup can still be asked for: /octo backup now',
        `The alarm for a good archive older than ${settings.targetHours} h stays on.`,
        ...nextLines(settings, now),
      ],
      json: { instance, pause },
    };
  },
};

export const backupResume: Command = {
  words: ['backup', 'resume'],
  changes: true,
  isForKnown: true,
  summary: 'Let the schedule start backups again.',
  positionals: [INSTANCE],
  options: {},
  example: '/octo backup resume prod',
  perform: async (world, args, { by }) => {
    const instance = instanceNamed(world, args.positionals['instance']);
    requireMayChange(world, await policyFor(world, instance), { instance, person: by.person });
    let wasPaused = false;
    const { settings } = await changeSettings(world, instance, (current) => {
      wasPaused = current.pause !== null;
      return { ...current, pause: null };
    });
    return {
      headline: wasPaused ? `The schedule of ${instance} goes on.` : `The schedule of ${instance} was not paused.`,
      lines: nextLines(settings, world.clock.now()),
      json: { instance, wasPaused },
    };
  },
};

const shown = (world: Pick<World, 'clock'>, instance: string, settings: Settings): Reply => ({
  headline: `Settings of ${instance}.`,
  lines: [
    ...columns(settingFields.map((field) => [field.name, field.read(settings), field.label])),
    '',
    ...(settings.pause === null ? [] : [pausedLine(settings.pause)]),
    ...nextLines(settings, world.clock.now()),
    `Archives lie under ${archiveKeys.archives(instance)} in the store of octo.yml.`,
    `To change one: ${backupSettings.example}`,
  ],
  json: {
    instance,
    settings: Object.fromEntries(settingFields.map((field) => [field.name, field.read(settings)])),
    pause: settings.pause,
    nextRun: nextSlot(settings, world.clock.now()),
  },
});

const pausedLine = ({ by, since, until }: Pause): string =>
  `Paused by ${by} since ${utcTime(since)}, until ${until === null ? 'somebody resumes' : utcTime(until)}.`;

type Change = { instance: string; typed: Readonly<Record<string, string>>; person: string; seen?: Settings };

const isOnApproval = (name: string): boolean => approvalFields.some((field) => field.name === name);

/**
 * Writes what was typed; with `seen`, only over the settings that the person saw.
 * @throws SettingsChanged, SettingInvalid, SettingNotYours, CronInvalid, RequestNotAllowed
 */
export const changed = async (world: World, { instance, typed, person, seen }: Change): Promise<Reply> => {
  const ruled = await policyFor(world, instance);
  requireMayChange(world, ruled, { instance, person });
  const { settings, changes } = await changeSettings(world, instance, (before) => {
    if (seen !== undefined) refuseChangedSince(seen, before);
    const after = applySettings(before, typed);
    requireSound(world, { instance, person, policy: ruled, before, after });
    return after;
  });
  const what = changes.map(({ name, before, after }) => `${name} from "${before}" to "${after}"`).join(', ');
  return {
    headline:
      changes.length === 0
        ? `The settings of ${instance} are as they were: nothing was changed.`
        : `${person} changed settings of ${instance}: ${what}.`,
    lines: [
      ...(changes.some(({ name }) => isOnApproval(name))
        ? approvalLines(world, { ...ruled, setting: settings.approval }, { instance, person })
        : []),
      ...nextLines(settings, world.clock.now()),
    ],
    json: { instance, changes },
  };
};

/** When the schedule starts the next run, and whether it can keep the target at all. */
const nextLines = (settings: Settings, now: Date): string[] => {
  const next = nextSlot(settings, now);
  const gapHours = widestGapHours(settings.schedule, now);
  return [
    next === null ? 'No run is planned.' : `Next run: ${utcTime(next.at)}, ${next.consistency}.`,
    ...timeToAnswer(settings),
    ...(gapHours !== null && gapHours <= settings.targetHours
      ? []
      : [
          `The schedule leaves ${gapHours === null ? 'a week or more' : `${Math.ceil(gapHours)} h`} between backups, the target is ${settings.targetHours} h: an alarm will be raised each time. Change the schedule, or target:…`,
        ]),
  ];
};

/** Whoever is asked needs time to answer before maintenance mode has to end. */
const timeToAnswer = ({ wait, quietMinutes }: Settings): string[] =>
  wait.onTimeout !== 'ask' || wait.minutes + 5 <= quietMinutes
    ? []
    : [
        `With wait:${wait.minutes} and quiet:${quietMinutes} people have less than 5 min to answer, then the backup gives up. Make quiet longer, or wait shorter.`,
      ];

/** `[instance] [until|for when]`: the instance may be left out, so the word decides what stands before it. */
const pauseArguments = (world: World, { positionals }: Arguments): { instance: string; when: string | null } => {
  const words = ['instance', 'until', 'when'].flatMap((name) => positionals[name] ?? []);
  const at = words.findIndex((word) => ['until', 'for'].includes(word.toLowerCase()));
  const [instance, ...others] = at === -1 ? words : words.slice(0, at);
  const when = at === -1 ? '' : words.slice(at + 1).join(' ');
  if (others.length > 0 || (at !== -1 && when === '')) {
    throw new OctoError('ArgumentInvalid', `until when? Example: ${backupPause.example}`);
  }
  return { instance: instanceNamed(world, instance), when: when === '' ? null : when };
};
