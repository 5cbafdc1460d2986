/**
 * How a restore ended, from what its steps found and what the store holds: the plan, and the safety archive of the target.
 *
 * The words are `domain/runs/restore-outcome.ts`.
 */
import type { Failure } from '../../domain/runs/outcome.ts';
import { NO_FACTS, restoreOutcomeOf, type RestoreFacts } from '../../domain/runs/restore-outcome.ts';
import type { Outcome, RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { readPlan } from '../approvals.ts';
import { readManifest } from '../archives.ts';
import { orTrouble, type Ended } from './backup-outcome.ts';

export type RestoreEnded = Ended & { restored?: RestoreFacts };

/** The outcome of `run`. */
export const restoreOutcome = async (
  world: Pick<World, 'archives' | 'state' | 'clock'>,
  run: RunRecord,
  { failure, resumeFailure, notes, quietSeconds, restored = NO_FACTS }: RestoreEnded,
): Promise<Outcome> => {
  const { instance, archiveId, requestedAt } = run;
  const sealed = await orTrouble(
    archiveId === null ? Promise.resolve(null) : readManifest(world, { instance, archiveId }),
  );
  const plan = await readPlan(world, run.id);
  return restoreOutcomeOf({
    failure: failure ?? unplanned(plan),
    resumeFailure,
    plan: plan?.workflow === 'restore' ? plan : null,
    safetyArchiveId: sealed.found?.archiveId ?? null,
    facts: restored,
    notes: [...notes, ...safetyNotes(sealed.found)],
    durationSeconds: Math.max(0, Math.round((world.clock.now().getTime() - Date.parse(requestedAt)) / 1000)),
    quietSeconds,
  });
};

const unplanned = (plan: unknown): Failure | null =>
  plan === null ? { state: 'Report', error: 'Bug', cause: '{"message":"the restore ended without a plan"}' } : null;

/** The safety archive is one like any other, and what it lacks is told here, as nobody looks at it otherwise. */
const safetyNotes = (safety: { word: string; gaps: string[] } | null): string[] =>
  safety === null || safety.word === 'good'
    ? []
    : [
        `the safety archive of the target ${safety.word === 'gaps' ? 'has gaps' : `is ${safety.word}`}${safety.gaps.length > 0 ? `: ${safety.gaps[0]}` : ''}`,
      ];
