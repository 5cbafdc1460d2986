/**
 * `SqlServer` over TDS. Backups and verifications run on a connection of their own, named after the work, so that another
 * session can find it again; everything else uses a small pool that looks on.
 *
 * The session's name is `program_name`, which the driver takes from its options: the connection string's is ignored.
 * @see https://learn.microsoft.com/sql/t-sql/statements/backup-transact-sql
 */
import type { Clock } from '../ports/clock.ts';
import type { Secret } from '../domain/secret.ts';
import type { BackUpRequest, BackupResult, SqlServer, Watch } from '../ports/sql-server.ts';
import { systemClock } from './clock.system.ts';
import { isConnectionLost, translated } from './sql-server-errors.ts';
import {
  describeDatabase,
  describeServer,
  finishedBackup,
  headerOf,
  loginsOf,
  rightsIn,
  runningPercent,
} from './sql-server.tds-queries.ts';
import { connectionSettings, lazyPool, NVarChar, openPool, requestOf } from './tds-connection.ts';
import type { Parameters } from './tds-connection.ts';
import { runWatched } from './sql-server.tds-watch.ts';

const APP_NAME = 'octo-keeper';
const LOOK_SECONDS = 60;
const LOST_POLL_SECONDS = 1;

export type SqlServerTdsOptions = {
  connectionString: Secret;
  /** A backup or verification without progress for so long is stopped. */
  stallSeconds: number;
  clock?: Clock;
};

type Work = { sql: string; parameters: Parameters; appName: string; what: string; watch: Watch };

/** @throws DatabaseConnectionInvalid, WindowsLoginUnsupported */
export const sqlServerTds = ({
  connectionString,
  stallSeconds,
  clock = systemClock,
}: SqlServerTdsOptions): SqlServer => {
  const settings = connectionSettings(connectionString);
  const look = lazyPool(() =>
    openPool(settings, { database: 'master', appName: APP_NAME, max: 2, requestSeconds: LOOK_SECONDS }),
  );

  /** One long statement on a connection of its own. */
  const perform = async ({ sql, parameters, appName, what, watch }: Work): Promise<void> => {
    const pool = await openPool(settings, { database: 'master', appName, max: 1, requestSeconds: 0 });
    try {
      const lookAtPercent = async () => runningPercent(await look.get(), appName);
      await runWatched({ request: requestOf(pool, parameters), sql, what, stallSeconds, clock, watch, lookAtPercent });
    } finally {
      await pool.close();
    }
  };

  /** The connection is gone and nobody said how it ended: while it runs it may succeed, afterwards the history knows. */
  const resolveLost = async (request: BackUpRequest, { signal }: Watch): Promise<BackupResult | null> => {
    while ((await runningPercent(await look.get(), request.name)) !== null)
      await clock.sleep(LOST_POLL_SECONDS * 1000, signal);
    return finishedBackup(await look.get(), request);
  };

  const backUp = async (request: BackUpRequest, watch: Watch): Promise<BackupResult> => {
    const { database, path, name, isCompressed } = request;
    const what = `backup of "${database}"`;
    const startedAt = clock.now().toISOString();
    const options = `COPY_ONLY, CHECKSUM, FORMAT, INIT, NAME = @name, STATS = 1, ${isCompressed ? '' : 'NO_'}COMPRESSION`;
    const sql = `BACKUP DATABASE @database TO DISK = @path WITH ${options}`;
    const parameters: Parameters = {
      database: [NVarChar(128), database],
      path: [NVarChar(260), path],
      name: [NVarChar(128), name],
    };
    try {
      await perform({ sql, parameters, appName: name, what, watch });
    } catch (thrown) {
      watch.signal?.throwIfAborted();
      const result = isConnectionLost(thrown) ? await resolveLost(request, watch) : null;
      if (result !== null) return result;
      throw translated(thrown, { what, facts: { database, path } });
    }
    // The history may be closed to us or its row missing (3009) while the backup is good.
    const recorded = await finishedBackup(await look.get(), request).catch(() => null);
    return recorded ?? { startedAt, finishedAt: clock.now().toISOString() };
  };

  const verifyBackup = async (path: string, watch: Watch): Promise<void> => {
    const what = `verification of ${path}`;
    const sql = 'RESTORE VERIFYONLY FROM DISK = @path WITH CHECKSUM, STATS = 1';
    try {
      await perform({
        sql,
        parameters: { path: [NVarChar(260), path] },
        appName: `${APP_NAME} verify ${path}`.slice(0, 128),
        what,
        watch,
      });
    } catch (thrown) {
      watch.signal?.throwIfAborted();
      throw translated(thrown, { what, facts: { path } });
    }
  };

  return {
    describe: async () => describeServer(await look.get()),
    database: async (name) => describeDatabase(await look.get(), name),
    rights: async (database) => rightsIn(await look.get(), database),
    backUp,
    isBackingUp: async ({ name }) => (await runningPercent(await look.get(), name)) !== null,
    verifyBackup,
    readHeader: async (path) => headerOf(await look.get(), path),
    logins: async (database) => loginsOf(await look.get(), database),
    close: () => look.close(),
  };
};
