/**
 * The state of one stand-in: its settings, databases, logins and sessions.
 *
 * Each database is one SQLite file of 8 KiB pages beside a log file that stays empty (SQLite's own log is `<file>-wal`).
 * The list of databases is kept in `instance.json`, replaced atomically after each change.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { failure, message } from './messages.ts';
import type { Session } from './session.ts';

export const PAGE_BYTES = 8192;

export type DatabaseFile = { logicalName: string; path: string; type: 'D' | 'L' };

export type DatabaseRecord = {
  id: number;
  name: string;
  guid: string;
  familyGuid: string;
  createdAt: string;
  owner: string;
  recoveryModel: 'SIMPLE' | 'FULL' | 'BULK_LOGGED';
  state: 'ONLINE' | 'RESTORING' | 'OFFLINE';
  userAccess: 'MULTI_USER' | 'SINGLE_USER' | 'RESTRICTED_USER';
  compatibilityLevel: number;
  collation: string;
  isReadOnly: boolean;
  isReadCommittedSnapshotOn: boolean;
  isTrustworthy: boolean;
  isBrokerEnabled: boolean;
  files: DatabaseFile[];
};

/** A login; `sysadmin` unless roles are given. Roles in a database are those of the user mapped to it there. */
export type LoginSettings = { password: string; roles?: string[] };

export type InstanceSettings = {
  directory: string;
  logins: Record<string, LoginSettings>;
  serverName: string;
  majorVersion: number;
  edition: 'Express' | 'Standard' | 'Developer' | 'Enterprise';
  /** The server's clock against UTC: history and headers hold local time without a zone, as SQL Server's do. */
  utcOffsetMinutes: number;
  /** Simulated speed of backup and restore; as fast as the disk when null. */
  bytesPerSecond: number | null;
};

/** What goes wrong on purpose. Changed at any time; each stays until it is set back. */
export type Faults = {
  /** Every login fails with 18456. */
  isLoginRefused: boolean;
  /** The client's connection is cut when a backup or restore reaches this percentage. */
  dropAtPercent: number | null;
  /** A cut connection does not stop the work: it goes on to its end unseen. */
  isWorkKeptAfterDrop: boolean;
  /** The disk of the backup file is full at this percentage. */
  diskFullAtPercent: number | null;
  /** The backup makes no progress any more from this percentage on. */
  stallAtPercent: number | null;
  /** The session is killed (596) at this percentage. */
  killAtPercent: number | null;
  /** This page is written wrongly into the next backup. */
  damagedPage: number | null;
};

export const noFaults = (): Faults => ({
  isLoginRefused: false,
  dropAtPercent: null,
  isWorkKeptAfterDrop: false,
  diskFullAtPercent: null,
  stallAtPercent: null,
  killAtPercent: null,
  damagedPage: null,
});

export type Instance = ReturnType<typeof openInstance>;

const SYSTEM_DATABASES = ['master', 'tempdb', 'model', 'msdb'];

const MSDB_TABLES = `
  CREATE TABLE backupmediafamily (media_set_id "int", family_sequence_number "tinyint",
    physical_device_name "nvarchar(260)", device_type "tinyint");
  CREATE TABLE backupset (backup_set_id INTEGER PRIMARY KEY, backup_set_uuid "uniqueidentifier", media_set_id "int",
    position "int", name "nvarchar(128)" COLLATE NOCASE, user_name "nvarchar(128)", software_major_version "tinyint",
    database_name "nvarchar(128)" COLLATE NOCASE, server_name "nvarchar(128)", machine_name "nvarchar(128)",
    backup_start_date "datetime", backup_finish_date "datetime", time_zone "smallint", type "char(1)",
    backup_size "numeric(20,0)", compressed_backup_size "numeric(20,0)", compatibility_level "tinyint",
    recovery_model "nvarchar(60)", collation_name "nvarchar(128)", is_copy_only "bit", has_backup_checksums "bit",
    is_damaged "bit", is_snapshot "bit", family_guid "uniqueidentifier", database_guid "uniqueidentifier");`;

/** Makes the SQLite file of a database; its users table is hidden from the catalog views. */
const makeDatabaseFile = (path: string, name: string): void => {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE __principals (name TEXT PRIMARY KEY COLLATE NOCASE, type TEXT, sid BLOB, login TEXT, roles TEXT);
    INSERT INTO __principals VALUES ('dbo', 'S', x'01', 'sa', '["db_owner"]');`);
  if (name === 'msdb') database.exec(MSDB_TABLES);
  database.close();
};

const guid = (): string => randomUUID().toUpperCase();

export const openInstance = (settings: InstanceSettings) => {
  const dataPath = join(settings.directory, 'data');
  const backupPath = join(settings.directory, 'backup');
  const recordsPath = join(settings.directory, 'instance.json');
  mkdirSync(dataPath, { recursive: true });
  mkdirSync(backupPath, { recursive: true });
  const stored = existsSync(recordsPath)
    ? (JSON.parse(readFileSync(recordsPath, 'utf8')) as { databases: DatabaseRecord[]; sids: Record<string, string> })
    : { databases: [], sids: {} };
  const databases = new Map(stored.databases.map((record) => [record.name.toLowerCase(), record]));
  const sids = new Map(Object.entries(stored.sids));
  const sessions = new Map<number, Session>();
  let lastSessionId = 50;

  const save = (): void => {
    const content = { databases: [...databases.values()], sids: Object.fromEntries(sids) };
    writeFileSync(`${recordsPath}.new`, JSON.stringify(content, null, 2));
    renameSync(`${recordsPath}.new`, recordsPath);
  };

  const newRecord = (name: string): DatabaseRecord => ({
    id: Math.max(0, ...[...databases.values()].map(({ id }) => id)) + 1,
    name,
    guid: guid(),
    familyGuid: guid(),
    createdAt: new Date().toISOString(),
    owner: 'sa',
    recoveryModel: name === 'master' || name === 'tempdb' || name === 'msdb' ? 'SIMPLE' : 'FULL',
    state: 'ONLINE',
    userAccess: 'MULTI_USER',
    compatibilityLevel: settings.majorVersion * 10,
    collation: 'SQL_Latin1_General_CP1_CI_AS',
    isReadOnly: false,
    isReadCommittedSnapshotOn: false,
    isTrustworthy: false,
    isBrokerEnabled: false,
    files: [
      { logicalName: name, path: join(dataPath, `${name}.mdf`), type: 'D' },
      { logicalName: `${name}_log`, path: join(dataPath, `${name}_log.ldf`), type: 'L' },
    ],
  });

  const find = (name: string): DatabaseRecord => {
    const record = databases.get(name.toLowerCase());
    if (record === undefined) throw failure(message(911, name));
    return record;
  };

  /** Lets every session forget the open file, so that it can be replaced. */
  const releaseFile = (name: string): void => {
    for (const session of sessions.values()) session.detach(name);
  };

  const add = (record: DatabaseRecord): void => {
    databases.set(record.name.toLowerCase(), record);
    save();
  };

  const create = (name: string): DatabaseRecord => {
    if (databases.has(name.toLowerCase())) throw failure(message(1801, name));
    const record = newRecord(name);
    for (const file of record.files) rmSync(file.path, { force: true });
    makeDatabaseFile(dataFileOf(record), name.toLowerCase());
    writeFileSync(record.files[1]?.path ?? '', '');
    add(record);
    return record;
  };

  const remove = (record: DatabaseRecord): void => {
    releaseFile(record.name);
    databases.delete(record.name.toLowerCase());
    save();
    for (const file of record.files)
      for (const end of ['', '-wal', '-shm']) rmSync(`${file.path}${end}`, { force: true });
  };

  const rename = (record: DatabaseRecord, name: string): void => {
    if (databases.has(name.toLowerCase())) throw failure(message(1801, name));
    releaseFile(record.name);
    databases.delete(record.name.toLowerCase());
    add(Object.assign(record, { name }));
  };

  for (const name of SYSTEM_DATABASES) if (!databases.has(name)) create(name);
  for (const name of ['sa', ...Object.keys(settings.logins)]) {
    if (!sids.has(name.toLowerCase()))
      sids.set(name.toLowerCase(), name === 'sa' ? '01' : randomBytes(16).toString('hex'));
  }
  save();

  return {
    settings,
    faults: noFaults(),
    paths: { data: dataPath, backup: backupPath },
    databases,
    sessions,
    sids,
    /** Names of databases that a backup or restore holds. */
    held: new Set<string>(),
    nextSessionId: () => (lastSessionId += 1),
    isSystem: (name: string) => SYSTEM_DATABASES.includes(name.toLowerCase()),
    save,
    find,
    newRecord,
    add,
    create,
    remove,
    rename,
    releaseFile,
  };
};

export const dataFileOf = (record: DatabaseRecord): string => record.files[0]?.path ?? '';

/** A moment as the server's own clock shows it, in the form that values of type datetime are stored in. */
export const localTime = ({ settings }: Pick<Instance, 'settings'>, moment: Date | string): string =>
  new Date(new Date(moment).getTime() + settings.utcOffsetMinutes * 60_000)
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '');
