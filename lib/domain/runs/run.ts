/**
 * A run: one asked-for execution of a workflow, as the run book keeps it under `runs/<runId>/`.
 *
 * `run.json` says what was asked and how it ended; `steps/<State>.json` says what each state does. Every view (card,
 * terminal, status) is computed from these records, and from nothing else.
 */
import * as z from 'zod';
import { DrillRecord } from '../drills/drill.ts';
import type { RestoreTime } from '../drills/restore-time.ts';
import type { Approval } from './approval.ts';
import type { Pace } from './pace.ts';
import { Requirement } from './approval-policy.ts';
import type { Asked } from './question.ts';

export const WORKFLOWS = ['backup', 'restore', 'drill', 'delete', 'keys'] as const;
export type WorkflowName = (typeof WORKFLOWS)[number];

export const DOORS = ['slack', 'terminal', 'schedule'] as const;
export const OUTCOMES = ['good', 'gaps', 'suspicious', 'failed', 'refused'] as const;
export type OutcomeWord = (typeof OUTCOMES)[number];

/** Which parts of an archive a restore brings back, and whether the copy is to be the server or only a harmless likeness. */
export const RESTORE_PARTS = ['all', 'database', 'folders'] as const;
export type RestoreParts = (typeof RESTORE_PARTS)[number];
export const RESTORE_AS = ['same', 'quarantine'] as const;
export type RestoreAs = (typeof RESTORE_AS)[number];

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
  /** When retention drops the archive if the schedule stays; absent when that is not within a year, or not known. */
  keptUntil: z.string().optional(),
});
export type BackupSummary = z.infer<typeof BackupSummary>;

/** What a finished restore says about itself. */
export const RestoreSummary = z.strictObject({
  archive: z.strictObject({ archiveId: z.string(), instance: z.string(), takenAt: z.string() }),
  parts: z.enum(RESTORE_PARTS),
  as: z.enum(RESTORE_AS),
  durationSeconds: z.number(),
  /** From entering maintenance mode until it was left again. */
  quietSeconds: z.number(),
  /** Rows compared with the manifest, and tables; null where the database was left alone. */
  database: z.strictObject({ tables: z.number(), rows: z.number() }).nullable(),
  /** `writtenBytes` had to be fetched; the rest was right on the target already. */
  files: z.strictObject({ count: z.number(), sizeBytes: z.number(), writtenBytes: z.number() }).nullable(),
  keyProof: z.strictObject({ opened: z.number(), sampled: z.number() }).nullable(),
  /** Files that the restored server handed out through its API. */
  served: z.number(),
  /** The target as it was, as an archive; null where none could be taken. */
  safetyArchiveId: z.string().nullable(),
  /** Where the target as it was lies on the host, when it was kept instead. */
  kept: z.array(z.string()),
  /** Each thing that was made harmless, e.g. `Machine disabled (33)`; empty unless it was asked for. */
  quarantined: z.array(z.string()),
});
export type RestoreSummary = z.infer<typeof RestoreSummary>;

/** An archive that is no more, or is to go: what it was. */
export const DeletedArchive = z.strictObject({
  archiveId: z.string(),
  takenAt: z.string(),
  word: z.string(),
  totalBytes: z.number(),
});
export type DeletedArchive = z.infer<typeof DeletedArchive>;

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
  /** Of a restore only. */
  restore: RestoreSummary.nullable().optional(),
  /** Of a deletion only. */
  deleted: DeletedArchive.nullable().optional(),
  /** Of a drill only: null when nothing was begun. */
  drill: DrillRecord.nullable().optional(),
});
export type Outcome = z.infer<typeof Outcome>;

export const RunRecord = z.strictObject({
  id: z.string(),
  workflow: z.enum(WORKFLOWS),
  /** The instance that is backed up, or restored onto. */
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
  /** How long earlier runs of the kind took; null when none is known, absent where nobody asked. */
  pace?: Pace | null;
  /** Of a restore that waits for approval: what drills say of its length; null where there were none. */
  restoreTime?: RestoreTime | null;
  /** How its approval goes; null for a run that needs none. */
  approval: Approval | null;
  /** Its last question to people and the answer; null or absent when it never asked. */
  asked?: Asked | null;
  /** Who has let its archive count as good, and why; null or absent when nobody has. */
  accepted?: { by: string; reason: string; acceptedAt: string } | null;
};
