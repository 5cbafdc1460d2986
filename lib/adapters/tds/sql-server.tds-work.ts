/**
 * Backup and verification: long statements on a connection of their own, whose `program_name` is the name of the work.
 * Restoring is beside, in `sql-server.tds-restore.ts`.
 *
 * @see https://learn.microsoft.com/sql/t-sql/statements/backup-transact-sql
 */
import type { config, ConnectionPool } from 'mssql';
import type { Clock } from '../../ports/clock.ts';
import type { BackUpRequest, BackupResult, Watch } from '../../ports/sql-server.ts';
import { isConnectionLost, translated } from './sql-server-errors.ts';
import { finishedBackup, runningPercent } from './sql-server.tds-queries.ts';
import { runWatched } from './sql-server.tds-watch.ts';
import { NVarChar, openPool, requestOf } from './tds-connection.ts';
import type { Parameters } from './tds-connection.ts';

/** How often to look whether work goes on whose connection was lost. */
export const LOST_POLL_SECONDS = 1;

export type Server = {
  settings: config;
  /** A pool for short questions while the work goes on. */
  look: () => Promise<ConnectionPool>;
  stallSeconds: number;
  clock: Clock;
};

type Work = { sql: string; parameters: Parameters; appName: string; what: string; watch: Watch };

/** One long statement on a connection of its own; what goes wrong comes out as the driver threw it. */
export const perform = async (server: Server, { sql, parameters, appName, what, watch }: Work): Promise<void> => {
  const { settings, look, stallSeconds, clock } = server;
  const pool = await openPool(settings, { database: 'master', appName, max: 1, requestSeconds: 0 });
  try {
    const lookAtPercent = async () => runningPercent(await look(), appName);
    await runWatched({ request: requestOf(pool, parameters), sql, what, stallSeconds, clock, watch, lookAtPercent });
  } finally {
    await pool.close();
  }
};

/** The connection is gone and nobody said how it ended: while it runs it may succeed, afterwards the history knows. */
const resolveLost = async (server: Server, request: BackUpRequest, watch: Watch): Promise<BackupResult | null> => {
  while ((await runningPercent(await server.look(), request.name)) !== null) {
    await server.clock.sleep(LOST_POLL_SECONDS * 1000, watch.signal);
  }
  return finishedBackup(await server.look(), request);
};

export const backUp = async (server: Server, request: BackUpRequest, watch: Watch): Promise<BackupResult> => {
  const { database, path, name, isCompressed } = request;
  const { clock, look } = server;
  const startedAt = clock.now().toISOString();
  const what = `backup of "${database}"`;
  const options = `COPY_ONLY, CHECKSUM, FORMAT, INIT, NAME = @name, STATS = 1, ${isCompressed ? '' : 'NO_'}COMPRESSION`;
  const sql = `BACKUP DATABASE @database TO DISK = @path WITH ${options}`;
  const parameters: Parameters = {
    database: [NVarChar(128), database],
    path: [NVarChar(260), path],
    name: [NVarChar(128), name],
  };
  try {
    await perform(server, { sql, parameters, appName: name, what, watch });
  } catch (thrown) {
    watch.signal?.throwIfAborted();
    const result = isConnectionLost(thrown) ? await resolveLost(server, request, watch) : null;
    if (result !== null) return result;
    throw translated(thrown, { what, facts: { database, path } });
  }
  // The history may be closed to us or its row missing (3009) while the backup is good.
  const recorded = await look()
    .then((pool) => finishedBackup(pool, request))
    .catch(() => null);
  return recorded ?? { startedAt, finishedAt: clock.now().toISOString() };
};

export const verifyBackup = async (server: Server, path: string, watch: Watch): Promise<void> => {
  const what = `verification of ${path}`;
  const sql = 'RESTORE VERIFYONLY FROM DISK = @path WITH CHECKSUM, STATS = 1';
  const appName = `octo-keeper verify ${path}`.slice(0, 128);
  try {
    await perform(server, { sql, parameters: { path: [NVarChar(260), path] }, appName, what, watch });
  } catch (thrown) {
    watch.signal?.throwIfAborted();
    throw translated(thrown, { what, facts: { path } });
  }
};
