/**
 * The last word on a run: computes its outcome, gives the lock back, writes it into the run book.
 *
 * What came of it is read from the store by `repository/outcomes`. Repeats without harm: the first outcome stands.
 */
import * as z from 'zod';
import { headText, SHORT_HASH_DIGITS } from '../domain/audit.ts';
import { NO_FACTS, RestoreFacts } from '../domain/runs/restore-outcome.ts';
import { OUTCOMES, type Outcome, type RunRecord } from '../domain/runs/run.ts';
import type { World } from '../ports/world.ts';
import { appendAuditOnce } from '../repository/audit.ts';
import { archiveRead, markDamageRead } from '../repository/outcomes/damage-read.ts';
import { outcomeOfRun } from '../repository/outcomes/outcome-of-run.ts';
import { releaseLock } from '../repository/lease/lock.ts';
import { endRun, recordAuditHead } from '../repository/run-book.ts';
import { releaseReading } from '../repository/store-care/reader-holds.ts';
import { defineStep } from './step.ts';

const FailedState = z.strictObject({ state: z.string(), error: z.string(), cause: z.string() }).nullable();
const Input = z.strictObject({
  failure: FailedState,
  resumeFailure: FailedState,
  notes: z.array(z.string()),
  quietSeconds: z.number(),
  /** When retention drops the archive, as `prune` foretells it. */
  keptUntil: z.string().nullable().default(null),
  /** Of a restore only. */
  restored: RestoreFacts.default(NO_FACTS),
});
/** `code` and `message` are what a failed execution ends with. */
const Output = z.strictObject({ word: z.enum(OUTCOMES), code: z.string().nullable(), message: z.string().nullable() });

export const step = defineStep(
  { name: 'report-run', runsOn: 'cloud', isWayOut: true, input: Input, output: Output },
  async (world, input, { run }) => {
    await markDamageRead(world, run, input.failure);
    const outcome = await outcomeOfRun(world, run, input);
    // The lock first: whoever sees that the run has ended may begin the next one at once.
    await releaseLock(world, run);
    await releaseArchives(world, run);
    const ended = (await endRun(world, run.id, outcome)).outcome ?? outcome;
    await recordEnd(world, run, ended);
    return { word: ended.word, code: ended.error?.code ?? null, message: ended.error?.message ?? null };
  },
);

/** What the run read may be deleted again. */
const releaseArchives = async (world: Pick<World, 'state'>, run: RunRecord): Promise<void> => {
  const at = archiveRead(run);
  if (at !== null) await releaseReading(world, at, run.id);
};

/** The outcome as the audit keeps it, which outlives the run book, and the entry's number and hash in the run. */
const recordEnd = async (world: Pick<World, 'state' | 'clock'>, run: RunRecord, outcome: Outcome): Promise<void> => {
  const { word, gaps, unusual = [], notes, error, backup, restore, deleted, drill } = outcome;
  const { id: runId, instance: on, requestedAt, requestedBy, workflow } = run;
  const head = await appendAuditOnce(
    world,
    {
      who: { person: 'octo', door: 'workflow' },
      act: `${workflow} run`,
      stage: 'done',
      on,
      runId,
      detail: {
        outcome: word,
        archive:
          backup?.archiveId ?? restore?.archive.archiveId ?? drill?.archive.archiveId ?? deleted?.archiveId ?? null,
        askedBy: requestedBy,
        error,
        gaps: [...gaps, ...unusual],
        notes,
      },
    },
    { since: requestedAt },
  );
  await recordAuditHead(world, runId, headText(head, SHORT_HASH_DIGITS));
};
