/** What a plan will do, in words: a few lines for whoever approves it, and all of it for whoever looks closer. */
import { planHash, type BackupPlan, type DeletePlan, type Plan } from '../../domain/runs/plan.ts';
import type { DeletedArchive } from '../../domain/runs/run.ts';
import { columns } from '../../domain/reply.ts';
import { count, size, utcTime } from '../text.ts';
import type { Tongue } from '../tongue.ts';
import { drillFindings, drillPlanLines } from './drill-words.ts';
import { restoreFindings, restorePlanLines } from './restore-words.ts';

/** As an approver reads it, a line each. */
export const planFindings = (plan: Plan, tongue: Tongue): string[] => {
  if (plan.workflow === 'restore') return restoreFindings(plan, tongue);
  if (plan.workflow === 'drill') return drillFindings(plan, tongue);
  return plan.workflow === 'delete' ? deleteFindings(plan, tongue) : backupFindings(plan, tongue);
};

/** The frozen plan in full, a line each. */
export const planLines = (plan: Plan): string[] => columns([...linesOf(plan), ['hash', planHash(plan)]]);

const linesOf = (plan: Plan): string[][] => {
  if (plan.workflow === 'restore') return restorePlanLines(plan);
  if (plan.workflow === 'drill') return drillPlanLines(plan);
  return plan.workflow === 'delete' ? deletePlanLines(plan) : backupPlanLines(plan);
};

const backupFindings = (plan: BackupPlan, tongue: Tongue): string[] => {
  const { octopus, instance, database, folders, leftOut = [], consistency, masterKeyFingerprint } = plan;
  return [
    `${tongue.strong('Will read')}  Octopus ${tongue.quote(instance, 80)} (${tongue.quote(octopus.version, 40)}): database ${tongue.quote(database, 130)} and ${count(folders.length, 'folder')}`,
    ...(leftOut.length === 0
      ? []
      : [`${tongue.strong('Leaves out')}  ${leftOut.map(({ name }) => tongue.quote(name, 40)).join(', ')}`]),
    `${tongue.strong('Meanwhile')}  ${consistency === 'quiesced' ? 'maintenance mode for as long as the database is dumped' : 'Octopus stays in use'}`,
    `${tongue.strong('Opened by')}  master key ${tongue.quote(masterKeyFingerprint, 40)}`,
    `${tongue.strong('Checked')}  versions, rights, key, database, space and folders`,
  ];
};

const backupPlanLines = (plan: BackupPlan): string[][] => [
  ['instance', `${plan.instance}, Octopus ${plan.octopus.version}, installation ${plan.octopus.installationId}`],
  ['consistency', plan.consistency],
  ['database', plan.database],
  ...plan.folders.map(({ name, path }) => ['folder', `${name}: ${path}`]),
  ...(plan.leftOut ?? []).map(({ name, path, by }) => [
    'left out',
    `${name}: ${path}, as the ${by === 'request' ? 'request says' : 'settings say'}`,
  ]),
  ['master key', plan.masterKeyFingerprint],
  ['destination', plan.destination],
];

const deleteFindings = ({ archive, instance }: DeletePlan, tongue: Tongue): string[] => [
  `${tongue.strong('Will delete')}  ${tongue.quote(archive.archiveId, 80)} of ${tongue.quote(instance, 80)}: ${archive.word}, taken ${tongue.time(archive.takenAt)}, ${size(archive.totalBytes)}`,
  `${tongue.strong('Way back')}  none: an archive that is deleted is gone`,
];

/** What a deletion did. */
export const deletedFindings = ({ archiveId, word, takenAt, totalBytes }: DeletedArchive, tongue: Tongue): string[] => [
  `Deleted: ${tongue.quote(archiveId, 80)}, ${word}, taken ${tongue.time(takenAt)}, ${size(totalBytes)}`,
  'What only this archive needed leaves the store with the backups of the coming days',
];

const deletePlanLines = ({ archive, instance }: DeletePlan): string[][] => [
  ['instance', instance],
  ['archive', `${archive.archiveId}, ${archive.word}, taken ${utcTime(archive.takenAt)}, ${size(archive.totalBytes)}`],
];
