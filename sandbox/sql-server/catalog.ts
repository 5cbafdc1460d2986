/**
 * Catalog and management views: filled when a statement mentions them, as tables in the memory of the session.
 *
 * Only the columns that are listed here exist; asking for another one is error 207, as for any table.
 */
import { statSync } from 'node:fs';
import { dataFileOf, PAGE_BYTES } from './instance.ts';
import type { DatabaseRecord, Instance } from './instance.ts';
import type { Session } from './session.ts';
import { isGranted } from './session-functions.ts';
import { parseType } from './tds/types.ts';
import type { SqlValue } from './tds/values.ts';
import { quoted } from './tsql/translate.ts';

type Around = { instance: Instance; session: Session };
type Row = Record<string, SqlValue>;
type View = { columns: Record<string, string>; rows: (around: Around, database: string) => Row[] };

const bit = (value: boolean): number => (value ? 1 : 0);
const sysTime = (date: Date | string): string => new Date(date).toISOString().replace('T', ' ').replace('Z', '');
const NAME = 'nvarchar(128)';

const pageCounts = ({ session }: Around, database: string): { total: number; free: number } => {
  const pragma = (name: string): number =>
    Number(Object.values(session.sqlite.prepare(`PRAGMA ${quoted(database)}.${name}`).get() ?? {})[0] ?? 0);
  return { total: pragma('page_count'), free: pragma('freelist_count') };
};

const schemaRows = ({ session }: Around, database: string): { id: number; name: string }[] =>
  session.sqlite
    .prepare(
      `SELECT rowid + 100000 AS id, name FROM ${quoted(database)}.sqlite_schema WHERE type = 'table' ORDER BY name`,
    )
    .all()
    .map((row) => ({ id: Number(row['id']), name: String(row['name']) }))
    .filter(({ name }) => !name.startsWith('__') && !name.startsWith('sqlite_'));

const tableRows = (around: Around, database: string): Row[] =>
  schemaRows(around, database).map(({ id, name }) => ({
    name,
    object_id: id,
    schema_id: 1,
    type: 'U',
    type_desc: 'USER_TABLE',
    create_date: sysTime(around.instance.find(database).createdAt),
    is_ms_shipped: 0,
  }));

const TABLE_COLUMNS = {
  name: NAME,
  object_id: 'int',
  schema_id: 'int',
  type: 'char(2)',
  type_desc: 'nvarchar(60)',
  create_date: 'datetime',
  is_ms_shipped: 'bit',
};

const TYPE_IDS: Record<string, number> = {
  uniqueidentifier: 36,
  date: 40,
  time: 41,
  datetime2: 42,
  datetimeoffset: 43,
  tinyint: 48,
  smallint: 52,
  int: 56,
  real: 59,
  datetime: 61,
  float: 62,
  bit: 104,
  decimal: 106,
  numeric: 108,
  bigint: 127,
  varbinary: 165,
  varchar: 167,
  binary: 173,
  char: 175,
  nvarchar: 231,
  nchar: 239,
};

const columnRows = (around: Around, database: string): Row[] =>
  schemaRows(around, database).flatMap(({ id, name: table }) =>
    around.session.sqlite
      .prepare(`SELECT cid + 1 AS cid, name, type, "notnull" AS n FROM pragma_table_info(?, ?)`)
      .all(table, database)
      .map((column) => {
        const type = parseType(String(column['type'])) ?? { name: 'nvarchar', length: 'max' as const };
        const unit = type.name.startsWith('n') && type.name.endsWith('char') ? 2 : 1;
        return {
          object_id: id,
          name: String(column['name']),
          column_id: Number(column['cid']),
          system_type_id: TYPE_IDS[type.name] ?? 0,
          user_type_id: TYPE_IDS[type.name] ?? 0,
          max_length: type.length === 'max' ? -1 : (type.length ?? 0) * unit,
          is_nullable: bit(Number(column['n']) === 0),
          table_name: table,
          data_type: type.name,
        };
      }),
  );

const principalRows = ({ session }: Around, database: string): Row[] => {
  const users = session.sqlite
    .prepare(`SELECT rowid AS id, name, type, sid, roles FROM ${quoted(database)}.__principals`)
    .all();
  return [
    ...users.map((user) => ({
      name: user['name'] as string,
      principal_id: Number(user['id']),
      type: user['type'] as string,
      type_desc: user['type'] === 'S' ? 'SQL_USER' : 'WINDOWS_USER',
      default_schema_name: 'dbo',
      sid: user['sid'] as Uint8Array,
      is_fixed_role: 0,
      authentication_type_desc: 'INSTANCE',
      roles: user['roles'] as string,
    })),
    ...DATABASE_ROLES.map((name, i) => ({
      name,
      principal_id: i === 0 ? 0 : 16383 + i,
      type: 'R',
      type_desc: 'DATABASE_ROLE',
      default_schema_name: null,
      sid: null,
      is_fixed_role: bit(i > 0),
      authentication_type_desc: 'NONE',
      roles: '[]',
    })),
  ];
};

const DATABASE_ROLES = [
  'public',
  'db_owner',
  'db_accessadmin',
  'db_securityadmin',
  'db_ddladmin',
  'db_backupoperator',
  'db_datareader',
  'db_datawriter',
];

const memberRows = (around: Around, database: string): Row[] => {
  const principals = principalRows(around, database);
  return principals.flatMap((principal) =>
    (JSON.parse(String(principal['roles'])) as string[]).map((role) => ({
      role_principal_id: principals.find(({ name }) => name === role)?.['principal_id'] ?? null,
      member_principal_id: principal['principal_id'] ?? null,
    })),
  );
};

const SERVER_ROLES = ['public', 'sysadmin', 'securityadmin', 'dbcreator', 'processadmin'];

const loginRows = ({ instance }: Around): Row[] => [
  ...[...instance.sids].map(([name, sid], i) => ({
    name,
    principal_id: name === 'sa' ? 1 : 260 + i,
    sid: Buffer.from(sid, 'hex'),
    type: 'S',
    type_desc: 'SQL_LOGIN',
    is_disabled: 0,
    default_database_name: 'master',
  })),
  ...SERVER_ROLES.map((name, i) => ({
    name,
    principal_id: 2 + i,
    sid: Buffer.from([2 + i]),
    type: 'R',
    type_desc: 'SERVER_ROLE',
    is_disabled: 0,
    default_database_name: null,
  })),
];

const serverMemberRows = (around: Around): Row[] => {
  const logins = loginRows(around);
  const idOf = (name: string): SqlValue => logins.find((login) => login['name'] === name)?.['principal_id'] ?? null;
  return Object.entries(around.instance.settings.logins).flatMap(([name, { roles }]) =>
    (roles ?? ['sysadmin']).map((role) => ({
      role_principal_id: idOf(role),
      member_principal_id: idOf(name.toLowerCase()),
    })),
  );
};

const fileRows = ({ instance }: Around, records: DatabaseRecord[]): Row[] =>
  records.flatMap((record) =>
    record.files.map((file, i) => ({
      database_id: record.id,
      file_id: i + 1,
      type: i,
      type_desc: file.type === 'D' ? 'ROWS' : 'LOG',
      name: file.logicalName,
      physical_name: file.path,
      size: Math.ceil(statSync(file.path).size / PAGE_BYTES),
      state_desc: instance.find(record.name).state,
    })),
  );

const FILE_COLUMNS = {
  database_id: 'int',
  file_id: 'int',
  type: 'tinyint',
  type_desc: 'nvarchar(60)',
  name: NAME,
  physical_name: 'nvarchar(260)',
  size: 'int',
  state_desc: 'nvarchar(60)',
};

const databaseRow = (instance: Instance, record: DatabaseRecord): Row => ({
  name: record.name,
  database_id: record.id,
  create_date: sysTime(record.createdAt),
  compatibility_level: record.compatibilityLevel,
  collation_name: record.collation,
  user_access_desc: record.userAccess,
  is_read_only: bit(record.isReadOnly),
  state: record.state === 'ONLINE' ? 0 : record.state === 'RESTORING' ? 1 : 6,
  state_desc: record.state,
  recovery_model: ['FULL', 'BULK_LOGGED', 'SIMPLE'].indexOf(record.recoveryModel) + 1,
  recovery_model_desc: record.recoveryModel,
  is_read_committed_snapshot_on: bit(record.isReadCommittedSnapshotOn),
  is_trustworthy_on: bit(record.isTrustworthy),
  is_broker_enabled: bit(record.isBrokerEnabled),
  owner_sid: Buffer.from(instance.sids.get(record.owner.toLowerCase()) ?? '', 'hex'),
  replica_id: null,
  group_database_id: null,
  is_encrypted: 0,
});

/** Without VIEW SERVER STATE a session sees itself only. */
const visibleSessions = ({ instance, session }: Around): Session[] =>
  isGranted({ session }, 'VIEW SERVER STATE', null) ? [...instance.sessions.values()] : [session];

const sessionRows = (around: Around): Row[] =>
  visibleSessions(around).map((session) => ({
    session_id: session.id,
    login_time: sysTime(session.startedAt),
    host_name: session.login.hostName,
    program_name: session.login.appName,
    login_name: session.login.user,
    status: session.state.request === null ? 'sleeping' : 'running',
    database_id: around.instance.find(session.state.database).id,
    is_user_process: 1,
  }));

const requestRows = (around: Around): Row[] =>
  visibleSessions(around).flatMap(({ id, state: { request } }) =>
    request === null
      ? []
      : [
          {
            session_id: id,
            request_id: 0,
            start_time: sysTime(request.startedAt),
            status: 'running',
            command: request.command,
            database_id: around.instance.databases.get(request.database.toLowerCase())?.id ?? 1,
            percent_complete: request.percent,
            estimated_completion_time: 0,
            wait_type: null,
          },
        ],
  );

const rowCounts = (around: Around, database: string): Row[] =>
  schemaRows(around, database).map(({ id, name }) => {
    const row = around.session.sqlite.prepare(`SELECT count(*) AS n FROM ${quoted(database)}.${quoted(name)}`).get();
    return { object_id: id, index_id: 1, partition_number: 1, rows: Number(row?.['n']), row_count: Number(row?.['n']) };
  });

const PARTITION = { object_id: 'int', index_id: 'int', partition_number: 'int', rows: 'bigint', row_count: 'bigint' };

const VIEWS: Record<string, View> = {
  'sys.databases': {
    columns: {
      name: NAME,
      database_id: 'int',
      create_date: 'datetime',
      compatibility_level: 'tinyint',
      collation_name: NAME,
      user_access_desc: 'nvarchar(60)',
      is_read_only: 'bit',
      state: 'tinyint',
      state_desc: 'nvarchar(60)',
      recovery_model: 'tinyint',
      recovery_model_desc: 'nvarchar(60)',
      is_read_committed_snapshot_on: 'bit',
      is_trustworthy_on: 'bit',
      is_broker_enabled: 'bit',
      owner_sid: 'varbinary(85)',
      replica_id: 'uniqueidentifier',
      group_database_id: 'uniqueidentifier',
      is_encrypted: 'bit',
    },
    rows: ({ instance }) => [...instance.databases.values()].map((record) => databaseRow(instance, record)),
  },
  'sys.database_recovery_status': {
    columns: { database_id: 'int', database_guid: 'uniqueidentifier', family_guid: 'uniqueidentifier' },
    rows: ({ instance }) =>
      [...instance.databases.values()].map(({ id, guid, familyGuid }) => ({
        database_id: id,
        database_guid: guid,
        family_guid: familyGuid,
      })),
  },
  'sys.master_files': {
    columns: FILE_COLUMNS,
    rows: (around) => fileRows(around, [...around.instance.databases.values()]),
  },
  'sys.database_files': {
    columns: FILE_COLUMNS,
    rows: (around, database) => fileRows(around, [around.instance.find(database)]),
  },
  'sys.dm_db_file_space_usage': {
    columns: {
      database_id: 'int',
      file_id: 'smallint',
      total_page_count: 'bigint',
      allocated_extent_page_count: 'bigint',
      unallocated_extent_page_count: 'bigint',
    },
    rows: (around, database) => {
      const { total, free } = pageCounts(around, database);
      const id = around.instance.find(database).id;
      return [
        {
          database_id: id,
          file_id: 1,
          total_page_count: total,
          allocated_extent_page_count: total - free,
          unallocated_extent_page_count: free,
        },
      ];
    },
  },
  'sys.tables': { columns: TABLE_COLUMNS, rows: tableRows },
  'sys.objects': { columns: TABLE_COLUMNS, rows: tableRows },
  'sys.schemas': {
    columns: { name: NAME, schema_id: 'int', principal_id: 'int' },
    rows: () => [{ name: 'dbo', schema_id: 1, principal_id: 1 }],
  },
  'sys.columns': {
    columns: {
      object_id: 'int',
      name: NAME,
      column_id: 'int',
      system_type_id: 'tinyint',
      user_type_id: 'int',
      max_length: 'smallint',
      is_nullable: 'bit',
    },
    rows: columnRows,
  },
  'sys.types': {
    columns: { name: NAME, system_type_id: 'tinyint', user_type_id: 'int' },
    rows: () => Object.entries(TYPE_IDS).map(([name, id]) => ({ name, system_type_id: id, user_type_id: id })),
  },
  'sys.partitions': { columns: PARTITION, rows: rowCounts },
  'sys.dm_db_partition_stats': { columns: PARTITION, rows: rowCounts },
  'information_schema.tables': {
    columns: { table_catalog: NAME, table_schema: NAME, table_name: NAME, table_type: 'varchar(10)' },
    rows: (around, database) =>
      schemaRows(around, database).map(({ name }) => ({
        table_catalog: database,
        table_schema: 'dbo',
        table_name: name,
        table_type: 'BASE TABLE',
      })),
  },
  'information_schema.columns': {
    columns: {
      table_catalog: NAME,
      table_schema: NAME,
      table_name: NAME,
      column_name: NAME,
      ordinal_position: 'int',
      is_nullable: 'varchar(3)',
      data_type: NAME,
    },
    rows: (around, database) =>
      columnRows(around, database).map((column) => ({
        table_catalog: database,
        table_schema: 'dbo',
        table_name: column['table_name'] ?? null,
        column_name: column['name'] ?? null,
        ordinal_position: column['column_id'] ?? null,
        is_nullable: column['is_nullable'] === 1 ? 'YES' : 'NO',
        data_type: column['data_type'] ?? null,
      })),
  },
  'sys.database_principals': {
    columns: {
      name: NAME,
      principal_id: 'int',
      type: 'char(1)',
      type_desc: 'nvarchar(60)',
      default_schema_name: NAME,
      sid: 'varbinary(85)',
      is_fixed_role: 'bit',
      authentication_type_desc: 'nvarchar(60)',
    },
    rows: principalRows,
  },
  'sys.database_role_members': { columns: { role_principal_id: 'int', member_principal_id: 'int' }, rows: memberRows },
  'sys.server_principals': {
    columns: {
      name: NAME,
      principal_id: 'int',
      sid: 'varbinary(85)',
      type: 'char(1)',
      type_desc: 'nvarchar(60)',
      is_disabled: 'bit',
      default_database_name: NAME,
    },
    rows: loginRows,
  },
  'sys.server_role_members': {
    columns: { role_principal_id: 'int', member_principal_id: 'int' },
    rows: serverMemberRows,
  },
  'sys.dm_exec_sessions': {
    columns: {
      session_id: 'smallint',
      login_time: 'datetime',
      host_name: NAME,
      program_name: NAME,
      login_name: NAME,
      status: 'nvarchar(30)',
      database_id: 'smallint',
      is_user_process: 'bit',
    },
    rows: sessionRows,
  },
  'sys.dm_exec_requests': {
    columns: {
      session_id: 'smallint',
      request_id: 'int',
      start_time: 'datetime',
      status: 'nvarchar(30)',
      command: 'nvarchar(32)',
      database_id: 'smallint',
      percent_complete: 'real',
      estimated_completion_time: 'bigint',
      wait_type: 'nvarchar(60)',
    },
    rows: requestRows,
  },
};

export const catalogViewNames = Object.keys(VIEWS);

/** Fills the view for the database and gives its SQLite name; null when there is no such view. */
export const catalogView = (around: Around, { schema, table }: { schema: string; table: string }): string | null => {
  const view = VIEWS[table];
  if (view === undefined) return null;
  const { sqlite } = around.session;
  const name = `main.${quoted(`${table}@${schema}`)}`;
  const columns = Object.entries(view.columns);
  const definition = columns.map(
    ([column, type]) => `${quoted(column)} ${quoted(type)}${type.includes('char') ? ' COLLATE NOCASE' : ''}`,
  );
  sqlite.exec(`DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} (${definition.join(', ')})`);
  const insert = sqlite.prepare(`INSERT INTO ${name} VALUES (${columns.map(() => '?').join(', ')})`);
  for (const row of view.rows(around, schema)) insert.run(...columns.map(([column]) => row[column] ?? null));
  return name;
};

/** Size on disk of a database's data, for FILELISTONLY and the like. */
export const dataBytes = (record: DatabaseRecord): number => statSync(dataFileOf(record)).size;
