/** A run in a terminal: the words of its card without markup, times in UTC, one phrase a line. */
import type { RunView, StepNote } from '../../domain/runs/run.ts';
import { planLines } from './plan-words.ts';
import { stepWords } from './run-steps.ts';
import { type RunWords, runWords } from './run-words.ts';
import { terminalTongue } from '../tongue.ts';

/** The lines of `view` as it stands at `now`; the first says how the run stands. */
export const runLines = (view: RunView, now: Date): string[] => {
  const words = runWords(view, now, terminalTongue);
  return [
    words.headline,
    `  ${words.aside.join(' · ')}`,
    ...words.steps.map((step) => `  ${step}`),
    ...words.findings.map((line) => `  ${line}`),
    ...headed('Missing or not proven', words.gaps),
    ...headed('Unusual', words.unusual),
    ...headed('Noted', words.notes),
    ...(view.approval?.plan == null ? [] : headed('Plan', planLines(view.approval.plan))),
    ...wayOn(words),
  ];
};

/** One step as it stands, for a terminal that follows a run. */
export const stepLine = (note: StepNote, now: Date): string => stepWords(note, now, terminalTongue);

const headed = (head: string, lines: string[]): string[] =>
  lines.length === 0 ? [] : [`  ${head}:`, ...lines.map((line) => `    ${line}`)];

const wayOn = ({ safeNow, doNext, code }: RunWords): string[] => [
  ...(safeNow === null ? [] : [`  Safe now: ${safeNow}`]),
  ...(doNext === null ? [] : [`  Do next:  ${doNext}`]),
  ...(code === null ? [] : [`  Code:     ${code}`]),
];
