/**
 * How long a run takes, told from earlier ones: the middle of what each state took. An estimate for people, on which
 * nothing is decided; a state that waits for people has no pace.
 */
import * as z from 'zod';
import type { RunView, StepNote } from './run.ts';

export const Pace = z.strictObject({
  /** How many earlier runs it is told from. */
  runs: z.number().int(),
  /** What each state took, by its name. */
  seconds: z.record(z.string(), z.number()),
});
export type Pace = z.infer<typeof Pace>;

const WAITS_FOR_PEOPLE: ReadonlySet<string> = new Set(['AwaitApproval', 'AwaitAnswer']);

/** The pace of these runs, each given as its steps; null when there is none to tell it from. */
export const paceOf = (earlier: readonly (readonly StepNote[])[]): Pace | null => {
  if (earlier.length === 0) return null;
  const taken = Map.groupBy(
    earlier.flat().filter(({ state, status }) => status === 'done' && !WAITS_FOR_PEOPLE.has(state)),
    ({ state }) => state,
  );
  const seconds = [...taken].map(([state, notes]): [string, number] => [state, middle(notes.map(secondsOf))]);
  return { runs: earlier.length, seconds: Object.fromEntries(seconds) };
};

/** From asking to the end, without waiting for people. */
export const secondsInAll = ({ pace, plannedStates }: Pick<RunView, 'pace' | 'plannedStates'>): number | null =>
  pace == null ? null : sum(plannedStates.map((state) => pace.seconds[state] ?? 0));

/** From now to the end; null when nothing is known, or when a step failed and the run takes another way. */
export const secondsLeft = ({ pace, plannedStates, steps }: RunView, now: Date): number | null => {
  if (pace == null || steps.some(({ status }) => status === 'failed')) return null;
  const notes = new Map(steps.map((note) => [note.state, note]));
  return sum(plannedStates.map((state) => leftOf(notes.get(state), pace.seconds[state] ?? 0, now)));
};

/** A step that counts its own progress knows better than earlier runs, once it has got somewhere. */
const TELLING_PERCENT = 10;

const leftOf = (note: StepNote | undefined, usual: number, now: Date): number => {
  if (note === undefined) return usual;
  if (note.status !== 'running') return 0;
  const elapsed = (now.getTime() - Date.parse(note.startedAt)) / 1000;
  if (note.percent !== null && note.percent >= TELLING_PERCENT) return (elapsed * (100 - note.percent)) / note.percent;
  return Math.max(0, usual - elapsed);
};

const secondsOf = ({ startedAt, endedAt, updatedAt }: StepNote): number =>
  (Date.parse(endedAt ?? updatedAt) - Date.parse(startedAt)) / 1000;

const middle = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
const sum = (numbers: number[]): number => numbers.reduce((all, one) => all + one, 0);
