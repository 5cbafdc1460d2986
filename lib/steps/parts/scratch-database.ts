/**
 * The archive's database beside all others, under a name made from the run: brought in, found again, removed.
 *
 * A second attempt awaits a restore that still runs, takes a finished copy as it is, and removes a broken-off one. The
 * copy is nobody's until it is swapped in; what it holds is looked at in `database/prove-copy.ts`.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../domain/archives/archive.ts';
import { OctoError } from '../../domain/errors.ts';
import {
  loadSessionName,
  runIdOfLoadFile,
  runIdOfScratch,
  SCRATCH_PREFIX,
  scratchDatabaseName,
} from '../../domain/names.ts';
import type { SqlServer } from '../../ports/sql-server.ts';
import type { World } from '../../ports/world.ts';
import { watched } from './watched.ts';
import { removeLoadFile, writeLoadFile, type Beating, type Loading } from './database/load-file.ts';

type LoadWorld = Pick<World, 'instance' | 'archives' | 'clock' | 'sqlServer'>;

export type ScratchDatabase = { name: string; guid: string };

/** @throws DumpNotTrusted, RestoreRoomMissing, DatabaseExists, LoadFileDamaged, and what SQL Server said */
export const bringIn = async (world: LoadWorld, loading: Loading, context: Beating): Promise<ScratchDatabase> => {
  const sqlServer = await world.sqlServer(loading.instance);
  await awaitRunning(world, { sqlServer, runId: loading.runId }, context);
  const there = await findCopy(sqlServer, loading);
  if (there === null) await restoreCopy(world, { sqlServer, loading }, context);
  await removeLoadFile(world, loading);
  return there ?? (await requireCopy(sqlServer, loading));
};

const restoreCopy = async (
  world: LoadWorld,
  { sqlServer, loading }: { sqlServer: SqlServer; loading: Loading },
  context: Beating,
): Promise<void> => {
  const { sqlServerPath: path } = await writeLoadFile(world, loading, context);
  await requireTrusted(sqlServer, path, loading.manifest);
  const database = scratchDatabaseName(loading.runId);
  // What a broken-off restore has left takes the room that this one needs.
  if ((await sqlServer.database(database))?.state === 'RESTORING') await sqlServer.drop(database);
  await requireRoom(sqlServer, path);
  const text = `restoring ${loading.manifest.dump.database} as ${database}`;
  await context.beat({ percent: 0, text });
  await watched(context, text, (watch) =>
    sqlServer.restore({ path, database, name: loadSessionName(loading.runId) }, watch),
  );
};

const WAIT_SECONDS = 5;

/** A worker that died, or a lost connection, may have left SQL Server at work. */
const awaitRunning = async (
  world: Pick<World, 'clock'>,
  { sqlServer, runId }: { sqlServer: SqlServer; runId: string },
  { beat, signal }: Beating,
): Promise<void> => {
  while (await sqlServer.isRestoring({ name: loadSessionName(runId) })) {
    await beat({ text: 'waiting for the restore that an earlier attempt began' });
    await world.clock.sleep(WAIT_SECONDS * 1000, signal);
  }
};

/** A database of that name is open only once its restore went through; the family says of which database it is. */
const findCopy = async (sqlServer: SqlServer, { runId, manifest }: Loading): Promise<ScratchDatabase | null> => {
  const found = await sqlServer.database(scratchDatabaseName(runId));
  const isOurs = found?.state === 'ONLINE' && found.familyGuid === manifest.dump.familyGuid;
  return isOurs ? { name: found.name, guid: found.guid } : null;
};

const requireCopy = async (sqlServer: SqlServer, loading: Loading): Promise<ScratchDatabase> => {
  const found = await findCopy(sqlServer, loading);
  if (found !== null) return found;
  const name = scratchDatabaseName(loading.runId);
  throw new OctoError('DumpNotTrusted', `what was restored as ${name} is not ${loading.manifest.dump.database}`);
};

const requireTrusted = async (sqlServer: SqlServer, path: string, { dump, archiveId }: Manifest): Promise<void> => {
  const header = await sqlServer.readHeader(path);
  const isTheOne = header.name === dump.backupSetName && header.familyGuid === dump.familyGuid;
  if (isTheOne && header.hasChecksums && !header.isDamaged) return;
  throw new OctoError('DumpNotTrusted', `the dump of ${archiveId} holds ${header.name} of ${header.database}`, {
    facts: { archiveId, hasChecksums: header.hasChecksums, isDamaged: header.isDamaged },
  });
};

/** Only now the files are known as large as they will be; a server that does not tell its room finds out by itself. */
const requireRoom = async (sqlServer: SqlServer, path: string): Promise<void> => {
  const [files, free] = [await sqlServer.readFileList(path), await sqlServer.freeBytes()];
  for (const [kind, freeBytes] of Object.entries(free)) {
    const needBytes = files
      .filter(({ type }) => (type === 'L') === (kind === 'log'))
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (freeBytes === null || needBytes <= freeBytes) continue;
    throw new OctoError(
      'RestoreRoomMissing',
      `the ${kind} files need ${needBytes} bytes on SQL Server, which has ${freeBytes}`,
      {
        facts: { kind, needBytes, freeBytes },
      },
    );
  }
};

/** The copy of a run and its file go; a copy that was swapped in has another name by now, and stays. */
export const discardScratch = async (
  world: Pick<World, 'instance' | 'sqlServer'>,
  { id, instance }: { id: string; instance: string },
): Promise<void> => {
  await removeLoadFile(world, { runId: id, instance });
  await (await world.sqlServer(instance)).drop(scratchDatabaseName(id));
};

type SweepWorld = Pick<World, 'instance' | 'sqlServer' | 'clock'>;
/** `null`: nobody knows this run. */
export type IsAlive = (runId: string) => Promise<boolean | null>;

const HOUR_MS = 3_600_000;

/**
 * Removes the copies and files of runs that have ended; answers what went. Databases of runs that nobody knows stay, since
 * another installation may share the SQL Server; their files on our own share go when they are an hour old.
 */
export const sweepScratch = async (
  world: SweepWorld,
  instance: string,
  { isAlive }: { isAlive: IsAlive },
): Promise<string[]> => {
  const sqlServer = await world.sqlServer(instance);
  const removed: string[] = [];
  for (const { name } of await sqlServer.databases(SCRATCH_PREFIX)) {
    const runId = runIdOfScratch(name);
    if (runId === null || (await isAlive(runId)) !== false) continue;
    if (await sqlServer.isRestoring({ name: loadSessionName(runId) })) continue;
    await sqlServer.drop(name);
    removed.push(`database ${name}`);
  }
  return [...removed, ...(await sweepLoadFiles(world, instance, { isAlive, sqlServer }))];
};

const sweepLoadFiles = async (
  world: SweepWorld,
  instance: string,
  { isAlive, sqlServer }: { isAlive: IsAlive; sqlServer: SqlServer },
): Promise<string[]> => {
  const folder = world.instance(instance).database.share.workerPath;
  const removed: string[] = [];
  for (const name of await readdir(folder)) {
    const runId = runIdOfLoadFile(instance, name);
    if (runId === null) continue;
    const path = join(folder, name);
    const alive = await isAlive(runId);
    const isYoung = async () => (await stat(path)).mtimeMs >= world.clock.now().getTime() - HOUR_MS;
    if (alive === true || (alive === null && (await isYoung()))) continue;
    if (await sqlServer.isRestoring({ name: loadSessionName(runId) })) continue;
    await rm(path, { force: true });
    removed.push(path);
  }
  return removed;
};
