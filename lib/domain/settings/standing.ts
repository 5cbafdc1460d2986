/** How an instance stands: is it safe, is its server in use, what comes next. Computed when it is asked for, never stored. */
import type { Objectives } from '../drills/objectives.ts';
import type { RunRecord } from '../runs/run.ts';
import type { Pause, Slot } from './schedule.ts';

export type Standing = {
  instance: string;
  /** As the server says it now; `unknown` with the reason when it does not answer. */
  maintenance: 'on' | 'off' | 'unknown';
  maintenanceReason: string | null;
  latestGood: { archive: string; takenAt: string; ageSeconds: number; keyProof: KeyProof } | null;
  /** Null when the settings cannot be read. */
  targetSeconds: number | null;
  pause: Pause | null;
  nextRun: Slot | null;
  /** Runs at work, newest first. */
  running: RunRecord[];
  /** Could the archives be read? Else nothing is known of the newest good one. */
  areArchivesRead: boolean;
  /** How many archives were found damaged; they count as no good ones. */
  damagedCount: number;
  /** The verification by schedule; null when it cannot be read. */
  verification: Verification | null;
  /** What drills have shown; null when it cannot be read. */
  objectives: Objectives | null;
  /** What could not be read, as phrases; all else is as it is. */
  unreadable: string[];
};

/** `cameRoundAt`: when everything stored had last been read again; null before the first time. */
export type Verification = { days: number; cameRoundAt: string | null; behindSeconds: number };

type KeyProof = { opened: number; sampled: number; fingerprint: string };

/** Is the newest good archive within its target? What is not known is not safe. */
export const isSafe = ({ latestGood, targetSeconds }: Standing): boolean =>
  latestGood !== null && targetSeconds !== null && latestGood.ageSeconds <= targetSeconds;
