/**
 * What we need of SQL Server: back up one database with progress, bring a backup in under another name, check and swap.
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
  /** `RESTORE FILELISTONLY`: the files that the backup will become. */
  readFileList(path: string): Promise<BackupFile[]>;
  /** Free bytes on the volumes of the default data and log folders; `null` where the server does not tell. */
  freeBytes(): Promise<{ data: number | null; log: number | null }>;
  /**
   * Restores the backup as a new database, its files in the server's default folders under names made from `database`.
   * What a broken-off restore of that name has left (state RESTORING) is replaced; any other database is refused.
   * @throws DatabaseExists, BackupNewer, DatabaseDiskFull, and what else SQL Server said
   */
  restore(request: RestoreRequest, watch: Watch): Promise<void>;
  /** Is a restore with this name running in any session? */
  isRestoring(request: { name: string }): Promise<boolean>;
  /** `DBCC CHECKDB … WITH NO_INFOMSGS`. @throws DatabaseDamaged with the first of its messages */
  checkDatabase(name: string, watch: Watch): Promise<void>;
  /** Databases whose name starts with `prefix`, sorted by name. */
  databases(prefix: string): Promise<DatabaseDescription[]>;
  /**
   * Renames a database, ending its other sessions: single-user, renamed and opened again on one connection.
   * `guid` is the database's own: another one under that name is refused, so that a repeated swap never undoes itself.
   * Whatever fails, the database is opened to its users again. @throws DatabaseExists, DatabaseUnknown, DatabaseSwapped
   */
  rename(request: { from: string; to: string; guid: string }): Promise<void>;
  /** Owner, TRUSTWORTHY and broker as another database had them: a restore resets them. */
  configure(name: string, settings: DatabaseSettings): Promise<void>;
  /**
   * Joins users whose login has another SID here with the login of the same name. `orphaned` are those without one.
   * Then makes sure that `ownerLogin` is db_owner, and reads that back. @throws OwnerNotGranted
   */
  repairUsers(database: string, options: { ownerLogin: string | null }): Promise<UserRepair>;
  /** Removes a database, ending its sessions; one that is not there is no error. */
  drop(name: string): Promise<void>;
  close(): Promise<void>;
};

/** A file of a backup: `type` is `D` for rows, `L` for the log, other letters as SQL Server has them. */
export type BackupFile = { logicalName: string; physicalName: string; type: string; sizeBytes: number };
/** `name` marks the session, so that a run finds its own work again. */
export type RestoreRequest = { path: string; database: string; name: string };
export type DatabaseSettings = { owner: string | null; isTrustworthy: boolean; isBrokerEnabled: boolean };
export type UserRepair = { repaired: string[]; orphaned: string[]; owner: 'was' | 'granted' | 'not-asked' };

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
