/**
 * What a drill found, kept for good: the evidence that an archive can be restored, or that it cannot.
 *
 * Its parts are null where it did not come to them. @see docs/format.md
 */
import * as z from 'zod';

/** What was found in the restored copy of the database. */
const DrilledDatabase = z.strictObject({
  tables: z.number(),
  rows: z.number(),
  keyProof: z.strictObject({ opened: z.number(), sampled: z.number() }),
  /** Packages and artifacts that the restored database lists, and those of them that the archive does not hold. */
  references: z.strictObject({ listed: z.number(), missing: z.number() }),
});

/** Every file of the archive, written and compared with its SHA-256. */
const DrilledFiles = z.strictObject({ count: z.number(), sizeBytes: z.number() });

/** What the steps of a drill found, as the workflow hands it on. */
export const DrillFacts = z.object({
  /** Size of the dump that was restored. */
  restored: z.object({ sizeBytes: z.number() }).nullable(),
  proven: DrilledDatabase.nullable(),
  files: DrilledFiles.nullable(),
  gaps: z.array(z.string()),
  notes: z.array(z.string()),
});
export type DrillFacts = z.infer<typeof DrillFacts>;

export const NOTHING_DRILLED: DrillFacts = { restored: null, proven: null, files: null, gaps: [], notes: [] };

export const DrillRecord = z.strictObject({
  version: z.literal(1),
  runId: z.string(),
  instance: z.string(),
  archive: z.strictObject({ archiveId: z.string(), takenAt: z.string(), octopusVersion: z.string() }),
  /** `production`: on the SQL Server of the instance. */
  place: z.enum(['own', 'production']),
  askedBy: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** `failed` speaks against the archive; `unfinished` says nothing about it. */
  word: z.enum(['good', 'gaps', 'failed', 'unfinished']),
  /** Bytes of the dump that was restored, null when it was not. */
  dumpBytes: z.number().nullable(),
  proven: DrilledDatabase.nullable(),
  files: DrilledFiles.nullable(),
  /** How long each part took, by the name of its state; waiting after a kill counts. */
  seconds: z.record(z.string(), z.number()),
  gaps: z.array(z.string()),
  notes: z.array(z.string()),
  error: z.strictObject({ code: z.string(), message: z.string(), state: z.string() }).nullable(),
});
export type DrillRecord = z.infer<typeof DrillRecord>;

/** The parts that a restore has as well: their times are what a restore would take. */
export const RESTORING_STATES = ['DrillDatabase', 'DrillProof', 'DrillFiles'] as const;

/** How long bringing the archive back took, all in all; null for a drill that did not get through. */
export const restoreSeconds = ({ word, seconds }: Pick<DrillRecord, 'word' | 'seconds'>): number | null =>
  isRestorable({ word }) && RESTORING_STATES.every((state) => seconds[state] !== undefined)
    ? RESTORING_STATES.reduce((sum, state) => sum + seconds[state]!, 0)
    : null;

/** Did the archive come back? */
export const isRestorable = ({ word }: Pick<DrillRecord, 'word'>): boolean => word === 'good' || word === 'gaps';
