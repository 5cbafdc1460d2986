/** A sealed archive of the stand-ins, and restores of it: what the tests of their steps share. */
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { runIdOf } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { readManifest } from '../../lib/repository/archives.ts';
import { createRun, readRun } from '../../lib/repository/run-book.ts';
import { archivePlace } from '../../lib/steps/parts/archive-place.ts';
import { loadStep } from '../../lib/steps/index.ts';
import type { StepContext } from '../../lib/steps/step.ts';
import type { World } from '../../lib/ports/world.ts';
import { perform, type StepWorld } from './step-world.ts';

export type Loaded = {
  tables: number;
  rows: number;
  keyProof: { opened: number; sampled: number };
  isChecked: boolean;
  gaps: string[];
  notes: string[];
};

export type Restoring = {
  manifest: Manifest;
  /** A restore of the archive onto `prod`, its plan made and frozen. */
  newRestore(wish?: { as?: 'same' | 'quarantine' }, world?: World): Promise<RunRecord>;
  load(run: RunRecord, changes?: { world?: World } & Partial<StepContext>): Promise<Loaded>;
  swap(run: RunRecord, world?: World): Promise<void>;
};

/** Backs the stand-ins up, step by step, and answers how to restore it. */
export const openRestore = async (on: StepWorld): Promise<Restoring> => {
  const { world } = on;
  const manifest = await backUp(on);
  const plain = async <T>(name: string, run: RunRecord, changes: { world?: World } & Partial<StepContext> = {}) =>
    perform<T>(await loadStep(name), { world, run, ...changes });
  return {
    manifest,
    newRestore: (wish = {}, changed = world) => newRestore(changed, manifest, wish),
    load: (run, changes) => plain<Loaded>('load-database', run, changes),
    swap: async (run, changed = world) => void (await plain('swap-database', run, { world: changed })),
  };
};

const backUp = async ({ world, newRun }: StepWorld): Promise<Manifest> => {
  const { id } = await newRun();
  const does = async (name: string, input: unknown = {}): Promise<unknown> =>
    perform(await loadStep(name), { world, run: (await readRun(world, id))!, input });
  await does('plan-run', { consistency: 'online' });
  await does('save-keys');
  await does('dump-database', { consistency: 'online' });
  await does('sample-secrets');
  for (const pass of ['first', 'second']) await does('pack-folders', { instance: 'prod', pass });
  await does('verify-dump');
  await does('store-database', { instance: 'prod' });
  await does('prove-key');
  await does('check-references');
  await does('seal-archive', { instance: 'prod', gaps: [], tolerance: { shrinkPercent: 10, growthPercent: 100 } });
  return (await readManifest(world, archivePlace((await readRun(world, id))!)))!;
};

let restores = 0;

const newRestore = async (
  world: World,
  { archiveId, instance }: Manifest,
  { as = 'same' }: { as?: 'same' | 'quarantine' },
): Promise<RunRecord> => {
  const id = runIdOf(`restore ${(restores += 1)}`);
  const run = await createRun(world, {
    id,
    workflow: 'restore',
    instance,
    requestedAt: world.clock.now().toISOString(),
    requestedBy: { door: 'terminal', person: 'ana', channel: null },
    reason: null,
    options: { archive: archiveId, as, only: 'all' },
    archiveId: null,
    status: 'running',
    endedAt: null,
    outcome: null,
  });
  await perform(await loadStep('plan-restore'), { world, run, input: { isLast: false } });
  return run;
};
