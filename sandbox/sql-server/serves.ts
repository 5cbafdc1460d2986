/**
 * What the stand-in serves, in SQL Server's words. A test runs the `example` of each line: those of extent `none` are
 * refused with the error in `error`, all others succeed.
 */
export type Served = {
  operation: string;
  extent: 'full' | 'part' | 'none';
  note: string;
  /** A statement that shows it. `{backup}` stands for the path of a backup of the database Sample. */
  example: string;
  /** The error number of what is not served. */
  error?: number;
};

export const serves: readonly Served[] = [
  {
    operation: 'TDS 7.2 to 7.4: PRELOGIN, TLS, LOGIN7, batch, attention, transaction manager',
    extent: 'part',
    note: 'no SSPI, no federated login, no MARS, no bulk load, no TDS 8; login-only encryption is refused',
    example: 'SELECT @@SPID AS id',
  },
  {
    operation: 'RPC',
    extent: 'part',
    note: 'sp_executesql only; parameters of scalar types, at most 2100',
    example: "EXEC sp_help 'Sample'",
    error: 2812,
  },
  {
    operation: 'EXEC sys.sp_addextendedproperty',
    extent: 'part',
    note: 'of the database itself, the value as text',
    example: "USE Sample; EXEC sys.sp_addextendedproperty @name = N'served', @value = N'yes'; USE master",
  },
  {
    operation: 'SELECT',
    extent: 'part',
    note: 'joins, subqueries, CTEs, UNION, GROUP BY, TOP (n), OFFSET … FETCH; CROSS APPLY sys.dm_os_volume_stats; no TOP inside UNION, PERCENT, WITH TIES, other APPLY, PIVOT, FOR JSON or XML; LIKE knows % and _ only',
    example: 'SELECT TOP (1) Id FROM Sample.dbo.Thing ORDER BY Id',
  },
  {
    operation: 'INSERT, UPDATE, DELETE',
    extent: 'part',
    note: 'at most 1000 rows of VALUES; no OUTPUT, MERGE, or UPDATE … FROM',
    example: "UPDATE Sample.dbo.Thing SET Name = N'x' WHERE Id = -1",
  },
  { operation: 'MERGE', extent: 'none', note: '', example: 'MERGE Sample.dbo.Thing AS t', error: 102 },
  {
    operation: 'CREATE, ALTER, DROP, TRUNCATE TABLE; CREATE INDEX',
    extent: 'part',
    note: 'schema dbo; ALTER adds columns only; no computed columns, views, procedures or triggers',
    example: 'CREATE TABLE Sample.dbo.Other (Id int IDENTITY(1,1) PRIMARY KEY); DROP TABLE Sample.dbo.Other',
  },
  {
    operation: 'CREATE VIEW, PROCEDURE, TRIGGER',
    extent: 'none',
    note: '',
    example: 'CREATE VIEW v AS SELECT 1',
    error: 102,
  },
  {
    operation: 'built-in functions',
    extent: 'part',
    note: 'the ones listed in tsql/functions.ts; every other is error 195',
    example: "SELECT STRING_AGG(Name, N',') FROM Sample.dbo.Thing",
    error: 195,
  },
  {
    operation: 'transactions',
    extent: 'part',
    note: 'no savepoints or nesting; one writer per database, others wait; isolation is always that of a snapshot',
    example: 'BEGIN TRANSACTION; COMMIT',
  },
  { operation: 'SAVE TRANSACTION', extent: 'none', note: '', example: 'SAVE TRANSACTION a', error: 102 },
  {
    operation: 'DECLARE, SET, IF, BEGIN … END, PRINT, RAISERROR, WAITFOR DELAY',
    extent: 'part',
    note: 'a batch ends at its first error; no WHILE, TRY, GOTO or cursors',
    example: "DECLARE @n int = 1; IF @n = 1 BEGIN PRINT N'one' END ELSE PRINT N'other'",
  },
  { operation: 'WHILE', extent: 'none', note: '', example: 'WHILE 1 = 0 SELECT 1', error: 102 },
  {
    operation: 'catalog and management views',
    extent: 'part',
    note: 'the views and columns listed in catalog/; others are errors 208 and 207',
    example: 'SELECT name, state_desc FROM sys.databases',
  },
  {
    operation: 'CREATE, DROP, ALTER DATABASE, USE',
    extent: 'part',
    note: 'ALTER sets user access, state, recovery model, TRUSTWORTHY, broker and the like, and renames; READ_ONLY is recorded, not enforced',
    example: 'CREATE DATABASE Other; ALTER DATABASE Other SET RECOVERY SIMPLE; DROP DATABASE Other',
  },
  {
    operation: 'CREATE LOGIN, DROP LOGIN, CREATE USER, ALTER USER, ALTER ROLE',
    extent: 'part',
    note: 'SQL logins; rights follow from server and database roles and are checked for backup, restore, databases and views, not for each table',
    example: "CREATE LOGIN guest1 WITH PASSWORD = N'x'; DROP LOGIN guest1",
  },
  {
    operation: 'ALTER AUTHORIZATION',
    extent: 'part',
    note: 'owners of databases',
    example: 'ALTER AUTHORIZATION ON DATABASE::Sample TO octo',
  },
  { operation: 'GRANT, DENY, REVOKE', extent: 'none', note: '', example: 'GRANT SELECT TO guest', error: 102 },
  { operation: 'KILL', extent: 'part', note: 'sessions by number', example: 'KILL 32000', error: 6106 },
  {
    operation: 'BACKUP DATABASE … TO DISK',
    extent: 'part',
    note: 'full, one file, COPY_ONLY, CHECKSUM, FORMAT or INIT, NAME, STATS, COMPRESSION; page checksums are made at backup, SQLite keeps none on disk',
    example: "BACKUP DATABASE Sample TO DISK = N'served.bak' WITH COPY_ONLY, CHECKSUM, FORMAT, INIT",
  },
  {
    operation: 'BACKUP … TO URL',
    extent: 'none',
    note: '',
    example: "BACKUP DATABASE Sample TO URL = N'https://x'",
    error: 40517,
  },
  { operation: 'BACKUP LOG', extent: 'none', note: '', example: "BACKUP LOG Sample TO DISK = N'x.trn'", error: 40517 },
  {
    operation: 'BACKUP … WITH DIFFERENTIAL, ENCRYPTION',
    extent: 'none',
    note: '',
    example: "BACKUP DATABASE Sample TO DISK = N'x.bak' WITH DIFFERENTIAL",
    error: 40517,
  },
  {
    operation: 'RESTORE HEADERONLY, FILELISTONLY, LABELONLY',
    extent: 'full',
    note: 'LSNs are made up',
    example: "RESTORE HEADERONLY FROM DISK = N'{backup}'",
  },
  {
    operation: 'RESTORE VERIFYONLY',
    extent: 'part',
    note: 'does not look at free space',
    example: "RESTORE VERIFYONLY FROM DISK = N'{backup}' WITH CHECKSUM",
  },
  {
    operation: 'RESTORE DATABASE',
    extent: 'part',
    note: 'MOVE, REPLACE, STATS, RECOVERY, NORECOVERY, RESTRICTED_USER; the upgrade of older versions is not shown; RESTRICTED_USER is recorded, not enforced',
    example: "RESTORE DATABASE Sample FROM DISK = N'{backup}' WITH REPLACE, RECOVERY, STATS = 10",
  },
  {
    operation: 'RESTORE LOG',
    extent: 'none',
    note: '',
    example: "RESTORE LOG Sample FROM DISK = N'x.trn'",
    error: 40517,
  },
  {
    operation: 'DBCC CHECKDB',
    extent: 'part',
    note: "SQLite's integrity check",
    example: 'DBCC CHECKDB (Sample) WITH NO_INFOMSGS',
  },
];
