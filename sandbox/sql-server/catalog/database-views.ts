/** Views of one database: its tables, columns, files, users and the space it takes. */
import { statSync } from 'node:fs';
import { freeBytesOf, PAGE_BYTES } from '../instance.ts';
import type { DatabaseRecord } from '../instance.ts';
import { failure, message } from '../messages.ts';
import { findDatabase } from '../records.ts';
import { parseType } from '../tds/types.ts';
import { quoted } from '../tsql/translate.ts';
import { isGranted } from './grants.ts';
import { bit, columnsOf, sysTime } from './view.ts';
import type { Around, Row, View } from './view.ts';

/** Objects are numbered by their place in SQLite's schema. */
const FIRST_OBJECT_ID = 100_000;

const userTables = ({ session }: Around, database: string): { id: number; name: string }[] =>
  session.sqlite
    .prepare(`SELECT rowid AS id, name FROM ${quoted(database)}.sqlite_schema WHERE type = 'table' ORDER BY name`)
    .all()
    .map((row) => ({ id: Number(row['id']) + FIRST_OBJECT_ID, name: String(row['name']) }))
    .filter(({ name }) => !name.startsWith('__') && !name.startsWith('sqlite_'));

/** The object id of a table; null when there is none. */
export const tableId = (around: Around, database: string, name: string): number | null =>
  userTables(around, database).find((table) => table.name.toLowerCase() === name.toLowerCase())?.id ?? null;

const tables: View = {
  columns: columnsOf(`name: name, object_id: int, schema_id: int, type: char(2), type_desc: nvarchar(60)
    create_date: datetime, is_ms_shipped: bit`),
  rows: (around, database) =>
    userTables(around, database).map(({ id, name }) => ({
      name,
      object_id: id,
      schema_id: 1,
      type: 'U',
      type_desc: 'USER_TABLE',
      create_date: sysTime(findDatabase(around.instance, database).createdAt),
      is_ms_shipped: 0,
    })),
};

const TYPE_IDS: Record<string, number> = Object.fromEntries(
  `uniqueidentifier 36, date 40, time 41, datetime2 42, datetimeoffset 43, tinyint 48, smallint 52, int 56, real 59,
   datetime 61, float 62, bit 104, decimal 106, numeric 108, bigint 127, varbinary 165, varchar 167, binary 173, char 175,
   nvarchar 231, nchar 239`
    .split(/,\s+/)
    .map((entry) => entry.trim().split(' '))
    .map(([name = '', id]) => [name, Number(id)]),
);

const types: View = {
  columns: columnsOf('name: name, system_type_id: tinyint, user_type_id: int'),
  rows: () => Object.entries(TYPE_IDS).map(([name, id]) => ({ name, system_type_id: id, user_type_id: id })),
};

const columnRows = (around: Around, database: string): Row[] =>
  userTables(around, database).flatMap(({ id, name: table }) =>
    around.session.sqlite
      .prepare('SELECT cid + 1 AS position, name, type, "notnull" AS mandatory FROM pragma_table_info(?, ?)')
      .all(table, database)
      .map((column) => {
        const type = parseType(String(column['type'])) ?? { name: 'nvarchar', length: 'max' as const };
        const bytesPerUnit = type.name.startsWith('n') && type.name.endsWith('char') ? 2 : 1;
        return {
          object_id: id,
          name: String(column['name']),
          column_id: Number(column['position']),
          system_type_id: TYPE_IDS[type.name] ?? 0,
          user_type_id: TYPE_IDS[type.name] ?? 0,
          max_length: type.length === 'max' ? -1 : (type.length ?? 0) * bytesPerUnit,
          is_nullable: bit(Number(column['mandatory']) === 0),
          table,
          type: type.name,
        };
      }),
  );

const columns: View = {
  columns: columnsOf(`object_id: int, name: name, column_id: int, system_type_id: tinyint, user_type_id: int
    max_length: smallint, is_nullable: bit`),
  rows: columnRows,
};

const informationTables: View = {
  columns: columnsOf('TABLE_CATALOG: name, TABLE_SCHEMA: name, TABLE_NAME: name, TABLE_TYPE: varchar(10)'),
  rows: (around, database) =>
    userTables(around, database).map(({ name }) => ({
      TABLE_CATALOG: database,
      TABLE_SCHEMA: 'dbo',
      TABLE_NAME: name,
      TABLE_TYPE: 'BASE TABLE',
    })),
};

const informationColumns: View = {
  columns: columnsOf(`TABLE_CATALOG: name, TABLE_SCHEMA: name, TABLE_NAME: name, COLUMN_NAME: name
    ORDINAL_POSITION: int, IS_NULLABLE: varchar(3), DATA_TYPE: name`),
  rows: (around, database) =>
    columnRows(around, database).map((column) => ({
      TABLE_CATALOG: database,
      TABLE_SCHEMA: 'dbo',
      TABLE_NAME: column['table'] ?? null,
      COLUMN_NAME: column['name'] ?? null,
      ORDINAL_POSITION: column['column_id'] ?? null,
      IS_NULLABLE: column['is_nullable'] === 1 ? 'YES' : 'NO',
      DATA_TYPE: column['type'] ?? null,
    })),
};

const partitions: View = {
  columns: columnsOf('object_id: int, index_id: int, partition_number: int, rows: bigint, row_count: bigint'),
  rows: (around, database) =>
    userTables(around, database).map(({ id, name }) => {
      const row = around.session.sqlite.prepare(`SELECT count(*) AS n FROM ${quoted(database)}.${quoted(name)}`).get();
      const count = Number(row?.['n']);
      return { object_id: id, index_id: 1, partition_number: 1, rows: count, row_count: count };
    }),
};

const FILE_COLUMNS = columnsOf(`database_id: int, file_id: int, type: tinyint, type_desc: nvarchar(60), name: name
  physical_name: nvarchar(260), size: int, state_desc: nvarchar(60)`);

const fileRows = (record: DatabaseRecord): Row[] =>
  record.files.map((file, i) => ({
    database_id: record.id,
    file_id: i + 1,
    type: i,
    type_desc: file.type === 'D' ? 'ROWS' : 'LOG',
    name: file.logicalName,
    physical_name: file.path,
    size: Math.ceil((statSync(file.path, { throwIfNoEntry: false })?.size ?? 0) / PAGE_BYTES),
    state_desc: record.state,
  }));

const spaceUsage: View = {
  columns: columnsOf(`database_id: int, file_id: smallint, total_page_count: bigint
    allocated_extent_page_count: bigint, unallocated_extent_page_count: bigint`),
  rows: ({ instance, session }, database) => {
    const pragma = (name: string): number =>
      Number(Object.values(session.sqlite.prepare(`PRAGMA ${quoted(database)}.${name}`).get() ?? {})[0] ?? 0);
    const [total, free] = [pragma('page_count'), pragma('freelist_count')];
    return [
      {
        database_id: findDatabase(instance, database).id,
        file_id: 1,
        total_page_count: total,
        allocated_extent_page_count: total - free,
        unallocated_extent_page_count: free,
      },
    ];
  },
};

/** Everything lies on one volume. */
const volumes: View = {
  columns: columnsOf('database_id: int, file_id: int, volume_mount_point: nvarchar(256), available_bytes: bigint'),
  rows: ({ instance, session }) => {
    if (!isGranted({ session }, 'VIEW SERVER STATE', null)) throw failure(message(300));
    return [...instance.databases.values()].flatMap(fileRows).map(({ database_id, file_id }) => ({
      database_id: database_id ?? null,
      file_id: file_id ?? null,
      volume_mount_point: '/',
      available_bytes: freeBytesOf(instance),
    }));
  },
};

const properties: View = {
  columns: columnsOf(
    'class: tinyint, class_desc: nvarchar(60), major_id: int, minor_id: int, name: name, value: sql_variant',
  ),
  rows: ({ session }, database) => {
    const table = `${quoted(database)}.sqlite_schema`;
    // The table is made with the first property.
    if (session.sqlite.prepare(`SELECT name FROM ${table} WHERE name = '__properties'`).get() === undefined) return [];
    const found = session.sqlite.prepare(`SELECT name, value FROM ${quoted(database)}.__properties`).all();
    const ofDatabase = { class: 0, class_desc: 'DATABASE', major_id: 0, minor_id: 0 };
    return found.map((row) => ({ ...ofDatabase, name: String(row['name']), value: String(row['value']) }));
  },
};

const DATABASE_ROLES =
  `public db_owner db_accessadmin db_securityadmin db_ddladmin db_backupoperator db_datareader db_datawriter`.split(
    ' ',
  );
const FIRST_FIXED_ROLE_ID = 16_384;

const principalRows = ({ session }: Around, database: string): Row[] => {
  const users = session.sqlite.prepare(
    `SELECT rowid AS id, name, type, sid, roles FROM ${quoted(database)}.__principals`,
  );
  return [
    ...users.all().map((user) => ({
      name: user['name'] as string,
      principal_id: Number(user['id']),
      type: user['type'] as string,
      type_desc: 'SQL_USER',
      default_schema_name: 'dbo',
      sid: user['sid'] as Uint8Array,
      is_fixed_role: 0,
      authentication_type_desc: 'INSTANCE',
      roles: user['roles'] as string,
    })),
    ...DATABASE_ROLES.map((name, i) => ({
      name,
      principal_id: i === 0 ? 0 : FIRST_FIXED_ROLE_ID + i - 1,
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

const principals: View = {
  columns: columnsOf(`name: name, principal_id: int, type: char(1), type_desc: nvarchar(60), default_schema_name: name
    sid: varbinary(85), is_fixed_role: bit, authentication_type_desc: nvarchar(60)`),
  rows: principalRows,
};

const roleMembers: View = {
  columns: columnsOf('role_principal_id: int, member_principal_id: int'),
  rows: (around, database) => {
    const rows = principalRows(around, database);
    return rows.flatMap((principal) =>
      (JSON.parse(String(principal['roles'])) as string[]).map((role) => ({
        role_principal_id: rows.find(({ name }) => name === role)?.['principal_id'] ?? null,
        member_principal_id: principal['principal_id'] ?? null,
      })),
    );
  },
};

export const databaseViews: Record<string, View> = {
  'sys.tables': tables,
  'sys.objects': tables,
  'sys.schemas': {
    columns: columnsOf('name: name, schema_id: int, principal_id: int'),
    rows: () => [{ name: 'dbo', schema_id: 1, principal_id: 1 }],
  },
  'sys.columns': columns,
  'sys.types': types,
  'sys.partitions': partitions,
  'sys.dm_db_partition_stats': partitions,
  'sys.dm_db_file_space_usage': spaceUsage,
  'sys.database_files': {
    columns: FILE_COLUMNS,
    rows: ({ instance }, database) => fileRows(findDatabase(instance, database)),
  },
  'sys.master_files': {
    columns: FILE_COLUMNS,
    rows: ({ instance }) => [...instance.databases.values()].flatMap(fileRows),
  },
  'sys.dm_os_volume_stats': volumes,
  'sys.extended_properties': properties,
  'sys.database_principals': principals,
  'sys.database_role_members': roleMembers,
  'information_schema.tables': informationTables,
  'information_schema.columns': informationColumns,
};
