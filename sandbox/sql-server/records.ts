/**
 * Databases as records of the instance and files on disk: find, create, remove, rename.
 *
 * The record is written after the file exists and removed before the file goes, so a kill leaves a stray file at worst.
 */
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { dataFileOf, loadInstance, PAGE_BYTES, saveInstance } from './instance.ts';
import type { DatabaseFile, DatabaseRecord, Instance, InstanceSettings } from './instance.ts';
import { failure, message } from './messages.ts';

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

/** Opens the directory; makes the system databases where they are missing. */
export const openInstance = (settings: InstanceSettings): Instance => {
  const instance = loadInstance(settings);
  for (const name of SYSTEM_DATABASES) if (!instance.databases.has(name)) createDatabase(instance, name);
  saveInstance(instance);
  return instance;
};

export const isSystemDatabase = (name: string): boolean => SYSTEM_DATABASES.includes(name.toLowerCase());

/** @throws 911 */
export const findDatabase = ({ databases }: Instance, name: string): DatabaseRecord => {
  const record = databases.get(name.toLowerCase());
  if (record === undefined) throw failure(message(911, name));
  return record;
};

export const newRecord = ({ databases, paths, settings }: Instance, name: string): DatabaseRecord => ({
  id: Math.max(0, ...[...databases.values()].map(({ id }) => id)) + 1,
  name,
  guid: guid(),
  familyGuid: guid(),
  createdAt: new Date().toISOString(),
  owner: 'sa',
  recoveryModel: isSystemDatabase(name) ? 'SIMPLE' : 'FULL',
  state: 'ONLINE',
  userAccess: 'MULTI_USER',
  compatibilityLevel: settings.majorVersion * 10,
  collation: 'SQL_Latin1_General_CP1_CI_AS',
  isReadOnly: false,
  isReadCommittedSnapshotOn: false,
  isTrustworthy: false,
  isBrokerEnabled: false,
  files: [
    { logicalName: name, path: join(paths.data, `${name}.mdf`), type: 'D' },
    { logicalName: `${name}_log`, path: join(paths.data, `${name}_log.ldf`), type: 'L' },
  ],
});

/** Lets every session forget the open file, so that it can be replaced. */
export const releaseFile = ({ sessions }: Instance, name: string): void => {
  for (const session of sessions.values()) session.detach(name);
};

export const addRecord = (instance: Instance, record: DatabaseRecord): void => {
  instance.databases.set(record.name.toLowerCase(), record);
  saveInstance(instance);
};

/** A stray file is overwritten, where SQL Server refuses it; one that a renamed database has is not. @throws 1801, 5170 */
export const createDatabase = (instance: Instance, name: string): DatabaseRecord => {
  if (instance.databases.has(name.toLowerCase())) throw failure(message(1801, name));
  const record = newRecord(instance, name);
  const taken = new Set([...instance.databases.values()].flatMap(({ files }) => files.map(({ path }) => path)));
  const claimed = record.files.find(({ path }) => taken.has(path));
  if (claimed !== undefined) throw failure(message(5170, claimed.path), message(1802));
  removeFiles(record.files);
  makeDatabaseFile(dataFileOf(record), name.toLowerCase());
  writeFileSync(record.files[1]?.path ?? '', '');
  addRecord(instance, record);
  return record;
};

/** With what SQLite keeps beside its files. */
export const removeFiles = (files: readonly DatabaseFile[]): void => {
  for (const { path } of files) for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
};

export const removeDatabase = (instance: Instance, record: DatabaseRecord): void => {
  releaseFile(instance, record.name);
  instance.databases.delete(record.name.toLowerCase());
  saveInstance(instance);
  removeFiles(record.files);
};

/** The files keep their names, as in SQL Server. @throws 1801 */
export const renameDatabase = (instance: Instance, record: DatabaseRecord, name: string): void => {
  if (instance.databases.has(name.toLowerCase())) throw failure(message(1801, name));
  releaseFile(instance, record.name);
  instance.databases.delete(record.name.toLowerCase());
  addRecord(instance, Object.assign(record, { name }));
};
