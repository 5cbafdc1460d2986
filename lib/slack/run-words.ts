/**
 * What is said of a run, in words: one source for the card in Slack and the lines in a terminal, so that both agree.
 *
 * A `Tongue` says how foreign text, times and weight look on each side. Nothing here fetches or decides.
 */
import type { BackupSummary, Outcome, OutcomeWord, RunView, StepNote } from '../domain/run.ts';
import { count, duration, size, stopwatch } from './text.ts';

/** How one side shows what is not our own wording. */
export type Tongue = {
  /** Text that people or programs wrote, at most `most` characters of it. */
  quote(text: string, most: number): string;
  time(iso: string): string;
  strong(text: string): string;
};

/** A run as phrases, most important first. Lists are already cut to what a reader takes in; what was left out is counted. */
export type RunWords = {
  /** State symbol and word, target, position. */
  headline: string;
  /** How long, how much, who asked. */
  aside: string[];
  /** The steps of a run at work; empty once it ended. */
  steps: string[];
  /** What the run found, one line each. */
  findings: string[];
  /** Each thing that is missing or not proven. */
  gaps: string[];
  notes: string[];
  safeNow: string | null;
  doNext: string | null;
  code: string | null;
  /** A full sentence that stands alone. */
  sentence: string;
};

const STATE_LABELS: Record<string, string> = {
  PlanRun: 'preflight',
  TakeLock: 'lock',
  SaveKeys: 'keys',
  PackFolders: 'folders',
  Quiesce: 'quiet',
  DumpDatabase: 'database',
  SampleSecrets: 'samples',
  PackChanges: 'changed files',
  Resume: 'back in service',
  ResumeAfterFailure: 'way back',
  StoreDatabase: 'store database',
  ProveKey: 'key proof',
  CheckReferences: 'references',
  SealArchive: 'seal',
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

const OUTCOME_WORDS: Record<OutcomeWord, { symbol: string; word: string; after: string }> = {
  good: { symbol: '✅', word: 'Backup good', after: '' },
  gaps: { symbol: '🟠', word: 'Backup complete with gaps', after: ' - not used as latest good' },
  suspicious: { symbol: '🟡', word: 'Backup suspicious', after: ' - held until a person accepts it' },
  failed: { symbol: '🔴', word: 'Backup failed', after: '' },
  refused: { symbol: '⛔', word: 'Backup refused', after: '' },
};

/** Everything there is to say of `view` at `now`. */
export const runWords = (view: RunView, now: Date, tongue: Tongue): RunWords =>
  view.run.outcome === null ? wordsAtWork(view, now, tongue) : wordsAtEnd(view, view.run.outcome, tongue);

const wordsAtWork = (view: RunView, now: Date, tongue: Tongue): RunWords => {
  const { run } = view;
  const instance = tongue.quote(run.instance, 80);
  const current = currentStep(view);
  const elapsed = duration(secondsBetween(run.requestedAt, now.toISOString()));
  const shared = {
    findings: currentFindings(view, tongue),
    gaps: [],
    notes: [],
    safeNow: null,
    doNext: null,
    code: null,
  };
  if (current === null) {
    const headline = `⏳ ${tongue.strong('Backup requested')} · ${instance}`;
    return {
      ...shared,
      headline,
      aside: askedBy(view, tongue),
      steps: stepLine(view),
      sentence: `A backup of ${instance} was requested by ${tongue.quote(run.requestedBy.person, 80)}.`,
    };
  }
  return {
    ...shared,
    headline: `🔄 ${tongue.strong('Backup running')} · ${instance} · ${positionOf(view, current)}`,
    aside: [elapsed, ...askedBy(view, tongue)],
    steps: stepLine(view),
    sentence: `The backup of ${instance} is at ${positionOf(view, current)}.`,
  };
};

const wordsAtEnd = (view: RunView, outcome: Outcome, tongue: Tongue): RunWords => {
  const { run } = view;
  const { symbol, word, after } = OUTCOME_WORDS[outcome.word];
  const instance = tongue.quote(run.instance, 80);
  const took = run.endedAt === null ? [] : [duration(secondsBetween(run.requestedAt, run.endedAt))];
  const where = placeOfError(view, outcome);
  const what = outcome.error === null ? '' : `: ${tongue.quote(outcome.error.message, 600)}`;
  const taken = outcome.backup === null ? '' : ` · ${tongue.time(outcome.backup.takenAt)}`;
  return {
    headline: `${symbol} ${tongue.strong(word)} · ${instance}${taken}${where}${what}${after}`,
    aside: [...(outcome.backup === null ? took : measures(outcome.backup)), ...askedBy(view, tongue)],
    steps: [],
    findings: outcome.backup === null ? [] : backupFindings(outcome.backup, tongue),
    gaps: listed(outcome.gaps, tongue),
    notes: listed(outcome.notes, tongue),
    safeNow: outcome.safeNow === '' ? null : tongue.quote(outcome.safeNow, 600),
    doNext: outcome.doNext === '' ? null : tongue.quote(outcome.doNext, 600),
    code: outcome.error?.code ?? null,
    sentence: endSentence(outcome, { instance, what }),
  };
};

const endSentence = (outcome: Outcome, { instance, what }: { instance: string; what: string }): string => {
  const size = outcome.backup === null ? '' : `: ${measures(outcome.backup).join(', ')}`;
  const ends: Record<OutcomeWord, string> = {
    good: `is good${size}`,
    gaps: `is complete with ${count(outcome.gaps.length, 'gap')} and not used as latest good`,
    suspicious: 'is suspicious and held until a person accepts it',
    failed: `failed${what}`,
    refused: `was refused${what}`,
  };
  return `The backup of ${instance} ${ends[outcome.word]}.`;
};

const measures = (backup: BackupSummary): string[] => [
  duration(backup.durationSeconds),
  `${size(backup.totalBytes)} (+${size(backup.addedBytes)})`,
];

const backupFindings = (backup: BackupSummary, tongue: Tongue): string[] => [
  [
    `Database ${size(backup.database.sizeBytes)}, CHECKSUM, ${backup.database.isVerified ? 'verified' : 'not verified'}`,
    `${count(backup.files.count, 'file')}, ${size(backup.files.sizeBytes)}, ${backup.files.missingCount.toLocaleString('en-US')} missing`,
    keyFinding(backup.keyProof),
  ].join(' · '),
  [
    backup.consistency === 'quiesced'
      ? `Maintenance ${duration(backup.quietSeconds)}`
      : 'Taken online, without maintenance mode',
    tongue.quote(backup.archiveId, 80),
  ].join(' · '),
];

const keyFinding = ({ opened, sampled }: BackupSummary['keyProof']): string =>
  sampled === 0 ? 'no encrypted value to try the key on' : `key opens ${opened} of ${sampled}`;

const askedBy = ({ run }: RunView, tongue: Tongue): string[] => {
  const by =
    run.requestedBy.door === 'schedule' ? 'by schedule' : `asked by ${tongue.quote(run.requestedBy.person, 80)}`;
  const reason = run.reason === null ? [] : [`"${tongue.quote(run.reason, 300)}"`];
  return [by, ...reason, run.id];
};

const LISTED_AT_MOST = 8;

const listed = (items: readonly string[], tongue: Tongue): string[] => {
  const left = items.length - LISTED_AT_MOST;
  const shown = items.slice(0, LISTED_AT_MOST).map((item) => tongue.quote(item, 250));
  return left > 0 ? [...shown, `and ${left.toLocaleString('en-US')} more`] : shown;
};

const currentFindings = (view: RunView, tongue: Tongue): string[] => {
  const current = currentStep(view);
  const text = current?.text ?? '';
  const trouble = current?.error ?? null;
  return [
    ...(current === null || text === '' ? [] : [`${stateLabel(current.state)}: ${tongue.quote(text, 400)}`]),
    ...(trouble === null ? [] : [`trying again after ${tongue.quote(trouble.message, 300)} (${trouble.code})`]),
  ];
};

/** The step at work, or the last that was; `null` before the first. */
const currentStep = ({ steps }: RunView): StepNote | null => {
  const running = steps.filter(({ status }) => status === 'running');
  return running.at(-1) ?? steps.at(-1) ?? null;
};

const positionOf = ({ plannedStates }: RunView, step: StepNote): string => {
  const at = plannedStates.indexOf(step.state);
  const place = at === -1 ? '' : `step ${at + 1} of ${plannedStates.length}: `;
  return `${place}${stateLabel(step.state)}`;
};

const placeOfError = ({ plannedStates }: RunView, { error }: Outcome): string => {
  if (error?.state === undefined) return '';
  const at = plannedStates.indexOf(error.state);
  return at === -1
    ? ` · ${stateLabel(error.state)}`
    : ` · step ${at + 1} of ${plannedStates.length}, ${stateLabel(error.state)}`;
};

const STEPS_AT_MOST = 24;

/** `✅ preflight 0:20`, `▶ database 46 %`, `○ seal`: all of them, or those around the present one. */
const stepLine = ({ steps, plannedStates }: RunView): string[] => {
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

const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;
