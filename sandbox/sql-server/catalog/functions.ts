/** The T-SQL functions that ask the instance or the session something, as functions of the session's SQLite connection. */
import { randomUUID } from 'node:crypto';
import { localTime, sidOf } from '../instance.ts';
import type { DatabaseRecord, Instance } from '../instance.ts';
import { findDatabase } from '../records.ts';
import type { Session } from '../session.ts';
import type { SqlValue } from '../tds/values.ts';
import { tokenize } from '../tsql/lexer.ts';
import { tableId } from './database-views.ts';
import { isGranted } from './grants.ts';
import type { Around } from './view.ts';

const ENGINE_EDITIONS = { Standard: 2, Enterprise: 3, Developer: 3, Express: 4 };
const EDITION_IDS = { Standard: -1534726760, Enterprise: 1804890536, Developer: -2117995310, Express: -1592396055 };

const serverProperty = (instance: Instance, name: string): SqlValue => {
  const { majorVersion, edition, serverName } = instance.settings;
  const properties: Record<string, SqlValue> = {
    productversion: `${majorVersion}.0.4000.1`,
    productmajorversion: String(majorVersion),
    productlevel: 'RTM',
    edition: `${edition} Edition (64-bit)`,
    editionid: EDITION_IDS[edition],
    engineedition: ENGINE_EDITIONS[edition],
    collation: 'SQL_Latin1_General_CP1_CI_AS',
    servername: serverName,
    machinename: serverName,
    instancename: null,
    isclustered: 0,
    ishadrenabled: 0,
    issingleuser: 0,
    instancedefaultdatapath: `${instance.paths.data}/`,
    instancedefaultlogpath: `${instance.paths.data}/`,
    instancedefaultbackuppath: majorVersion >= 15 ? instance.paths.backup : null,
  };
  return properties[name.toLowerCase()] ?? null;
};

const databaseProperty = (record: DatabaseRecord | undefined, name: string): SqlValue => {
  if (record === undefined) return null;
  const properties: Record<string, SqlValue> = {
    status: record.state,
    recovery: record.recoveryModel,
    collation: record.collation,
    useraccess: record.userAccess,
    updateability: record.isReadOnly ? 'READ_ONLY' : 'READ_WRITE',
  };
  return properties[name.toLowerCase()] ?? null;
};

const objectId = (around: Around, name: string): SqlValue => {
  const parts = tokenize(name)
    .filter(({ kind }) => kind !== 'mark')
    .map(({ text }) => text);
  const database = parts.length === 3 ? (parts[0] ?? '') : around.session.state.database;
  return tableId(around, database, parts.at(-1) ?? '');
};

const quoteName = (name: SqlValue): SqlValue =>
  name === null || String(name).length > 128 ? null : `[${String(name).replaceAll(']', ']]')}]`;

export const registerFunctions = ({ instance, session }: Around): void => {
  const around = { instance, session };
  const named = (name: SqlValue | undefined): DatabaseRecord | undefined =>
    instance.databases.get((name === undefined || name === null ? session.state.database : String(name)).toLowerCase());
  const bit = (value: boolean): number => (value ? 1 : 0);
  const text = (value: SqlValue | undefined): string => String(value ?? '');

  const functions: Record<string, (...args: SqlValue[]) => SqlValue> = {
    now: () => localTime(instance, new Date()),
    utc_now: () => new Date().toISOString().replace('T', ' ').replace('Z', ''),
    utc_offset: () => instance.settings.utcOffsetMinutes,
    suser_sid: () => sidOf(instance, session.login.user),
    newid: () => randomUUID().toUpperCase(),
    datalength: (value) =>
      value === null || value === undefined
        ? null
        : value instanceof Uint8Array
          ? value.length
          : text(value).length * 2,
    quotename: (name) => quoteName(name ?? null),
    serverproperty: (name) => serverProperty(instance, text(name)),
    databasepropertyex: (database, name) => databaseProperty(named(database), text(name)),
    db_id: (name) => named(name)?.id ?? null,
    db_name: (id) =>
      id === undefined
        ? session.state.database
        : ([...instance.databases.values()].find((record) => record.id === Number(id))?.name ?? null),
    object_id: (name) => objectId(around, text(name)),
    schema_name: (id) => (id === undefined || Number(id) === 1 ? 'dbo' : null),
    suser_sname: (sid) => (sid instanceof Uint8Array ? loginOf(instance, sid) : session.login.user),
    app_name: () => session.login.appName,
    host_name: () => session.login.hostName,
    is_srvrolemember: (role) =>
      bit(session.isSysadmin || text(role) === 'public' || session.serverRoles.includes(text(role).toLowerCase())),
    is_rolemember: (role) =>
      bit(
        session
          .principalIn(session.state.database)
          ?.roles.some((own) => own === text(role).toLowerCase() || own === 'db_owner') ?? false,
      ),
    has_dbaccess: (name) => (named(name) === undefined ? null : bit(hasAccess(session, text(name)))),
    has_perms_by_name: (securable, kind, permission) => hasPermission(around, { securable, kind, permission }),
  };
  for (const [name, call] of Object.entries(functions)) {
    session.sqlite.function(`tsql_${name}`, { varargs: true, useBigIntArguments: false }, call as never);
  }
};

const loginOf = (instance: Instance, sid: Uint8Array): SqlValue => {
  const hex = Buffer.from(sid).toString('hex');
  return [...instance.sids].find(([, known]) => known === hex)?.[0] ?? null;
};

const hasAccess = (session: Session, name: string): boolean => {
  try {
    session.enter(name);
    return true;
  } catch {
    return false;
  }
};

type Asked = { securable: SqlValue | undefined; kind: SqlValue | undefined; permission: SqlValue | undefined };

const hasPermission = ({ instance, session }: Around, { securable, kind, permission }: Asked): SqlValue => {
  const name = String(permission ?? '').toUpperCase();
  const database = tokenize(String(securable ?? ''))[0]?.text ?? '';
  if (securable === null || securable === undefined) return isGranted({ session }, name, null) ? 1 : 0;
  if (String(kind).toUpperCase() !== 'DATABASE' || !instance.databases.has(database.toLowerCase())) return null;
  return hasAccess(session, database) && isGranted({ session }, name, findDatabase(instance, database).name) ? 1 : 0;
};
