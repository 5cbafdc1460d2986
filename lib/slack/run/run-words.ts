/**
 * What is said of a run, in words: one source for the card in Slack and the lines in a terminal, so that both agree.
 *
 * The steps' own words are in `run-steps.ts`. Nothing here fetches or decides.
 */
import type { BackupSummary, Outcome, OutcomeWord, RunView, StepNote } from '../../domain/runs/run.ts';
import { approvalWords, awaitedApproval, breakGlassWords, decidedBy } from '../approval-words.ts';
import { openQuestion, questionWords } from './question-card.ts';
import { leftWords } from './run-pace.ts';
import { secondsBetween, stateLabel, stepMarks } from './run-steps.ts';
import { drilledFindings } from './drill-words.ts';
import { deletedFindings } from './plan-words.ts';
import { restoredFindings } from './restore-words.ts';
import { count, duration, size } from '../text.ts';
import type { Tongue } from '../tongue.ts';
import { workOf, workOn, workTitle } from './work-words.ts';

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
  /** What is of another size than expected. */
  unusual: string[];
  notes: string[];
  safeNow: string | null;
  doNext: string | null;
  code: string | null;
  /** A full sentence that stands alone. */
  sentence: string;
};

const OUTCOME_WORDS: Record<OutcomeWord, { symbol: string; word: string; after: string }> = {
  good: { symbol: '✅', word: 'good', after: '' },
  gaps: { symbol: '🟠', word: 'complete with gaps', after: ' - not used as latest good' },
  suspicious: { symbol: '🟡', word: 'suspicious', after: ' - not used as latest good' },
  failed: { symbol: '🔴', word: 'failed', after: '' },
  refused: { symbol: '⛔', word: 'refused', after: '' },
};

/** Everything there is to say of `view` at `now`. */
export const runWords = (view: RunView, now: Date, tongue: Tongue): RunWords =>
  view.run.outcome === null ? wordsAtWork(view, now, tongue) : wordsAtEnd(view, view.run.outcome, tongue);

const wordsAtWork = (view: RunView, now: Date, tongue: Tongue): RunWords => {
  const { run } = view;
  const subject = workOn(run, tongue);
  const work = workOf(run, tongue);
  const current = currentStep(view);
  const elapsed = duration(secondsBetween(run.requestedAt, now.toISOString()));
  const shared = {
    findings: [...breakGlassWords(view, tongue), ...currentFindings(view, tongue), ...quiet(view, tongue)],
    gaps: [],
    unusual: [],
    notes: [],
    safeNow: null,
    doNext: null,
    code: null,
  };
  const awaited = awaitedApproval(view);
  if (awaited !== null)
    return { ...shared, ...approvalWords(view, awaited, tongue), aside: askedBy(view, tongue), steps: [] };
  const question = openQuestion(view);
  if (question !== null) {
    const { headline, findings, sentence } = questionWords(view, question, tongue);
    const more = [...findings, ...quiet(view, tongue)];
    return {
      ...shared,
      headline,
      findings: more,
      sentence,
      aside: [elapsed, ...askedBy(view, tongue)],
      steps: stepMarks(view),
    };
  }
  if (current === null) {
    const headline = `⏳ ${tongue.strong(`${workTitle(run)} requested`)} · ${subject}`;
    return {
      ...shared,
      headline,
      aside: askedBy(view, tongue),
      steps: stepMarks(view),
      sentence: `A ${work} was requested by ${tongue.quote(run.requestedBy.person, 80)}.`,
    };
  }
  return {
    ...shared,
    headline: `🔄 ${tongue.strong(`${workTitle(run)} running`)} · ${subject} · ${positionOf(view, current)}`,
    aside: [[elapsed, ...leftWords(view, now)].join(', '), ...askedBy(view, tongue)],
    steps: stepMarks(view),
    sentence: `The ${work} is at ${positionOf(view, current)}.`,
  };
};

const wordsAtEnd = (view: RunView, outcome: Outcome, tongue: Tongue): RunWords => {
  const { run } = view;
  const { symbol, after, ...named } = OUTCOME_WORDS[outcome.word];
  // A deletion is no archive that could be good.
  const word = run.workflow === 'delete' && outcome.word === 'good' ? 'done' : named.word;
  const isArchive = run.workflow === 'backup';
  const took = run.endedAt === null ? [] : [duration(secondsBetween(run.requestedAt, run.endedAt))];
  const where = placeOfError(view, outcome);
  const what = outcome.error === null ? '' : `: ${tongue.quote(outcome.error.message, 600)}`;
  const stands = view.accepted == null ? (isArchive ? after : '') : ' - accepted';
  const taken = outcome.backup === null ? '' : ` · ${tongue.time(outcome.backup.takenAt)}`;
  return {
    headline: `${symbol} ${tongue.strong(`${workTitle(run)} ${word}`)} · ${workOn(run, tongue)}${taken}${where}${what}${stands}`,
    aside: [
      ...(outcome.backup === null ? took : measures(outcome.backup)),
      ...askedBy(view, tongue),
      ...auditHead(run),
    ],
    steps: [],
    findings: [
      ...breakGlassWords(view, tongue),
      ...acceptedWords(view, tongue),
      ...(outcome.backup === null ? [] : backupFindings(outcome.backup, tongue)),
      ...(outcome.deleted == null ? [] : deletedFindings(outcome.deleted, tongue)),
      ...(outcome.drill == null ? [] : drilledFindings(outcome.drill, tongue)),
      ...(outcome.restore == null ? [] : restoredFindings(outcome.restore, tongue)),
      ...nextRun(view, tongue),
    ],
    gaps: listed(outcome.gaps, tongue),
    unusual: listed(outcome.unusual ?? [], tongue),
    notes: listed(outcome.notes, tongue),
    safeNow: outcome.safeNow === '' ? null : tongue.quote(outcome.safeNow, 600),
    doNext: outcome.doNext === '' ? null : tongue.quote(outcome.doNext, 600),
    code: outcome.error?.code ?? null,
    sentence: endSentence(view, outcome, { work: workOf(run, tongue), what }),
  };
};

const endSentence = ({ run }: RunView, outcome: Outcome, { work, what }: { work: string; what: string }): string => {
  const latest = run.workflow === 'backup' ? ' and not used as latest good' : '';
  const size = outcome.backup === null ? '' : `: ${measures(outcome.backup).join(', ')}`;
  const ends: Record<OutcomeWord, string> = {
    good: run.workflow === 'delete' ? 'is done' : `is good${size}`,
    gaps: `is complete with ${count(outcome.gaps.length, 'gap')}${latest}`,
    suspicious: `is suspicious${latest}`,
    failed: `failed${what}`,
    refused: `was refused${what}`,
  };
  return `The ${work} ${ends[outcome.word]}.`;
};

const acceptedWords = ({ accepted }: RunView, tongue: Tongue): string[] =>
  accepted == null
    ? []
    : [
        `${tongue.strong('Accepted')} by ${tongue.quote(accepted.by, 80)}, ${tongue.time(accepted.acceptedAt)}: "${tongue.quote(accepted.reason, 400)}" · it counts as good`,
      ];

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

const askedBy = (view: RunView, tongue: Tongue): string[] => {
  const { run } = view;
  const by =
    run.requestedBy.door === 'schedule' ? 'by schedule' : `asked by ${tongue.quote(run.requestedBy.person, 80)}`;
  const reason = run.reason === null ? [] : [`"${tongue.quote(run.reason, 300)}"`];
  return [by, ...reason, ...decidedBy(view, tongue), run.id];
};

const auditHead = ({ auditHead: head }: RunView['run']): string[] => (head === undefined ? [] : [`audit ${head}`]);

const nextRun = ({ nextRunAt, run }: RunView, tongue: Tongue): string[] => {
  const keptUntil = run.outcome?.backup?.keptUntil;
  const kept = keptUntil === undefined ? '' : ` · kept until ${tongue.time(keptUntil)}`;
  if (nextRunAt === undefined) return [];
  return [`${nextRunAt === null ? 'No next run is planned' : `Next run: ${tongue.time(nextRunAt)}`}${kept}`];
};

const LISTED_AT_MOST = 8;

const listed = (items: readonly string[], tongue: Tongue): string[] => {
  const left = items.length - LISTED_AT_MOST;
  const shown = items.slice(0, LISTED_AT_MOST).map((item) => tongue.quote(item, 250));
  return left > 0 ? [...shown, `and ${left.toLocaleString('en-US')} more`] : shown;
};

/** What the present step does, at which attempt, and which steps failed on the way. */
const currentFindings = (view: RunView, tongue: Tongue): string[] => {
  const current = currentStep(view);
  const again = current !== null && current.attempt > 0 ? [`attempt ${current.attempt + 1}`] : [];
  const doing = current === null || current.text === '' ? [] : [tongue.quote(current.text, 400)];
  const failed = view.steps.filter(({ status }) => status === 'failed').slice(-3);
  return [
    ...(current?.status === 'running' ? [[...again, ...doing].join(': ')].filter((line) => line !== '') : []),
    ...failed.map(({ state, error }) => `${stateLabel(state)} failed${errorWords(error, tongue)}`),
  ];
};

const quiet = ({ maintenanceUntil }: RunView, tongue: Tongue): string[] =>
  maintenanceUntil === null ? [] : [`Maintenance mode: on until ${tongue.time(maintenanceUntil)} at the latest`];

const errorWords = (error: StepNote['error'], tongue: Tongue): string =>
  error === null ? '' : `: ${tongue.quote(error.message, 300)} (${tongue.quote(error.code, 60)})`;

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
