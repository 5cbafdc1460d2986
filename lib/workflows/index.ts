/**
 * The workflow definitions: Amazon States Language, executed unchanged by Step Functions and by the embedded engine.
 * Whoever starts the engine binds `${CloudStep}`, `${PeopleStep}` and the queues.
 *
 * The times in them, and why. HeartbeatSeconds 300: a worker beats every 20 s, and a restart of its host has to fit.
 * TimeoutSeconds is the hard end of a step: two days for the bulk of a first backup, a day for what happens while quiet and for
 * reading the dump again, 26 h for Quiesce because its wait may be set to 24. `notAfter` gives each attempt one more timeout from the moment
 * the state was entered. Retry waits 5 s doubling to a minute, four times: what has not passed in two minutes is told to a
 * person. Only the way back and the report try longer, since nobody stands behind them. AwaitApproval waits until the next
 * reminder or until the approval expires; its end asks ConfirmPlan, which decides by the records and not by who woke it.
 * @see https://states-language.net/spec.html
 */
import backup from './backup.asl.json' with { type: 'json' };

export const definitions: Readonly<Record<string, unknown>> = { backup };

/** What the execution of a backup is started with. */
export type BackupInput = {
  run: string;
  instance: string;
  hosts: { name: string; queueUrl: string }[];
  consistency: 'quiesced' | 'online';
  /** How long to wait for people at first; null when nobody has to approve. */
  awaitSeconds: number | null;
};

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
  'Report',
];
// The dump comes first, so that every file its rows name is there when the folders are read.
const ONLINE = [
  'PlanRun',
  'TakeLock',
  'SaveKeys',
  'DumpDatabase',
  'SampleSecrets',
  'PackFolders',
  'PackChanges',
  'VerifyDump',
  'StoreDatabase',
  'ProveKey',
  'CheckReferences',
  'SealArchive',
  'Report',
];

// The preflight is repeated after the wait: the server may have been upgraded, its disk filled, or its key changed.
const APPROVED = ['PlanRun', 'AwaitApproval', 'ConfirmPlan', 'PlanAgain'];

/** The states of the straight path, in order: what a card shows as still to come. `input` may be a run's options. */
export const plannedStates = (workflow: string, input: { consistency?: unknown; approval?: unknown }): string[] => {
  if (workflow !== 'backup') return [];
  const states = input.consistency === 'online' ? ONLINE : QUIESCED;
  return input.approval === true ? states.flatMap((state) => (state === 'PlanRun' ? APPROVED : [state])) : states;
};
