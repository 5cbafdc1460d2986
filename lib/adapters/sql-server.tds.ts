/**
 * `SqlServer` over TDS. Backups, verifications, restores and checks run on a connection of their own, named after the work, so that another
 * session can find it again; everything else uses a small pool that looks on.
 *
 * The session's name is `program_name`, which the driver takes from its options: the connection string's is ignored.
 */
import type { Secret } from '../domain/secrets/secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { SqlServer } from '../ports/sql-server.ts';
import { systemClock } from './clock.system.ts';
import { configure, drop, rename } from './tds/sql-server.tds-change.ts';
import {
  databasesNamed,
  describeDatabase,
  describeServer,
  headerOf,
  loginsOf,
  rightsIn,
  runningPercent,
} from './tds/sql-server.tds-queries.ts';
import { checkDatabase, fileListOf, freeBytes, restore } from './tds/sql-server.tds-restore.ts';
import { repairUsers } from './tds/sql-server.tds-users.ts';
import { backUp, verifyBackup } from './tds/sql-server.tds-work.ts';
import { connectionSettings, lazyPool, openPool } from './tds/tds-connection.ts';

const LOOKING = { database: 'master', appName: 'octo-keeper', max: 2, requestSeconds: 60 };

export type SqlServerTdsOptions = {
  connectionString: Secret;
  /** A backup or verification without progress for so long is stopped. */
  stallSeconds: number;
  clock?: Clock;
};

/** @throws DatabaseConnectionInvalid, WindowsLoginUnsupported */
export const sqlServerTds = (options: SqlServerTdsOptions): SqlServer => {
  const { connectionString, stallSeconds, clock = systemClock } = options;
  const settings = connectionSettings(connectionString);
  const pool = lazyPool(() => openPool(settings, LOOKING));
  const look = () => pool.get();
  const server = { settings, look, stallSeconds, clock };
  return {
    describe: async () => describeServer(await look()),
    database: async (name) => describeDatabase(await look(), name),
    rights: async (database) => rightsIn(await look(), database),
    backUp: (request, watch) => backUp(server, request, watch),
    isBackingUp: async ({ name }) => (await runningPercent(await look(), name)) !== null,
    verifyBackup: (path, watch) => verifyBackup(server, path, watch),
    readHeader: async (path) => headerOf(await look(), path),
    logins: async (database) => loginsOf(await look(), database),
    readFileList: async (path) => fileListOf(await look(), path),
    freeBytes: async () => freeBytes(await look()),
    restore: (request, watch) => restore(server, request, watch),
    isRestoring: async ({ name }) => (await runningPercent(await look(), name)) !== null,
    checkDatabase: (name, watch) => checkDatabase(server, name, watch),
    databases: async (prefix) => databasesNamed(await look(), prefix),
    rename: (request) => rename(settings, request),
    configure: (name, wanted) => configure(settings, name, wanted),
    repairUsers: (database, wanted) => repairUsers(settings, database, wanted),
    drop: (name) => drop(settings, name),
    close: () => pool.close(),
  };
};
