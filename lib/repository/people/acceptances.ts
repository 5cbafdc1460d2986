/**
 * Acceptances: a person has looked at an archive that is suspicious or has gaps, and lets it count as good from then on.
 *
 * Written once, beside the archives, since they say what an archive counts as wherever the catalog is made anew. The
 * manifest stays as it was sealed. @see docs/format.md
 */
import * as z from 'zod';
import { archiveKeys } from '../../domain/names.ts';
import type { World } from '../../ports/world.ts';
import type { ArchivePlace } from '../sections.ts';
import { readRecord, UNCHANGED, update } from '../update.ts';

type Archives = Pick<World, 'archives'>;

export const Acceptance = z.strictObject({
  by: z.string(),
  reason: z.string(),
  acceptedAt: z.string(),
  /** What the archive was sealed as. */
  word: z.enum(['gaps', 'suspicious']),
});
export type Acceptance = z.infer<typeof Acceptance>;

/** Accepts the archive. Gives the acceptance that stands, which is the first. */
export const acceptArchive = async (world: Archives, at: ArchivePlace, acceptance: Acceptance): Promise<Acceptance> =>
  (await update(world.archives, acceptanceAt(at), (current) => (current === null ? acceptance : UNCHANGED))) ??
  acceptance;

/** Who accepted the archive, and why; `null` when nobody did. */
export const readAcceptance = (world: Archives, at: ArchivePlace): Promise<Acceptance | null> =>
  readRecord(world.archives, acceptanceAt(at));

const acceptanceAt = ({ instance, archiveId }: ArchivePlace) => ({
  key: archiveKeys.acceptance(instance, archiveId),
  schema: Acceptance,
});
