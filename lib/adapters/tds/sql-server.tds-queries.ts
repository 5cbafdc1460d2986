/** What SQL Server tells about itself, a database and its logins: the statements, and their rows as the port wants them. */
import type { ConnectionPool } from 'mssql';
import type { BackupHeader, DatabaseDescription, SqlLogin, SqlServerDescription } from '../../ports/sql-server.ts';
import { OctoError, isOctoError } from '../../domain/errors.ts';
import { bracketed, NVarChar, rowsOf } from './tds-connection.ts';

const PAGE_BYTES = 8192;
const nameOf = (name: string) => [NVarChar(128), name] as const;

const DESCRIBE = `SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')) AS version,
  CONVERT(nvarchar(128), SERVERPROPERTY('Edition')) AS edition, CONVERT(int, SERVERPROPERTY('EngineEdition')) AS engineEdition,
  CONVERT(nvarchar(128), SERVERPROPERTY('Collation')) AS collation, CONVERT(nvarchar(128), SERVERPROPERTY('ServerName')) AS serverName, SYSUTCDATETIME() AS utcNow,
  CONVERT(nvarchar(260), SERVERPROPERTY('InstanceDefaultDataPath')) AS defaultDataPath,
  CONVERT(nvarchar(260), SERVERPROPERTY('InstanceDefaultLogPath')) AS defaultLogPath,
  CONVERT(nvarchar(260), SERVERPROPERTY('InstanceDefaultBackupPath')) AS defaultBackupPath,
  CASE WHEN DB_ID(N'rdsadmin') IS NOT NULL AND SUSER_SNAME(0x01) = N'rdsa' THEN 1 ELSE 0 END AS isRds`;

type Described = Omit<SqlServerDescription, 'isRds' | 'majorVersion' | 'utcNow'> & { isRds: number; utcNow: Date };

export const describeServer = async (pool: ConnectionPool): Promise<SqlServerDescription> => {
  const [row] = await rowsOf<Described>(pool, { sql: DESCRIBE }, { what: 'describing SQL Server' });
  if (row === undefined) throw new OctoError('Bug', 'SQL Server described itself with no row');
  return {
    ...row,
    majorVersion: Number.parseInt(row.version, 10),
    utcNow: row.utcNow.toISOString(),
    isRds: row.isRds === 1,
  };
};

const DATABASE = `SELECT d.name, r.database_guid AS guid, r.family_guid AS familyGuid, d.collation_name AS collation,
  d.recovery_model_desc AS recoveryModel, d.state_desc AS state, d.compatibility_level AS compatibilityLevel,
  SUSER_SNAME(d.owner_sid) AS owner, d.is_read_committed_snapshot_on AS isReadCommittedSnapshotOn,
  d.is_trustworthy_on AS isTrustworthy, d.is_broker_enabled AS isBrokerEnabled, d.replica_id AS replica
  FROM sys.databases d LEFT JOIN sys.database_recovery_status r ON r.database_id = d.database_id WHERE d.name = @name`;

type DatabaseRow = Omit<DatabaseDescription, 'allocatedBytes' | 'isInAvailabilityGroup'> & { replica: string | null };

export const describeDatabase = async (pool: ConnectionPool, name: string): Promise<DatabaseDescription | null> => {
  const undertaking = { what: `describing "${name}"` };
  const [row] = await rowsOf<DatabaseRow>(pool, { sql: DATABASE, parameters: { name: nameOf(name) } }, undertaking);
  if (row === undefined) return null;
  const { replica, ...description } = row;
  return { ...description, isInAvailabilityGroup: replica !== null, allocatedBytes: await allocatedBytes(pool, row) };
};

/** Those whose name starts with `prefix`, by name. */
export const databasesNamed = async (pool: ConnectionPool, prefix: string): Promise<DatabaseDescription[]> => {
  const rows = await rowsOf<{ name: string }>(
    pool,
    {
      sql: 'SELECT name FROM sys.databases WHERE CHARINDEX(@prefix, name) = 1 ORDER BY name',
      parameters: { prefix: nameOf(prefix) },
    },
    { what: 'listing databases' },
  );
  const described = await Promise.all(rows.map(({ name }) => describeDatabase(pool, name)));
  return described.filter((one) => one !== null);
};

/** Space in use; the size of the files where the login may not look closer or the database is not open to it. */
const allocatedBytes = async (pool: ConnectionPool, { name, state }: DatabaseRow): Promise<number> => {
  const ofSpace = `SELECT SUM(allocated_extent_page_count) AS pages FROM ${bracketed(name)}.sys.dm_db_file_space_usage`;
  const ofFiles = `SELECT SUM(CONVERT(bigint, f.size)) AS pages FROM sys.master_files f WHERE f.database_id = DB_ID(@name) AND f.type = 0`;
  const undertaking = { what: `measuring "${name}"` };
  const read = async (sql: string): Promise<number> => {
    const [row] = await rowsOf<{ pages: string | number | null }>(
      pool,
      { sql, parameters: { name: nameOf(name) } },
      undertaking,
    );
    return Number(row?.pages ?? 0) * PAGE_BYTES;
  };
  if (state !== 'ONLINE') return read(ofFiles);
  try {
    return await read(ofSpace);
  } catch (thrown) {
    if (isOctoError(thrown, 'DatabaseRightsMissing', 'DatabaseNotAccessible', 'DatabaseInUse', 'DatabaseOffline'))
      return read(ofFiles);
    throw thrown;
  }
};

const RIGHTS = `SELECT HAS_PERMS_BY_NAME(QUOTENAME(@name), N'DATABASE', N'BACKUP DATABASE') AS canBackUp,
  CASE WHEN HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') = 1 OR SUSER_SNAME(d.owner_sid) = SUSER_SNAME() THEN 1 ELSE 0 END AS canRestore,
  HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS canViewServerState
  FROM (SELECT 1 AS one) o LEFT JOIN sys.databases d ON d.name = @name`;

export const rightsIn = async (pool: ConnectionPool, name: string) => {
  type Row = { canBackUp: number | null; canRestore: number; canViewServerState: number | null };
  const [row] = await rowsOf<Row>(
    pool,
    { sql: RIGHTS, parameters: { name: nameOf(name) } },
    { what: `reading rights in "${name}"` },
  );
  return {
    canBackUp: row?.canBackUp === 1,
    canRestore: row?.canRestore === 1,
    canViewServerState: row?.canViewServerState === 1,
  };
};

const LOGINS = (
  database: string,
): string => `SELECT u.name AS [user], l.name AS login, u.sid AS sid, u.type_desc AS type,
  l.default_database_name AS defaultDatabase, role.name AS role, 0 AS isServerRole
  FROM ${database}.sys.database_principals u LEFT JOIN sys.server_principals l ON l.sid = u.sid
  LEFT JOIN ${database}.sys.database_role_members m ON m.member_principal_id = u.principal_id
  LEFT JOIN ${database}.sys.database_principals role ON role.principal_id = m.role_principal_id
  WHERE u.type IN ('S', 'U', 'G') AND u.sid IS NOT NULL AND u.name NOT IN (N'guest', N'sys', N'INFORMATION_SCHEMA')
  UNION ALL
  SELECT u.name, l.name, u.sid, u.type_desc, l.default_database_name, role.name, 1
  FROM ${database}.sys.database_principals u JOIN sys.server_principals l ON l.sid = u.sid
  JOIN sys.server_role_members m ON m.member_principal_id = l.principal_id
  JOIN sys.server_principals role ON role.principal_id = m.role_principal_id
  WHERE u.type IN ('S', 'U', 'G')`;

type LoginRow = {
  user: string;
  login: string | null;
  sid: Buffer;
  type: string;
  defaultDatabase: string | null;
  role: string | null;
  isServerRole: number;
};

export const loginsOf = async (pool: ConnectionPool, database: string): Promise<SqlLogin[]> => {
  const rows = await rowsOf<LoginRow>(
    pool,
    { sql: LOGINS(bracketed(database)) },
    { what: `listing users of "${database}"` },
  );
  const users = Map.groupBy(rows, ({ user }) => user);
  return [...users.values()]
    .map((ofUser) => {
      const { user, login, sid, type, defaultDatabase } = ofUser[0] as LoginRow;
      const rolesWhere = (isServerRole: number): string[] =>
        ofUser.flatMap((row) => (row.role !== null && row.isServerRole === isServerRole ? [row.role] : [])).sort();
      return {
        user,
        login,
        sid: `0x${sid.toString('hex').toUpperCase()}`,
        type,
        defaultDatabase,
        roles: rolesWhere(0),
        serverRoles: rolesWhere(1),
      };
    })
    .sort((a, b) => a.user.localeCompare(b.user));
};

export type SessionKey = { database: string; name: string };

const RUNNING = `SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS canView, r.percent_complete AS [percent]
  FROM (SELECT 1 AS one) o
  LEFT JOIN sys.dm_exec_sessions s ON s.program_name = @name
  LEFT JOIN sys.dm_exec_requests r ON r.session_id = s.session_id
    AND (r.command IN (N'BACKUP DATABASE', N'RESTORE DATABASE') OR r.command LIKE N'RESTORE VERIFYON%' OR r.command LIKE N'DBCC%')`;

/** The percentage of the work of sessions with this name, null when there is none. @throws DatabaseRightsMissing */
export const runningPercent = async (pool: ConnectionPool, name: string): Promise<number | null> => {
  type Row = { canView: number | null; percent: number | null };
  const rows = await rowsOf<Row>(
    pool,
    { sql: RUNNING, parameters: { name: nameOf(name) } },
    { what: `looking for "${name}"` },
  );
  // Without the right SQL Server shows one's own session only: an empty answer would not mean that nothing runs.
  if (rows.some(({ canView }) => canView !== 1))
    throw new OctoError('DatabaseRightsMissing', `cannot see whether "${name}" runs: no VIEW SERVER STATE`);
  const percents = rows.flatMap(({ percent }) => (percent === null ? [] : [percent]));
  return percents.length === 0 ? null : Math.max(...percents);
};

const FINISHED = `SELECT TOP (1) backup_start_date AS startedAt, backup_finish_date AS finishedAt,
  DATEPART(TZOFFSET, SYSDATETIMEOFFSET()) AS offsetMinutes
  FROM msdb.dbo.backupset WHERE name = @name AND database_name = @database ORDER BY backup_set_id DESC`;

/** SQL Server keeps its own local time; the driver hands it out as if it were UTC. */
const toUtc = (local: Date, offsetMinutes: number): string =>
  new Date(local.getTime() - offsetMinutes * 60_000).toISOString();

/** When the backup of this name began and ended, from the history; null when it did not succeed. */
export const finishedBackup = async (pool: ConnectionPool, { database, name }: SessionKey) => {
  type Row = { startedAt: Date; finishedAt: Date; offsetMinutes: number };
  const parameters = { name: nameOf(name), database: nameOf(database) };
  const [row] = await rowsOf<Row>(pool, { sql: FINISHED, parameters }, { what: `looking up backup "${name}"` });
  if (row === undefined) return null;
  return { startedAt: toUtc(row.startedAt, row.offsetMinutes), finishedAt: toUtc(row.finishedAt, row.offsetMinutes) };
};

type HeaderRow = {
  BackupName: string | null;
  DatabaseName: string | null;
  ServerName: string;
  SoftwareVersionMajor: number;
  BackupSize: number;
  HasBackupChecksums: boolean;
  IsDamaged: boolean;
  IsCopyOnly: boolean;
  FamilyGUID: string;
  BackupStartDate: Date;
  BackupFinishDate: Date;
};

export const headerOf = async (pool: ConnectionPool, path: string): Promise<BackupHeader> => {
  const undertaking = { what: `reading the header of ${path}`, facts: { path } };
  const parameters = { path: [NVarChar(260), path] as const };
  const sets = await rowsOf<HeaderRow>(pool, { sql: 'RESTORE HEADERONLY FROM DISK = @path', parameters }, undertaking);
  const [set, another] = sets;
  if (set === undefined || another !== undefined)
    throw new OctoError('BackupUnreadable', `${path} holds ${sets.length} backup sets, not one`, { facts: { path } });
  // A set that was never finished is listed all the same, as "*** INCOMPLETE ***" with nothing known about it.
  if (set.DatabaseName === null)
    throw new OctoError('BackupIncomplete', `the backup in ${path} was never finished`, { facts: { path } });
  const [offset] = await rowsOf<{ minutes: number }>(
    pool,
    { sql: 'SELECT DATEPART(TZOFFSET, SYSDATETIMEOFFSET()) AS minutes' },
    undertaking,
  );
  const minutes = offset?.minutes ?? 0;
  return {
    name: set.BackupName ?? '',
    database: set.DatabaseName,
    serverName: set.ServerName,
    softwareMajorVersion: set.SoftwareVersionMajor,
    sizeBytes: set.BackupSize,
    hasChecksums: set.HasBackupChecksums,
    isDamaged: set.IsDamaged,
    isCopyOnly: set.IsCopyOnly,
    familyGuid: set.FamilyGUID,
    startedAt: toUtc(set.BackupStartDate, minutes),
    finishedAt: toUtc(set.BackupFinishDate, minutes),
  };
};
