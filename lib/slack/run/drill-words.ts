/** What is said of a drill: what its plan will do, and what it found. Shared by card, terminal and report. */
import { type DrillRecord, restoreSeconds } from '../../domain/drills/drill.ts';
import type { Objectives } from '../../domain/drills/objectives.ts';
import type { RestoreTime } from '../../domain/drills/restore-time.ts';
import type { DrillPlan } from '../../domain/runs/plan.ts';
import { count, duration, size } from '../text.ts';
import type { Tongue } from '../tongue.ts';

/** The plan as an approver reads it, a line each. */
export const drillFindings = (plan: DrillPlan, tongue: Tongue): string[] => [
  `${tongue.strong('Will restore')}  ${tongue.quote(plan.archive.archiveId, 80)} on trial, ${PLACES[plan.place]}`,
  `${tongue.strong('Meanwhile')}  Octopus, its database and its folders are not touched`,
  `${tongue.strong('Way back')}  none needed: the copy and its files are removed`,
];

/** The frozen plan in full, as label and value. */
export const drillPlanLines = (plan: DrillPlan): string[][] => [
  ['instance', plan.instance],
  ['archive', `${plan.archive.archiveId}, ${plan.archive.word}, taken ${plan.archive.takenAt}`],
  ['place', PLACES[plan.place]],
  ['scratch database', plan.database],
  ['scratch folder', plan.folder],
];

export const PLACES: Record<DrillRecord['place'], string> = {
  own: 'on the SQL Server for drills',
  production: 'on the SQL Server of the instance',
};

/** What the drill did and found. */
export const drilledFindings = (record: DrillRecord, tongue: Tongue): string[] => {
  const { proven, files, archive } = record;
  const taken = restoreSeconds(record);
  return [
    [
      ...(proven === null
        ? []
        : [
            `Database ${proven.rows.toLocaleString('en-US')} rows in ${count(proven.tables, 'table')}, CHECKDB without fault`,
            `key opens ${proven.keyProof.opened} of ${proven.keyProof.sampled} on the restored copy`,
          ]),
      ...(files === null ? [] : [`${count(files.count, 'file')}, ${size(files.sizeBytes)}, each compared`]),
    ].join(' · '),
    [
      `${tongue.quote(archive.archiveId, 80)}, taken ${tongue.time(archive.takenAt)}`,
      ...(taken === null ? [] : [`restored in ${duration(taken)}`]),
      PLACES[record.place],
    ].join(' · '),
  ].filter((line) => line !== '');
};

/** `about 24 min (last 5 drills: 19 min - 27 min)` */
export const restoreTimeWords = ({ drills, seconds, leastSeconds, mostSeconds }: RestoreTime): string =>
  `about ${duration(seconds)} (last ${drills === 1 ? 'drill' : `${count(drills, 'drill')}: ${duration(leastSeconds)} - ${duration(mostSeconds)}`})`;

/** `last drill good, 2 days ago · a restore takes about 24 min (…), target 4 h`; that there was none is said as well. */
export const objectivesWords = (
  { lastDrill, restoreTime, restoreTargetSeconds }: Objectives,
  time: (iso: string) => string,
): string[] => {
  if (lastDrill === null) return ['no drill yet: how long a restore takes is not known'];
  const target = `target ${duration(restoreTargetSeconds)}`;
  return [
    `last drill ${lastDrill.word === 'failed' ? 'FAILED' : lastDrill.word} ${time(lastDrill.endedAt)}`,
    ...(restoreTime === null
      ? []
      : [
          `a restore takes ${restoreTimeWords(restoreTime)}, ${restoreTime.seconds > restoreTargetSeconds ? `OVER its ${target}` : target}`,
        ]),
  ];
};
