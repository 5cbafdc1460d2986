/** The steps of a run in words: what their states are called, and how each stands. Shared by card and terminal. */
import type { RunView, StepNote } from '../../domain/runs/run.ts';
import { count, stopwatch } from '../text.ts';
import type { Tongue } from '../tongue.ts';

const STATE_LABELS: Record<string, string> = {
  PlanRun: 'preflight',
  AwaitApproval: 'approval',
  ConfirmPlan: 'decision',
  PlanAgain: 'preflight again',
  TakeLock: 'lock',
  SaveKeys: 'keys',
  PackFolders: 'folders',
  Quiesce: 'quiet',
  AwaitAnswer: 'question',
  DumpDatabase: 'database',
  SampleSecrets: 'samples',
  PackChanges: 'changed files',
  Resume: 'back in service',
  ResumeAfterFailure: 'way back',
  VerifyDump: 'verify database',
  StoreDatabase: 'store database',
  ProveKey: 'key proof',
  CheckReferences: 'references',
  SealArchive: 'seal',
  Prune: 'retention',
  DrillPlan: 'preflight',
  DrillDatabase: 'restore database',
  DrillProof: 'prove copy',
  DrillFiles: 'compare files',
  DrillClear: 'remove copy',
  DrillEvidence: 'evidence',
  PlanDelete: 'preflight',
  DeleteArchive: 'delete',
  PlanRestore: 'preflight',
  PlanRestoreAgain: 'preflight again',
  LoadDatabase: 'load database',
  StageFolders: 'stage folders',
  CountLosses: 'losses',
  StopServer: 'stop',
  SwapDatabase: 'swap database',
  LoadKeys: 'master key',
  SwapFolders: 'swap folders',
  StartServer: 'start',
  ProbeServer: 'probes',
  WakeServer: 'wake',
  ClearAside: 'clear',
  ReturnTarget: 'way back',
  Report: 'report',
};

/** A state as people call it; one without a name of its own is read from its PascalCase, letters and digits only. */
export const stateLabel = (state: string): string =>
  (Object.hasOwn(STATE_LABELS, state) ? STATE_LABELS[state] : undefined) ??
  state
    .replaceAll(/[^A-Za-z0-9]+/g, ' ')
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')
    .trim()
    .toLowerCase()
    .slice(0, 60);

const STEPS_AT_MOST = 24;

/** `✅ preflight 0:20`, `▶ database 46 %`, `○ seal`: all of them, or those around the present one. */
export const stepMarks = ({ steps, plannedStates }: RunView): string[] => {
  const notes = new Map(steps.map((step) => [step.state, step]));
  const states = [
    ...plannedStates,
    ...steps.map(({ state }) => state).filter((state) => !plannedStates.includes(state)),
  ];
  const present = states.findLastIndex((state) => notes.has(state));
  const from = Math.max(0, Math.min(present - STEPS_AT_MOST / 2, states.length - STEPS_AT_MOST));
  const shown = states.slice(from, from + STEPS_AT_MOST).map((state) => stepMark(state, notes.get(state)));
  const left = states.length - from - shown.length;
  return [
    ...(from > 0 ? [`${count(from, 'earlier step')} …`] : []),
    ...shown,
    ...(left > 0 ? [`… ${count(left, 'later step')}`] : []),
  ];
};

const stepMark = (state: string, note: StepNote | undefined): string => {
  const label = stateLabel(state);
  if (note === undefined) return `○ ${label}`;
  if (note.status === 'done')
    return `✅ ${label} ${stopwatch(secondsBetween(note.startedAt, note.endedAt ?? note.updatedAt))}`;
  if (note.status === 'failed') return `❌ ${label}`;
  return `▶ ${label}${note.percent === null ? '' : ` ${Math.floor(note.percent)} %`}`;
};

/** One step in one line: how it stands, how long it took, and what it says of itself. */
export const stepWords = (note: StepNote, now: Date, tongue: Tongue): string => {
  const said = note.error === null ? note.text : `${note.error.message} (${note.error.code})`;
  const since = note.status === 'running' ? [stopwatch(secondsBetween(note.startedAt, now.toISOString()))] : [];
  return [stepMark(note.state, note), ...since, ...(said === '' ? [] : [tongue.quote(said, 400)])].join(' · ');
};

/** Seconds from one moment to another, both ISO 8601. */
export const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;
