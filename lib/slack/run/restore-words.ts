/** What is said of a restore: what its plan will do, for whoever approves it, and what it did. Shared by card and terminal. */
import type { Loss, RestorePlan } from '../../domain/runs/plan.ts';
import type { RestoreSummary } from '../../domain/runs/run.ts';
import { count, duration, size, utcTime } from '../text.ts';
import type { Tongue } from '../tongue.ts';

/** The plan as an approver reads it, a line each. */
export const restoreFindings = (plan: RestorePlan, tongue: Tongue): string[] => [
  `${tongue.strong('Will change')}  Octopus ${tongue.quote(plan.instance, 80)} (${tongue.quote(plan.octopus.version, 40)}): ${whatChanges(plan, tongue)}`,
  `${tongue.strong('Would lose')}  ${wouldLose(plan)}`,
  `${tongue.strong('Meanwhile')}  ${plan.octopus.isRunning ? 'maintenance mode, and the server stopped while all is exchanged' : 'the server stays down until all is exchanged'}`,
  `${tongue.strong('Way back')}  ${plan.safety === 'backup' ? 'safety backup first' : 'database and folders are kept on the host'}; automatic return if any step fails`,
  `${tongue.strong('Checked')}  ${plan.checked.map((checked) => tongue.quote(checked, 120)).join(' · ')}`,
  ...plan.warnings.map((warning) => `⚠️ ${tongue.quote(warning, 300)}`),
];

/** The frozen plan in full, as label and value. */
export const restorePlanLines = (plan: RestorePlan): string[][] => [
  [
    'target',
    `${plan.instance}, Octopus ${plan.octopus.version}, ${plan.octopus.isRunning ? 'running' : 'not answering'}`,
  ],
  [
    'archive',
    `${plan.archive.archiveId} of ${plan.archive.instance}, taken ${utcTime(plan.archive.takenAt)}, ${plan.archive.word}`,
  ],
  ['parts', plan.parts === 'all' ? 'database and folders' : plan.parts],
  ['as', plan.as === 'same' ? 'it was' : 'quarantine: made harmless before its first start'],
  ...(plan.database === null ? [] : [['database', `${plan.database}, overwritten`]]),
  ...plan.folders.map(({ name, path }) => ['folder', `${name}: ${path}, overwritten`]),
  ...plan.pointed.map(({ name, path }) => ['path', `${name}: the restored server is told ${path}`]),
  [
    'master key',
    plan.masterKey.isReplaced
      ? `${plan.masterKey.archive} replaces ${plan.masterKey.target}`
      : `${plan.masterKey.target}, stays`,
  ],
  ['would lose', wouldLose(plan)],
  ['way back', plan.safety === 'backup' ? 'safety backup first' : 'kept on the host'],
  ...plan.checked.map((checked) => ['checked', checked]),
  ...plan.warnings.map((warning) => ['note', warning]),
];

const whatChanges = ({ database, folders }: RestorePlan, tongue: Tongue): string => {
  const parts = [
    ...(database === null ? [] : [`database ${tongue.quote(database, 130)}`]),
    ...(folders.length === 0 ? [] : [count(folders.length, 'folder')]),
  ];
  return `${parts.join(' and ')}, all overwritten`;
};

/** `at most 50 deployments (41 now), 10 releases (6 now)` */
const wouldLose = ({ parts, losses, octopus }: RestorePlan): string => {
  if (parts === 'folders') return 'files that came since the archive; the database stays';
  const met = losses.filter(({ found }) => found > 0);
  if (losses.length === 0)
    return octopus.isRunning ? 'nothing that is counted' : 'not known: its database cannot be read';
  const others = Math.max(0, ...losses.filter(({ found }) => found === 0).map(({ atMost }) => atMost));
  const rest = others === 0 ? '' : `; of anything else at most ${others}`;
  if (met.length === 0) return `nothing now${rest}`;
  return `at most ${met.map(lossWords).join(', ')}, newer than the archive${rest}`;
};

const lossWords = ({ what, found, atMost }: Loss): string => {
  const words = what.replaceAll(/(?=[A-Z])/g, ' ').toLowerCase();
  return `${atMost.toLocaleString('en-US')} ${words} (${found.toLocaleString('en-US')} now)`;
};

export const restoredFindings = (restored: RestoreSummary, tongue: Tongue): string[] => {
  const { archive, database, files, keyProof, served, quietSeconds, quarantined } = restored;
  return [
    [
      ...(database === null
        ? []
        : [
            `Database ${database.rows.toLocaleString('en-US')} rows in ${count(database.tables, 'table')}, all as archived`,
          ]),
      ...(files === null
        ? []
        : [`${count(files.count, 'file')}, ${size(files.sizeBytes)}, ${size(files.writtenBytes)} of it written`]),
      ...(keyProof === null ? [] : [`key opens ${keyProof.opened} of ${keyProof.sampled} on the restored copy`]),
    ].join(' · '),
    [
      `${count(served, 'file')} served on trial`,
      ...(quietSeconds === 0 ? [] : [`maintenance ${duration(quietSeconds)}`]),
      `${tongue.quote(archive.archiveId, 80)} of ${tongue.quote(archive.instance, 80)}`,
    ].join(' · '),
    ...(quarantined.length === 0
      ? []
      : [`Made harmless: ${quarantined.map((item) => tongue.quote(item, 120)).join(' · ')}`]),
  ];
};
