/**
 * Removes what runs that failed or were killed have left behind: dumps on the share, restored copies in SQL Server, files of drills, page
 * tables and half-written records on this host's disk. At the worker's start and every hour; what cannot be removed is tried again an hour later.
 *
 * Nothing goes that a run may still want: the run book says which runs have ended, SQL Server what it still writes. The
 * rest goes when nobody has touched it for an hour. Packs in the store are left to retention.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hostIndexes } from '../../lib/archive/index/host-indexes.ts';
import { sweepPageTables } from '../../lib/archive/dump/page-table.ts';
import { backupSetName, runIdOfBackupFile } from '../../lib/domain/names.ts';
import type { Log } from '../../lib/log.ts';
import type { World } from '../../lib/ports/world.ts';
import { isTemporary, sweepFiles } from '../../lib/repository/lease/host-file.ts';
import { readLock } from '../../lib/repository/lease/lock.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { drillWorld, type DrillWorld } from '../../lib/steps/drilling/drill-world.ts';
import { sweepDrills } from '../../lib/steps/drilling/sweep-drills.ts';
import { sweepScratch } from '../../lib/steps/parts/scratch-database.ts';

const HOUR_MS = 3_600_000;

type SweepWorld = DrillWorld & Pick<World, 'drillPlace' | 'hostDirectory' | 'instanceNames'>;
type Sweeping = { world: SweepWorld; log: Log };

/** Sweeps until `signal` fires. */
export const keepSwept = async (
  world: SweepWorld,
  { signal, log }: { signal: AbortSignal; log: Log },
): Promise<void> => {
  while (!signal.aborted) {
    await sweep({ world, log });
    await world.clock.sleep(HOUR_MS, signal).catch(() => undefined);
  }
};

const sweep = async (sweeping: Sweeping): Promise<void> => {
  const { world, log } = sweeping;
  for (const instance of world.instanceNames()) {
    await tried(log, { instance }, () => sweepShare(sweeping, instance));
    await tried(log, { instance }, () => sweepPages(sweeping, instance));
    await tried(log, { instance }, () => sweepCopies(sweeping, world, instance));
  }
  for (const instance of world.drillPlace?.own?.instances ?? [])
    await tried(log, { instance }, () => sweepCopies(sweeping, drillWorld(world), instance));
  await tried(log, {}, async () => {
    tell(log, {}, await sweepDrills(world, { isAlive: (runId) => isAlive(world, runId) }));
  });
  await tried(log, {}, async () => {
    tell(log, {}, await sweepFiles(world.hostDirectory, { isLeftover: isTemporary, before: anHourAgo(world) }));
  });
};

/** `there` is where copies are restored: beside the instance, or on the SQL Server for drills. */
const sweepCopies = async ({ world, log }: Sweeping, there: DrillWorld, instance: string): Promise<void> => {
  tell(log, { instance }, await sweepScratch(there, instance, { isAlive: (runId) => isAlive(world, runId) }));
};

const sweepShare = async ({ world, log }: Sweeping, instance: string): Promise<void> => {
  const folder = world.instance(instance).database.share.workerPath;
  for (const name of await readdir(folder)) {
    const run = runIdOfBackupFile(instance, name);
    const path = join(folder, name);
    if (run === null) continue;
    await tried(log, { instance, run, path }, async () => {
      if (await isWanted(world, { instance, run, path })) return;
      await rm(path, { force: true });
      tell(log, { instance, run }, [path]);
    });
  }
};

/** A run goes on until the run book says that it has ended; `null` for one that it does not know. */
const isAlive = async (world: SweepWorld, runId: string): Promise<boolean | null> => {
  const known = await readRun(world, runId);
  return known === null ? null : known.status !== 'ended';
};

type BackupFile = { instance: string; run: string; path: string };

const isWanted = async (world: SweepWorld, { instance, run, path }: BackupFile): Promise<boolean> => {
  const known = await readRun(world, run);
  if (known !== null && known.status !== 'ended') return true;
  if (known === null && (await stat(path)).mtime >= anHourAgo(world)) return true;
  // A lost connection ends a run sooner than SQL Server's work on its file.
  const sqlServer = await world.sqlServer(instance);
  return sqlServer.isBackingUp({ database: world.instance(instance).database.name, name: backupSetName(run) });
};

/** The run that holds the lock, also one that was killed and is yet to go on, may be at work on a table. */
const sweepPages = async ({ world, log }: Sweeping, instance: string): Promise<void> => {
  const { holder } = await readLock(world, instance);
  const run = holder && (await readRun(world, holder.runId));
  if (run && run.status !== 'ended') return;
  const { directory } = hostIndexes(world.hostDirectory, instance);
  tell(log, { instance }, await sweepPageTables(directory, anHourAgo(world)));
};

const anHourAgo = ({ clock }: Pick<World, 'clock'>): Date => new Date(clock.now().getTime() - HOUR_MS);

type Where = { instance?: string; run?: string; path?: string };

const tell = (log: Log, where: Where, removed: string[]): void => {
  for (const path of removed) log.info('removed what a run had left behind', { ...where, path });
};

const tried = async (log: Log, where: Where, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    log.warn('what a run left behind could not be removed', { ...where, error });
  }
};
