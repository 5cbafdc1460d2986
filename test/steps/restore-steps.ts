/** A backup and a restore step by step, as their workflows ask for them, and what a server holds to compare. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveIdOf, runIdOf } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { NO_FACTS, type RestoreFacts } from '../../lib/domain/runs/restore-outcome.ts';
import { createRun, readRun } from '../../lib/repository/run-book.ts';
import { loadStep } from '../../lib/steps/index.ts';
import { openDatabase } from '../../sandbox/octopus/data/database.ts';
import { perform, type StepWorld } from './step-world.ts';

type Answer = { gaps?: string[]; notes?: string[]; tolerance?: unknown; quietSeconds?: number };
type Stepping = { id: string; gaps: string[]; notes: string[]; tolerance: unknown; quietSeconds: number };

const does = async <T extends Answer>(
  on: StepWorld,
  stepping: Stepping,
  [name, input = {}]: [string, unknown?],
): Promise<T> => {
  const run = (await readRun(on.world, stepping.id))!;
  const answer = await perform<T>(await loadStep(name), { world: on.world, run, input });
  stepping.gaps.push(...(answer.gaps ?? []));
  stepping.notes.push(...(answer.notes ?? []));
  stepping.tolerance = answer.tolerance ?? stepping.tolerance;
  stepping.quietSeconds = answer.quietSeconds ?? stepping.quietSeconds;
  return answer;
};

const begin = (id: string): Stepping => ({ id, gaps: [], notes: [], tolerance: null, quietSeconds: 0 });

/** A quiesced backup, straight to its end. */
export const backUpBySteps = async (on: StepWorld): Promise<RunRecord> => {
  const stepping = begin((await on.newRun()).id);
  const step = (name: string, input?: unknown) => does(on, stepping, [name, input]);
  await step('plan-run', { consistency: 'quiesced' });
  await step('take-lock');
  await step('save-keys');
  await step('pack-folders', { instance: 'prod', pass: 'first' });
  await step('quiesce');
  await step('dump-database', { consistency: 'quiesced' });
  await step('sample-secrets');
  await step('pack-folders', { instance: 'prod', pass: 'second' });
  await step('resume');
  await step('verify-dump');
  await step('store-database', { instance: 'prod' });
  await step('prove-key');
  await step('check-references');
  await step('seal-archive', { instance: 'prod', gaps: stepping.gaps, tolerance: stepping.tolerance });
  const { notes, quietSeconds } = stepping;
  await step('report-run', { failure: null, resumeFailure: null, notes, quietSeconds });
  return (await readRun(on.world, stepping.id))!;
};

let restores = 0;

/** A run that is to restore the archive of `of`. */
export const newRestore = async (
  on: StepWorld,
  of: Pick<RunRecord, 'archiveId'>,
  options: RunRecord['options'] = {},
): Promise<RunRecord> => {
  const id = runIdOf(`restore ${(restores += 1)}`);
  const requestedAt = on.world.clock.now().toISOString();
  return createRun(on.world, {
    id,
    workflow: 'restore',
    instance: 'prod',
    requestedAt,
    requestedBy: { door: 'terminal', person: 'ana', channel: null },
    reason: null,
    options: { archive: of.archiveId!, from: 'prod', only: 'all', as: 'same', ...options },
    archiveId: archiveIdOf({ id, requestedAt }),
    status: 'running',
    endedAt: null,
    outcome: null,
  });
};

export type RestoreHooks = {
  /** Whether the target is archived first; its own tests need that once. */
  hasSafety?: boolean;
  until?: string;
  /** Called before the step of that name, with the id of the run. */
  before?: Record<string, (runId: string) => Promise<void>>;
  options?: RunRecord['options'];
};

/** A restore of the archive that `of` made, straight to its end, or up to and with the step `until`. */
export const restoreBySteps = async (on: StepWorld, of: RunRecord, hooks: RestoreHooks = {}): Promise<RunRecord> => {
  const { id, options } = await newRestore(on, of, hooks.options);
  const stepping = begin(id);
  let isOver = false;
  const step = async <T extends Answer>(name: string, input?: unknown): Promise<T | null> => {
    if (isOver) return null;
    await hooks.before?.[name]?.(id);
    isOver = name === hooks.until;
    return does<T>(on, stepping, [name, input]);
  };
  const facts: RestoreFacts = { ...NO_FACTS };
  const plan = await step<Answer & { isRunning: boolean }>('plan-restore', { isLast: true });
  const isRunning = plan?.isRunning === true;
  await step('take-lock');
  if (isRunning && hooks.hasSafety !== false) {
    const safety: Stepping = begin(id);
    const inSafety = async (name: string, input?: unknown) => (isOver ? null : does(on, safety, [name, input]));
    await inSafety('save-keys');
    await inSafety('dump-database', { consistency: 'online' });
    await inSafety('sample-secrets');
    await inSafety('pack-folders', { instance: 'prod', pass: 'first' });
    await inSafety('pack-folders', { instance: 'prod', pass: 'second' });
    await inSafety('verify-dump');
    await inSafety('store-database', { instance: 'prod' });
    await inSafety('prove-key');
    await inSafety('check-references');
    await inSafety('seal-archive', { instance: 'prod', gaps: safety.gaps, tolerance: stepping.tolerance });
  }
  const { only } = options;
  if (only !== 'folders') facts.loaded = (await step('load-database')) as RestoreFacts['loaded'];
  if (only !== 'database') facts.staged = (await step('stage-folders')) as RestoreFacts['staged'];
  if (isRunning) {
    await step('quiesce');
    await step('count-losses');
  }
  await step('stop-server');
  if (only !== 'folders') {
    await step('swap-database');
    await step('load-keys');
  }
  if (only !== 'database') await step('swap-folders');
  await step('start-server');
  facts.probed = (await step('probe-server')) as RestoreFacts['probed'];
  await step('wake-server');
  const cleared = await step<Answer & { kept: string[] }>('clear-aside');
  facts.kept = cleared?.kept ?? [];
  facts.gaps = stepping.gaps;
  const { notes, quietSeconds } = stepping;
  await step('report-run', { failure: null, resumeFailure: null, notes, quietSeconds, restored: facts });
  return (await readRun(on.world, id))!;
};

/** Every file with the hash of its content, and the hash of all rows of each table that people fill. */
export const contentOf = async (on: StepWorld) => ({
  files: await filesOf(on.seeded.home),
  rows: await rowsOf(on.connectionString),
});

const FOLDERS = ['Packages', 'Artifacts', 'TaskLogs', 'EventExports'];

/** Every file of the server's folders with the hash of its content. */
export const filesOf = async (home: string): Promise<Record<string, string>> => {
  const files: Record<string, string> = {};
  for (const folder of FOLDERS)
    for (const entry of await readdir(join(home, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files[path] = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
    }
  return files;
};

/** What the server writes by itself, or a restore means to change. */
const ITS_OWN = new Set([
  'ApiKey',
  'Event',
  'EventRelatedDocument',
  'OctopusServerNode',
  'OctopusServerInstallationHistory',
  'ServerTask',
  'Configuration',
  'KeyAllocation',
]);

/** For each table how many rows it has, and the hash of all of them. */
export const rowsOf = async (connectionString: string): Promise<Record<string, string>> => {
  const database = await openDatabase(connectionString);
  try {
    const tables = await database.query<{ name: string }>('SELECT name FROM sys.tables ORDER BY name');
    const rows: Record<string, string> = {};
    for (const { name } of tables) {
      if (ITS_OWN.has(name)) continue;
      const all = (await database.query(`SELECT * FROM [${name}]`)).map((row) => JSON.stringify(row)).sort();
      rows[name] = `${all.length} ${createHash('sha256').update(JSON.stringify(all)).digest('hex')}`;
    }
    return rows;
  } finally {
    await database.close();
  }
};
