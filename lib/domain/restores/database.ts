/**
 * The database of a restore, as its journal knows it: which copy is which, decided by their guids and never by a name.
 */
import * as z from 'zod';

/** What speaks for a restored copy. */
export const CopyProof = z.strictObject({
  /** Rows by table. */
  counts: z.record(z.string(), z.number()),
  keyProof: z.strictObject({ opened: z.number(), sampled: z.number() }),
  /** By DBCC CHECKDB; the settings may leave it out. */
  isChecked: z.boolean(),
  gaps: z.array(z.string()),
  notes: z.array(z.string()),
});
export type CopyProof = z.infer<typeof CopyProof>;

export const DatabaseJournal = z.strictObject({
  /** The name that the server uses. */
  name: z.string(),
  /** Under which the archive's database was restored beside it. */
  scratch: z.string(),
  /** Under which the target's own database is kept until the probes have passed. */
  aside: z.string(),
  /** The target's own; null where it has none, as on a server whose database is gone. */
  guid: z.string().nullable(),
  /** The restored one's; null until it is there and proven. */
  restoredGuid: z.string().nullable(),
  /** What was found in the copy, before anything in it was changed; null until all of it was looked at. */
  proof: CopyProof.nullable(),
});
export type DatabaseJournal = z.infer<typeof DatabaseJournal>;
