/** How an instance stands: is it safe, is its server in use, what comes next. Computed when it is asked for, never stored. */
import type { RunRecord } from '../runs/run.ts';
import type { Pause, Slot } from './schedule.ts';

export type Standing = {
  instance: string;
  /** As the server says it now; `unknown` with the reason when it does not answer. */
  maintenance: 'on' | 'off' | 'unknown';
  maintenanceReason: string | null;
  latestGood: { archive: string; takenAt: string; ageSeconds: number; keyProof: KeyProof } | null;
  targetSeconds: number;
  pause: Pause | null;
  nextRun: Slot | null;
  /** Runs at work, newest first. */
  running: RunRecord[];
};

type KeyProof = { opened: number; sampled: number; fingerprint: string };

/** Is the newest good archive within its target? */
export const isSafe = ({ latestGood, targetSeconds }: Standing): boolean =>
  latestGood !== null && latestGood.ageSeconds <= targetSeconds;
