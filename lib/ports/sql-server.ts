/**
 * What we need of SQL Server: back up one database with progress, and look at the result.
 *
 * SQL Server writes the file itself, under its own service account: `path` is in its notation and on its host.
 * Errors an adapter must tell apart are the codes in `domain/errors/sql-server.ts`; the cause comes from the first error
 * of a batch, not from the last (3013 "terminating abnormally" says nothing).
 * @see https://learn.microsoft.com/sql/t-sql/statements/backup-transact-sql
 */
export type SqlServer = {
  describe(): Promise<SqlServerDescription>;
  /** `null` when there is no such database. */
  database(name: string): Promise<DatabaseDescription | null>;
  /** What the login may do: asked before anything is started. */
  rights(database: string): Promise<{ canBackUp: boolean; canRestore: boolean; canViewServerState: boolean }>;
  /**
   * Full backup, COPY_ONLY, CHECKSUM, FORMAT, INIT, to a new file. `name` marks backup set and session, so that a run
   * finds its own work again. `onProgress` is called with each STATS message, in order, percent never falling.
   * Aborting `signal` stops the backup in SQL Server. @throws DatabaseStalled when no progress came for too long
   */
  backUp(request: BackUpRequest, watch: Watch): Promise<BackupResult>;
  /** Is a backup with this name running in any session? Decides what a lost connection meant. */
  isBackingUp(request: { database: string; name: string }): Promise<boolean>;
  /** `RESTORE VERIFYONLY … WITH CHECKSUM`. @throws BackupDamaged and what SQL Server said */
  verifyBackup(path: string, watch: Watch): Promise<void>;
  /** `RESTORE HEADERONLY`: the one backup set in the file. */
  readHeader(path: string): Promise<BackupHeader>;
  /** Logins (name, SID, type, server roles, default database) of this database's users; no password hashes. */
  logins(database: string): Promise<SqlLogin[]>;
  close(): Promise<void>;
};

export type Watch = { onProgress?: (percent: number) => void; signal?: AbortSignal };
export type BackUpRequest = { database: string; path: string; name: string; isCompressed: boolean };
export type BackupResult = { startedAt: string; finishedAt: string };

export type SqlServerDescription = {
  version: string;
  majorVersion: number;
  edition: string;
  engineEdition: number;
  collation: string;
  serverName: string;
  /** SQL Server's own clock when it answered, ISO 8601. */
  utcNow: string;
  isRds: boolean;
  defaultDataPath: string | null;
  defaultLogPath: string | null;
  defaultBackupPath: string | null;
};

export type DatabaseDescription = {
  name: string;
  guid: string;
  familyGuid: string;
  collation: string;
  recoveryModel: string;
  state: string;
  compatibilityLevel: number;
  allocatedBytes: number;
  owner: string | null;
  isReadCommittedSnapshotOn: boolean;
  isTrustworthy: boolean;
  isBrokerEnabled: boolean;
  isInAvailabilityGroup: boolean;
};

export type BackupHeader = {
  name: string;
  database: string;
  serverName: string;
  softwareMajorVersion: number;
  sizeBytes: number;
  hasChecksums: boolean;
  isDamaged: boolean;
  isCopyOnly: boolean;
  familyGuid: string;
  startedAt: string;
  finishedAt: string;
};

/** A user of the database and the login it belongs to; `login` is null for an orphan. `sid` in hex, `0x01…`. */
export type SqlLogin = {
  user: string;
  login: string | null;
  sid: string;
  type: string;
  defaultDatabase: string | null;
  /** Roles in this database. */
  roles: string[];
  serverRoles: string[];
};
