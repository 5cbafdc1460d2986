/**
 * A run: one asked-for execution of a workflow, as the run book keeps it under `runs/<runId>/`.
 *
 * `run.json` says what was asked and how it ended; `steps/<State>.json` says what each state does. Every view (card,
 * terminal, status) is computed from these records, and from nothing else.
 */
import * as z from 'zod';
import type { Approval } from './approval.ts';
import { Requirement } from './approval-policy.ts';

export const DOORS = ['slack', 'terminal', 'schedule'] as const;
export const OUTCOMES = ['good', 'gaps', 'suspicious', 'failed', 'refused'] as const;
export type OutcomeWord = (typeof OUTCOMES)[number];

const ErrorRecord = z.strictObject({
  code: z.string(),
  message: z.string(),
  advice: z.string(),
  state: z.string().optional(),
});
export type ErrorRecord = z.infer<typeof ErrorRecord>;

/** What a finished backup says about itself. Sizes in bytes, times in seconds. */
export const BackupSummary = z.strictObject({
  archiveId: z.string(),
  takenAt: z.string(),
  consistency: z.enum(['quiesced', 'online']),
  durationSeconds: z.number(),
  /** From entering maintenance mode until it was left again; 0 when online. */
  quietSeconds: z.number(),
  totalBytes: z.number(),
  addedBytes: z.number(),
  database: z.strictObject({ sizeBytes: z.number(), isVerified: z.boolean() }),
  files: z.strictObject({ count: z.number(), sizeBytes: z.number(), missingCount: z.number() }),
  keyProof: z.strictObject({ opened: z.number(), sampled: z.number(), fingerprint: z.string() }),
});
export type BackupSummary = z.infer<typeof BackupSummary>;

export const Outcome = z.strictObject({
  word: z.enum(OUTCOMES),
  /** Each thing that is missing or not proven, as a sentence. Empty when good. */
  gaps: z.array(z.string()),
  /** Each measure of a suspicious archive that changed beyond the tolerance, as a sentence. */
  unusual: z.array(z.string()).optional(),
  /** Notes that do not change the outcome, e.g. tasks left waiting for a person. */
  notes: z.array(z.string()),
  error: ErrorRecord.nullable(),
  /** What is safe now, and what to do next: always said when the word is not `good`. */
  safeNow: z.string(),
  doNext: z.string(),
  backup: BackupSummary.nullable(),
});
export type Outcome = z.infer<typeof Outcome>;

export const RunRecord = z.strictObject({
  id: z.string(),
  workflow: z.enum(['backup']),
  instance: z.string(),
  requestedAt: z.string(),
  requestedBy: z.strictObject({ door: z.enum(DOORS), person: z.string(), channel: z.string().nullable() }),
  reason: z.string().nullable(),
  options: z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string())])),
  archiveId: z.string().nullable(),
  /** What the policy asked for when the run was requested; absent when it needs nobody's approval. */
  approval: Requirement.optional(),
  /** The fencing number of the instance lock that this run took; absent before it did. */
  fence: z.number().int().optional(),
  status: z.enum(['running', 'ended']),
  endedAt: z.string().nullable(),
  outcome: Outcome.nullable(),
  /** Number and hash of the audit entry that holds the outcome: shown, so that the audit's head is known elsewhere. */
  auditHead: z.string().optional(),
});
export type RunRecord = z.infer<typeof RunRecord>;

export const StepNote = z.strictObject({
  state: z.string(),
  step: z.string(),
  attempt: z.number().int(),
  status: z.enum(['running', 'done', 'failed']),
  startedAt: z.string(),
  updatedAt: z.string(),
  endedAt: z.string().nullable(),
  percent: z.number().min(0).max(100).nullable(),
  /** One short line a person can read: what it does now, or what it found. */
  text: z.string(),
  error: ErrorRecord.nullable(),
});
export type StepNote = z.infer<typeof StepNote>;

/** Everything a view of a run needs. */
export type RunView = {
  run: RunRecord;
  steps: StepNote[];
  /** The states of the straight path, in order. */
  plannedStates: string[];
  /** While the run keeps the server quiet: when that ends, whatever happens. */
  maintenanceUntil: string | null;
  /** When the schedule starts the next run after this one ended; null when none is planned, absent while it runs. */
  nextRunAt?: string | null;
  /** How its approval goes; null for a run that needs none. */
  approval: Approval | null;
};
