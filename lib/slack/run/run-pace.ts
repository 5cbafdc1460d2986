/** What is said of the time a run takes: an estimate, so in whole minutes and with "about". */
import { secondsInAll, secondsLeft } from '../../domain/runs/pace.ts';
import type { RunView } from '../../domain/runs/run.ts';
import { count, duration } from '../text.ts';
import { restoreTimeWords } from './drill-words.ts';
import type { Tongue } from '../tongue.ts';

/** `about 13 min left`; empty when nothing is known. */
export const leftWords = (view: RunView, now: Date): string[] => {
  const seconds = secondsLeft(view, now);
  return seconds === null ? [] : [`${about(seconds)} left`];
};

/** `Will take  about 24 min, as the last 5 runs did`, of a restore as drills did; empty when nothing is known. */
export const willTake = (view: RunView, tongue: Tongue): string[] => {
  if (view.restoreTime != null) return [`${tongue.strong('Will take')}  ${restoreTimeWords(view.restoreTime)}`];
  const seconds = secondsInAll(view);
  if (seconds === null || view.pace == null) return [];
  const { runs } = view.pace;
  return [
    `${tongue.strong('Will take')}  ${about(seconds)}, as the last ${runs === 1 ? 'run' : count(runs, 'run')} did`,
  ];
};

const about = (seconds: number): string =>
  seconds < 60 ? 'less than a minute' : `about ${duration(Math.round(seconds / 60) * 60)}`;
