/**
 * A backup brought in as a new database: its files placed in the server's default folders, watched to the end.
 *
 * MOVE takes literals only, so paths are quoted into the statement. A lost connection decides nothing: whether the restore
 * went through is read from the database itself. @see https://learn.microsoft.com/sql/t-sql/statements/restore-statements-transact-sql
 */
import type { ConnectionPool } from 'mssql';
import { joinAsWritten } from '../../domain/instance.ts';
import { OctoError, isOctoError } from '../../domain/errors.ts';
import type { BackupFile, RestoreRequest, SqlServerDescription, Watch } from '../../ports/sql-server.ts';
import { isConnectionLost, serverErrors, translated } from './sql-server-errors.ts';
import { describeDatabase, describeServer, runningPercent } from './sql-server.tds-queries.ts';
import { LOST_POLL_SECONDS, perform, type Server } from './sql-server.tds-work.ts';
import { NVarChar, rowsOf } from './tds-connection.ts';

type FileListRow = { LogicalName: string; PhysicalName: string; Type: string; Size: number };

export const fileListOf = async (pool: ConnectionPool, path: string): Promise<BackupFile[]> => {
  const rows = await rowsOf<FileListRow>(
    pool,
    { sql: 'RESTORE FILELISTONLY FROM DISK = @path', parameters: { path: [NVarChar(260), path] } },
    { what: `listing the files in ${path}`, facts: { path } },
  );
  return rows.map(({ LogicalName, PhysicalName, Type, Size }) => ({
    logicalName: LogicalName,
    physicalName: PhysicalName,
    type: Type.trim(),
    sizeBytes: Size,
  }));
};

export const restore = async (server: Server, request: RestoreRequest, watch: Watch): Promise<void> => {
  const { path, database, name } = request;
  const what = `restore of ${path} as "${database}"`;
  const pool = await server.look();
  await refuseExisting(pool, database);
  const moves = movesOf(await fileListOf(pool, path), { database, server: await describeServer(pool) });
  // REPLACE goes over what a broken-off restore has left: a database of any other state was refused above.
  const sql = `RESTORE DATABASE @database FROM DISK = @path WITH CHECKSUM, REPLACE, RECOVERY, STATS = 1, ${moves.join(', ')}`;
  const parameters = { database: [NVarChar(128), database], path: [NVarChar(260), path] } as const;
  try {
    await perform(server, { sql, parameters, appName: name, what, watch });
  } catch (thrown) {
    watch.signal?.throwIfAborted();
    if (isConnectionLost(thrown) && (await isThereAfterAll(server, request, watch))) return;
    throw translated(thrown, { what, facts: { path, database } });
  }
};

const refuseExisting = async (pool: ConnectionPool, database: string): Promise<void> => {
  const existing = await describeDatabase(pool, database);
  if (existing === null || existing.state === 'RESTORING') return;
  throw new OctoError('DatabaseExists', `there is a database "${existing.name}" already, ${existing.state}`, {
    facts: { database, guid: existing.guid, state: existing.state },
  });
};

type Target = { database: string; server: SqlServerDescription };

/** The first file of rows is `.mdf`, further ones `.ndf`; names need no more than to be this database's own. */
const movesOf = (files: readonly BackupFile[], { database, server }: Target): string[] => {
  const { defaultDataPath, defaultLogPath } = server;
  if (defaultDataPath === null || defaultLogPath === null) {
    throw new OctoError('RestorePathRefused', `SQL Server ${server.serverName} names no default folders for its files`);
  }
  const first = files.findIndex(({ type }) => type === 'D');
  return files.map(({ logicalName, type }, i) => {
    const [folder, ending] =
      type === 'L'
        ? [defaultLogPath, i === files.findIndex((file) => file.type === 'L') ? '_log.ldf' : `_${i}.ldf`]
        : [defaultDataPath, i === first ? '.mdf' : type === 'D' ? `_${i}.ndf` : `_${i}`];
    return `MOVE ${quotedText(logicalName)} TO ${quotedText(joinAsWritten(folder, `${database}${ending}`))}`;
  });
};

const quotedText = (text: string): string => `N'${text.replaceAll("'", "''")}'`;

const isThereAfterAll = async (
  server: Server,
  { database, name }: RestoreRequest,
  { signal }: Watch,
): Promise<boolean> => {
  while ((await runningPercent(await server.look(), name)) !== null) {
    await server.clock.sleep(LOST_POLL_SECONDS * 1000, signal);
  }
  return (await describeDatabase(await server.look(), database))?.state === 'ONLINE';
};

/** Free bytes on each volume that holds a database file, by mount point. */
const VOLUMES = `SELECT v.volume_mount_point AS mount, MIN(v.available_bytes) AS free FROM sys.master_files f
  CROSS APPLY sys.dm_os_volume_stats(f.database_id, f.file_id) v GROUP BY v.volume_mount_point`;

export const freeBytes = async (pool: ConnectionPool): Promise<{ data: number | null; log: number | null }> => {
  const { defaultDataPath, defaultLogPath } = await describeServer(pool);
  const volumes = await rowsOf<{ mount: string; free: string }>(
    pool,
    { sql: VOLUMES },
    { what: 'measuring the volumes of SQL Server' },
  ).catch((thrown: unknown) => {
    if (isOctoError(thrown, 'DatabaseRightsMissing')) return [];
    throw thrown;
  });
  // A folder may be a mount point of its own: the longest that the path begins with is the one.
  const freeAt = (path: string | null): number | null => {
    const lowered = path?.toLowerCase() ?? '';
    const [volume] = volumes
      .filter(({ mount }) => mount !== '' && lowered.startsWith(mount.toLowerCase()))
      .toSorted((a, b) => b.mount.length - a.mount.length);
    return volume === undefined ? null : Number(volume.free);
  };
  return { data: freeAt(defaultDataPath), log: freeAt(defaultLogPath) };
};

/** Messages of DBCC that mean damage; its other errors mean that it could not look. */
const isDamage = (number: number): boolean =>
  (number >= 2501 && number <= 2599) || (number >= 5228 && number <= 5260) || (number >= 8900 && number <= 8999);

export const checkDatabase = async (server: Server, name: string, watch: Watch): Promise<void> => {
  const what = `DBCC CHECKDB of "${name}"`;
  const sql = `DBCC CHECKDB (${quotedText(name)}) WITH NO_INFOMSGS`;
  try {
    await perform(server, { sql, parameters: {}, appName: `octo-keeper check ${name}`.slice(0, 128), what, watch });
  } catch (thrown) {
    watch.signal?.throwIfAborted();
    const facts = { database: name };
    const damage = serverErrors(thrown).find(({ number }) => isDamage(number));
    if (damage === undefined) throw translated(thrown, { what, facts });
    throw new OctoError('DatabaseDamaged', `${what} found: ${damage.message}`, {
      cause: thrown,
      facts: { ...facts, number: damage.number },
    });
  }
};
