/**
 * The built-in functions the translator knows, as SQLite expressions. Every other function is refused with error 195,
 * so SQLite's own functions are not reachable by accident.
 *
 * Names beginning with `tsql_` are registered on each session's connection by `../session-functions.ts`.
 */
import { parseType } from '../tds/types.ts';
import type { SqlType } from '../tds/types.ts';

type Build = (args: string[]) => string;
export type BuiltIn = { build: Build; type?: SqlType };

const INT: SqlType = { name: 'int' };
const NVARCHAR: SqlType = { name: 'nvarchar', length: 4000 };
const SYSNAME: SqlType = { name: 'nvarchar', length: 128 };
const now = (type: string, isUtc = false): BuiltIn => ({
  build: () => (isUtc ? 'tsql_utc_now()' : 'tsql_now()'),
  type: parseType(type) ?? NVARCHAR,
});
const same = (name: string, type?: SqlType): BuiltIn => ({
  build: (args) => `${name}(${args.join(', ')})`,
  ...(type && { type }),
});

export const BUILT_INS: Record<string, BuiltIn> = {
  COUNT: same('count', INT),
  COUNT_BIG: same('count', { name: 'bigint' }),
  SUM: same('sum'),
  MIN: same('min'),
  MAX: same('max'),
  AVG: same('avg'),
  ROW_NUMBER: same('row_number', { name: 'bigint' }),
  ISNULL: same('ifnull'),
  COALESCE: same('coalesce'),
  NULLIF: same('nullif'),
  IIF: same('iif'),
  ABS: same('abs'),
  ROUND: same('round'),
  UPPER: same('upper', NVARCHAR),
  LOWER: same('lower', NVARCHAR),
  LTRIM: same('ltrim', NVARCHAR),
  RTRIM: same('rtrim', NVARCHAR),
  TRIM: same('trim', NVARCHAR),
  REPLACE: same('replace', NVARCHAR),
  SUBSTRING: same('substr'),
  LEFT: { build: ([text, count]) => `substr(${text}, 1, ${count})`, type: NVARCHAR },
  RIGHT: { build: ([text, count]) => `substr(${text}, -(${count}))`, type: NVARCHAR },
  LEN: { build: ([text]) => `length(rtrim(${text}))`, type: INT },
  DATALENGTH: same('tsql_datalength', { name: 'bigint' }),
  CHARINDEX: { build: ([part, text]) => `instr(lower(${text}), lower(${part}))`, type: INT },
  CONCAT: { build: (args) => `(${args.map((arg) => `ifnull(${arg}, '')`).join(' || ')})`, type: NVARCHAR },
  QUOTENAME: same('tsql_quotename', SYSNAME),
  JSON_VALUE: same('json_extract', NVARCHAR),
  ISJSON: same('json_valid', INT),
  DATEPART: {
    build: ([part]) => (/^"tzoffset"$/i.test(part ?? '') ? 'tsql_utc_offset()' : `tsql_unknown_part(${part})`),
    type: INT,
  },
  SUSER_SID: same('tsql_suser_sid', { name: 'varbinary', length: 85 }),
  NEWID: { build: () => 'tsql_newid()', type: { name: 'uniqueidentifier' } },
  GETDATE: now('datetime'),
  GETUTCDATE: now('datetime', true),
  SYSDATETIME: now('datetime2'),
  SYSUTCDATETIME: now('datetime2', true),
  SYSDATETIMEOFFSET: now('datetimeoffset', true),
  SERVERPROPERTY: same('tsql_serverproperty', { name: 'sql_variant' }),
  DATABASEPROPERTYEX: same('tsql_databasepropertyex', { name: 'sql_variant' }),
  DB_ID: same('tsql_db_id', INT),
  DB_NAME: same('tsql_db_name', SYSNAME),
  OBJECT_ID: same('tsql_object_id', INT),
  SCHEMA_NAME: same('tsql_schema_name', SYSNAME),
  SUSER_SNAME: same('tsql_suser_sname', SYSNAME),
  SUSER_NAME: same('tsql_suser_sname', SYSNAME),
  ORIGINAL_LOGIN: same('tsql_suser_sname', SYSNAME),
  APP_NAME: same('tsql_app_name', SYSNAME),
  HOST_NAME: same('tsql_host_name', SYSNAME),
  IS_SRVROLEMEMBER: same('tsql_is_srvrolemember', INT),
  IS_ROLEMEMBER: same('tsql_is_rolemember', INT),
  HAS_PERMS_BY_NAME: same('tsql_has_perms_by_name', INT),
  HAS_DBACCESS: same('tsql_has_dbaccess', INT),
  SCOPE_IDENTITY: { build: () => 'last_insert_rowid()', type: { name: 'decimal', precision: 38, scale: 0 } },
};

/** SQLite's way to make a value of a type: it knows five storage classes only. */
export const castTo = (expression: string, type: SqlType): string => {
  if (/int$|^bit$/.test(type.name)) return `CAST(${expression} AS INTEGER)`;
  if (/float|real|decimal|numeric|money/.test(type.name)) return `CAST(${expression} AS REAL)`;
  if (/binary/.test(type.name)) return `CAST(${expression} AS BLOB)`;
  if (/char/.test(type.name)) {
    const text = `CAST(${expression} AS TEXT)`;
    return typeof type.length === 'number' ? `substr(${text}, 1, ${type.length})` : text;
  }
  return `CAST(${expression} AS TEXT)`;
};
