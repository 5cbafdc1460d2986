/**
 * The workflow definitions: Amazon States Language, executed unchanged by Step Functions and by the embedded engine.
 * Whoever starts the engine binds the queues and the groups of cloud steps, each with rights of its own in AWS: `${CloudStep}`,
 * `${PeopleStep}`, which keeps task tokens, and `${RemoveStep}`, which alone may delete from the archives.
 *
 * The times in them, and why. HeartbeatSeconds 300: a worker beats every 20 s, and a restart of its host has to fit.
 * TimeoutSeconds is the hard end of a step: two days for the bulk of a first backup, a day for what happens while quiet and for
 * reading the dump again, 26 h for Quiesce because its wait may be set to 24. `notAfter` gives each attempt one more timeout from the moment
 * the state was entered. Retry waits 5 s doubling to a minute, four times: what has not passed in two minutes is told to a
 * person. Only the way back and the report try longer, since nobody stands behind them. AwaitApproval waits until the next
 * reminder or until the approval expires; its end asks ConfirmPlan, which decides by the records and not by who woke it. AwaitAnswer
 * waits two minutes at most while people are asked, then Quiesce looks again.
 * @see https://states-language.net/spec.html
 */
import { ARCHIVING_STATES } from '../domain/runs/outcome.ts';
import backup from './backup.asl.json' with { type: 'json' };
import deletion from './delete.asl.json' with { type: 'json' };
import drill from './drill.asl.json' with { type: 'json' };
import keys from './keys.asl.json' with { type: 'json' };
import restore from './restore.asl.json' with { type: 'json' };

export const definitions: Readonly<Record<string, unknown>> = { backup, restore, drill, delete: deletion, keys };

/** What the execution of a backup is started with. */
export type BackupInput = {
  run: string;
  instance: string;
  hosts: { name: string; queueUrl: string }[];
  consistency: 'quiesced' | 'online';
  /** How long to wait for people at first; null when nobody has to approve. */
  awaitSeconds: number | null;
};

/** What the execution of a restore is started with; `options` are those of the run. */
export type RestoreInput = Omit<BackupInput, 'consistency'> & {
  archive: string;
  from: string;
  only: 'all' | 'database' | 'folders';
  as: 'same' | 'quarantine';
};

/** What the execution of a drill is started with; its host is the one that the configuration names for drills. */
export type DrillInput = Omit<BackupInput, 'consistency'> & { archive: string };

const QUIESCED = [
  'PlanRun',
  'TakeLock',
  'SaveKeys',
  'PackFolders',
  'Quiesce',
  'DumpDatabase',
  'SampleSecrets',
  'PackChanges',
  'Resume',
  'VerifyDump',
  'StoreDatabase',
  'ProveKey',
  'CheckReferences',
  'SealArchive',
  'Prune',
  'Report',
];
const ONLINE = ['PlanRun', 'TakeLock', ...ARCHIVING_STATES, 'Prune', 'Report'];

// What is heavy comes before the server is closed to people; what can fail, before it is opened to them again.
const RESTORE = [
  'PlanRestore',
  'TakeLock',
  ...ARCHIVING_STATES,
  'LoadDatabase',
  'StageFolders',
  'Quiesce',
  'CountLosses',
  'StopServer',
  'SwapDatabase',
  'LoadKeys',
  'SwapFolders',
  'StartServer',
  'ProbeServer',
  'WakeServer',
  'ClearAside',
  'Report',
];
// What is left of an archive without its manifest is removed by the backups of the next days.
const DELETE = ['PlanDelete', 'TakeLock', 'DeleteArchive', 'Report'];
const KEYS = ['SaveKeys', 'Report'];
const DRILL = ['DrillPlan', 'DrillDatabase', 'DrillProof', 'DrillFiles', 'DrillClear', 'DrillEvidence', 'Report'];
const OF_FOLDERS = new Set(['StageFolders', 'SwapFolders']);
const OF_DATABASE = new Set(['LoadDatabase', 'SwapDatabase', 'LoadKeys']);

// The preflight is repeated after the wait: the server may have been upgraded, its disk filled, or its key changed.
const APPROVED: Record<string, string[]> = {
  PlanRun: ['PlanRun', 'AwaitApproval', 'ConfirmPlan', 'PlanAgain'],
  PlanDelete: ['PlanDelete', 'AwaitApproval', 'ConfirmPlan'],
  DrillPlan: ['DrillPlan', 'AwaitApproval', 'ConfirmPlan'],
  PlanRestore: ['PlanRestore', 'AwaitApproval', 'ConfirmPlan', 'PlanRestoreAgain'],
};

type Asked = { consistency?: unknown; only?: unknown; approval?: unknown };

/** The states of the straight path, in order: what a card shows as still to come. `input` may be a run's options. */
export const plannedStates = (workflow: string, input: Asked): string[] => {
  const states = straightPath(workflow, input);
  return input.approval === true ? states.flatMap((state) => APPROVED[state] ?? [state]) : states;
};

const straightPath = (workflow: string, { consistency, only }: Asked): string[] => {
  if (workflow === 'backup') return consistency === 'online' ? ONLINE : QUIESCED;
  if (workflow === 'delete') return DELETE;
  if (workflow === 'keys') return KEYS;
  if (workflow === 'drill') return DRILL;
  if (workflow !== 'restore') return [];
  const left = only === 'database' ? OF_FOLDERS : only === 'folders' ? OF_DATABASE : new Set<string>();
  return RESTORE.filter((state) => !left.has(state));
};
