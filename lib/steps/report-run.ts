/**
 * The last word on a run: computes its outcome, gives the lock back, writes it into the run book.
 *
 * Reads the archive's manifest, since only what is sealed counts, and repeats without harm: the first outcome stands.
 */
import * as z from 'zod';
import type { Manifest } from '../domain/archives/archive.ts';
import { headText, SHORT_HASH_DIGITS } from '../domain/audit.ts';
import { OctoError } from '../domain/errors.ts';
import { outcomeOf, type Failure } from '../domain/runs/outcome.ts';
import { OUTCOMES, type BackupSummary, type Outcome, type RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { readManifest } from '../repository/archives.ts';
import { appendAuditOnce } from '../repository/audit.ts';
import { latestGood } from '../repository/catalog.ts';
import { releaseLock } from '../repository/lease/lock.ts';
import { endRun, recordAuditHead } from '../repository/run-book.ts';
import { archivePlace } from './parts/archive-place.ts';
import { defineStep } from './step.ts';

const FailedState = z.strictObject({ state: z.string(), error: z.string(), cause: z.string() }).nullable();
const Input = z.strictObject({
  failure: FailedState,
  resumeFailure: FailedState,
  notes: z.array(z.string()),
  quietSeconds: z.number(),
});
/** `code` and `message` are what a failed execution ends with. */
const Output = z.strictObject({ word: z.enum(OUTCOMES), code: z.string().nullable(), message: z.string().nullable() });

export const step = defineStep(
  { name: 'report-run', runsOn: 'cloud', isWayOut: true, input: Input, output: Output },
  async (world, input, { run }) => {
    const place = archivePlace(run);
    const sealed = await orTrouble(readManifest(world, place));
    const good = await orTrouble(latestGood(world, run.instance, place.archiveId));
    const endedAt = world.clock.now().toISOString();
    const times = { requestedAt: run.requestedAt, endedAt, quietSeconds: input.quietSeconds };
    const outcome = outcomeOf({
      endedAt,
      failure: input.failure ?? failureToSeal(sealed),
      resumeFailure: input.resumeFailure,
      sealed: sealed.found && { ...sealed.found, summary: summaryOf(sealed.found, times) },
      notes: [
        ...input.notes,
        ...(good.trouble === null ? [] : [`older archives could not be read: ${good.trouble.message}`]),
      ],
      latestGood: good.found,
    });
    // The lock first: whoever sees that the run has ended may begin the next one at once.
    await releaseLock(world, run);
    const ended = (await endRun(world, run.id, outcome)).outcome ?? outcome;
    await recordEnd(world, run, ended);
    return { word: ended.word, code: ended.error?.code ?? null, message: ended.error?.message ?? null };
  },
);

/** The outcome as the audit keeps it, which outlives the run book, and the entry's number and hash in the run. */
const recordEnd = async (world: Pick<World, 'state' | 'clock'>, run: RunRecord, outcome: Outcome): Promise<void> => {
  const { word, gaps, notes, error, backup } = outcome;
  const { id: runId, instance: on, requestedAt, requestedBy, workflow } = run;
  const head = await appendAuditOnce(
    world,
    {
      who: { person: 'octo', door: 'workflow' },
      act: `${workflow} run`,
      stage: 'done',
      on,
      runId,
      detail: { outcome: word, archive: backup?.archiveId ?? null, askedBy: requestedBy, error, gaps, notes },
    },
    { since: requestedAt },
  );
  await recordAuditHead(world, runId, headText(head, SHORT_HASH_DIGITS));
};

type Reading<T> = { found: T | null; trouble: OctoError | null };

/** The report is written whatever the archives are like; only what passes by itself is left to another attempt. */
const orTrouble = async <T>(reading: Promise<T | null>): Promise<Reading<T>> => {
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

type Times = { requestedAt: string; endedAt: string; quietSeconds: number };

const summaryOf = (manifest: Manifest, { requestedAt, endedAt, quietSeconds }: Times): BackupSummary => ({
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
});
