/** A drill step by step, as its workflow asks for it: each failure leads to the clearing and the evidence, as there. */
import { OctoError } from '../../lib/domain/errors.ts';
import { runIdOf } from '../../lib/domain/names.ts';
import type { Failure } from '../../lib/domain/runs/outcome.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { NOTHING_DRILLED, type DrillFacts } from '../../lib/domain/drills/drill.ts';
import type { World } from '../../lib/ports/world.ts';
import { createRun, readRun, writeStepNote } from '../../lib/repository/run-book.ts';
import { loadStep } from '../../lib/steps/index.ts';
import { stateNameOf } from '../../lib/domain/names.ts';
import type { StepContext } from '../../lib/steps/step.ts';
import { perform } from './step-world.ts';

let drills = 0;

/** A run that is to try this archive. */
export const newDrill = (world: World, archiveId: string): Promise<RunRecord> =>
  createRun(world, {
    id: runIdOf(`drill ${(drills += 1)}`),
    workflow: 'drill',
    instance: 'prod',
    requestedAt: world.clock.now().toISOString(),
    requestedBy: { door: 'terminal', person: 'ana', channel: null },
    reason: null,
    options: { archive: archiveId },
    archiveId: null,
    status: 'running',
    endedAt: null,
    outcome: null,
  });

export type DrillHooks = Partial<Pick<StepContext, 'signal' | 'beat'>> & {
  /** Called before the step of that name. */
  before?: Record<string, (run: RunRecord) => Promise<void>>;
};

/** Straight to its end; answers the run as it was reported. */
export const drillBySteps = async (world: World, archiveId: string, hooks: DrillHooks = {}): Promise<RunRecord> => {
  const { before = {}, ...context } = hooks;
  const { id } = await newDrill(world, archiveId);
  const does = async <T>(name: string, input: unknown = {}): Promise<T> => {
    const run = (await readRun(world, id))!;
    await before[name]?.(run);
    const startedAt = world.clock.now().toISOString();
    const output = await perform<T>(await loadStep(name), { world, run, input, ...context });
    const endedAt = world.clock.now().toISOString();
    const state = stateNameOf(name);
    const ended = {
      status: 'done',
      startedAt,
      updatedAt: endedAt,
      endedAt,
      percent: null,
      text: '',
      error: null,
    } as const;
    await writeStepNote(world, id, { state, step: name, attempt: 0, ...ended });
    return output;
  };
  let failure: Failure | null = null;
  const drilled: DrillFacts = { ...NOTHING_DRILLED };
  const orFail = async (name: string, take: (output: never) => void = () => {}): Promise<void> => {
    if (failure !== null) return;
    try {
      take(await does<never>(name));
    } catch (thrown) {
      const error = OctoError.from(thrown);
      failure = { state: stateNameOf(name), error: error.code, cause: JSON.stringify(error) };
    }
  };
  await orFail('drill-plan');
  const isPlanned = failure === null;
  await orFail('drill-database', (output) => (drilled.restored = output));
  await orFail('drill-proof', ({ gaps, notes, ...proven }: NonNullable<DrillFacts['proven']> & DrillFacts) => {
    Object.assign(drilled, { proven, gaps, notes });
  });
  await orFail('drill-files', (output) => (drilled.files = output));
  if (isPlanned) {
    await does('drill-clear');
    await does('drill-evidence', { failure, clearFailure: null, drilled });
  }
  await does('report-run', { failure, resumeFailure: null, notes: [], quietSeconds: 0 });
  return (await readRun(world, id))!;
};
