/** Drills as settings: when, of which archive, and how long a restore may take at most. Where they are done is in `octo.yml`. */
import { DRILL_CHOICES } from '../../drills/choice.ts';
import { OctoError } from '../../errors.ts';
import { cronProblem } from '../schedule.ts';
import { oneOf, whole, type SettingField } from './field.ts';

const NEVER = 'off';

export const drillFields: readonly SettingField[] = [
  {
    name: 'drill',
    label: 'Drills',
    hint: `cron of five fields, or ${NEVER}: restores an archive on trial and proves it`,
    read: ({ drill }) => drill.cron ?? NEVER,
    write: (settings, text) => {
      const cron = text.trim().replaceAll(/\s+/g, ' ');
      const problem = cron === NEVER ? null : cronProblem(cron);
      if (problem !== null) throw new OctoError('CronInvalid', `drill:"${text}" is no cron of ours: ${problem}`);
      return { ...settings, drill: { ...settings.drill, cron: cron === NEVER ? null : cron } };
    },
  },
  {
    name: 'drill-archive',
    label: 'Archive that drills try',
    hint: 'random tries all of them in the long run',
    values: DRILL_CHOICES,
    read: ({ drill }) => drill.archive,
    write: (settings, text) => {
      const archive = oneOf('drill-archive', text, DRILL_CHOICES);
      return { ...settings, drill: { ...settings.drill, archive } };
    },
  },
  {
    name: 'restore-target',
    label: 'Target time of a restore, minutes',
    hint: 'compared with what drills took',
    read: ({ restoreTargetMinutes }) => String(restoreTargetMinutes),
    write: (settings, text) => ({
      ...settings,
      restoreTargetMinutes: whole('restore-target', text, { least: 1, most: 44_640 }),
    }),
  },
];
