/**
 * The folders of a restore, as its journal knows them: what was written beside each place, and how far it is swapped.
 *
 * A phase is written down before the act it names, so that whoever comes after a kill knows which of the two contents lies
 * where. How folders are moved is left to `archive/swap/swap-folders.ts`.
 */
import * as z from 'zod';

/**
 * The way there: `staging` → `staged` → `emptying` (target to aside) → `filling` (beside to target) → `swapped`.
 * The way back: `clearing` (target to beside) → `refilling` (aside to target) → `returned`.
 */
export const FOLDER_PHASES = [
  'staging',
  'staged',
  'emptying',
  'filling',
  'swapped',
  'clearing',
  'refilling',
  'returned',
] as const;
export type FolderPhase = (typeof FOLDER_PHASES)[number];

const FolderJournal = z.strictObject({
  /** The place as the archive names it, e.g. `packages`. */
  name: z.string(),
  /** Where the server looks for it, links resolved. */
  target: z.string(),
  /** `beside`: its content is written next to the target and renamed; `inside`: below a folder in it, entry by entry. */
  way: z.enum(['beside', 'inside']),
  /** Where the archive's content is written. */
  beside: z.string(),
  /** Where the target's own content is kept until the restore is over. */
  aside: z.string(),
  /** Was there anything at the target before this run? */
  wasThere: z.boolean(),
  /** By the file system's own clock, in ms: what is younger came after the staging began. */
  beganAtMs: z.number(),
  phase: z.enum(FOLDER_PHASES),
});
export type FolderJournal = z.infer<typeof FolderJournal>;

/** `summary` is there once all is staged. */
export const FoldersJournal = z.strictObject({
  places: z.array(FolderJournal),
  summary: z
    .strictObject({
      fileCount: z.number(),
      sizeBytes: z.number(),
      /** Files that were right on the target already, so that the store was not asked for them. */
      keptCount: z.number(),
      fetchedBytes: z.number(),
    })
    .nullable(),
});
export type FoldersJournal = z.infer<typeof FoldersJournal>;
