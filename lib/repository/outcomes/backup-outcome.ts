/**
 * How a backup ended, judged by what the store holds: the manifest first, since its word is final once it is written,
 * whatever failed after that; then the newest good archive besides.
 *
 * The words are `domain/runs/outcome.ts`; writing the outcome down is left to whoever ends the run.
 */
import type { Manifest } from '../../domain/archives/archive.ts';
import { notesOnLeftOut } from '../../domain/archives/left-out.ts';
import { OctoError } from '../../domain/errors.ts';
import { outcomeOf, type BackupEnding, type Failure } from '../../domain/runs/outcome.ts';
import type { BackupSummary, Outcome, RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { readManifest } from '../archives.ts';
import { latestGood } from '../catalog.ts';

export type Ended = Pick<BackupEnding, 'failure' | 'resumeFailure' | 'notes'> & {
  quietSeconds: number;
  keptUntil?: string | null;
};

/** The outcome of `run`. Archives that cannot be read are told in it; only what passes by itself is thrown. */
export const backupOutcome = async (
  world: Pick<World, 'archives' | 'clock'>,
  run: RunRecord,
  { failure, resumeFailure, notes, ...times }: Ended,
): Promise<Outcome> => {
  const { instance, archiveId, requestedAt } = run;
  const sealed = await orTrouble(
    archiveId === null ? Promise.resolve(null) : readManifest(world, { instance, archiveId }),
  );
  const good = await orTrouble(latestGood(world, instance, archiveId ?? undefined));
  const endedAt = world.clock.now().toISOString();
  const unread = good.trouble === null ? [] : [`older archives could not be read: ${good.trouble.message}`];
  return outcomeOf({
    endedAt,
    failure: failure ?? failureToSeal(sealed),
    resumeFailure,
    sealed: sealed.found && {
      ...sealed.found,
      summary: summaryOf(sealed.found, { requestedAt, endedAt, ...times }),
    },
    notes: [...notes, ...notesOnLeftOut(sealed.found?.folders.leftOut), ...unread],
    latestGood: good.found,
  });
};

type Reading<T> = { found: T | null; trouble: OctoError | null };

/** The outcome is told whatever the archives are like; only what passes by itself is left to another attempt. */
export const orTrouble = async <T>(reading: Promise<T | null>): Promise<Reading<T>> => {
  try {
    return { found: await reading, trouble: null };
  } catch (thrown) {
    const trouble = OctoError.from(thrown);
    if (trouble.canRetry) throw trouble;
    return { found: null, trouble };
  }
};

/** No state has failed: then there must be an archive. */
const failureToSeal = ({ found, trouble }: Reading<Manifest>): Failure | null => {
  if (found !== null) return null;
  const error = trouble ?? new OctoError('Bug', 'no state has failed, yet the archive has no manifest');
  return { state: 'Report', error: error.code, cause: JSON.stringify(error) };
};

type Times = Pick<Ended, 'quietSeconds' | 'keptUntil'> & { requestedAt: string; endedAt: string };

const summaryOf = (
  manifest: Manifest,
  { requestedAt, endedAt, quietSeconds, keptUntil = null }: Times,
): BackupSummary => ({
  archiveId: manifest.archiveId,
  takenAt: manifest.takenAt,
  consistency: manifest.dump.consistency,
  durationSeconds: Math.max(0, Math.round((Date.parse(endedAt) - Date.parse(requestedAt)) / 1000)),
  quietSeconds,
  totalBytes: manifest.folders.sizeBytes + manifest.database.sizeBytes,
  addedBytes: manifest.folders.addedBytes + manifest.database.addedBytes,
  database: { sizeBytes: manifest.database.sizeBytes, isVerified: Boolean(manifest.verification.verifiedAt) },
  files: {
    count: manifest.folders.fileCount,
    sizeBytes: manifest.folders.sizeBytes,
    missingCount: manifest.references.packagesMissing + manifest.references.artifactsMissing,
  },
  keyProof: {
    opened: manifest.proof.opened,
    sampled: manifest.proof.sampled,
    fingerprint: manifest.keys.masterKeyFingerprint,
  },
  ...(keptUntil === null ? {} : { keptUntil }),
});
