/**
 * One logged-in client: its SQLite connection, current database, variables and the request that runs.
 *
 * The connection's main schema is memory, for catalog views; databases are attached under their own names when they are
 * first mentioned. Which statements exist is in `statements.ts`; the wire is in `connection.ts`.
 */
import { DatabaseSync } from 'node:sqlite';
import { catalogView } from './catalog.ts';
import { dataFileOf } from './instance.ts';
import type { DatabaseRecord, Instance } from './instance.ts';
import { failure, message } from './messages.ts';
import { registerFunctions } from './session-functions.ts';
import type { Login } from './tds/login.ts';
import type { SqlType } from './tds/types.ts';
import type { SqlValue } from './tds/values.ts';
import { bindingOf, quoted } from './tsql/translate.ts';
import type { DefineScope } from './tsql/define.ts';

export type Variable = { type: SqlType; value: SqlValue };
export type RunningRequest = {
  command: string;
  database: string;
  startedAt: Date;
  percent: number;
  abort: AbortController;
};

export type SessionState = {
  database: string;
  variables: Map<string, Variable>;
  isInTransaction: boolean;
  transaction: bigint;
  rowCount: number;
  isKilled: boolean;
  request: RunningRequest | null;
};

export type Session = {
  id: number;
  login: Login;
  startedAt: Date;
  sqlite: DatabaseSync;
  state: SessionState;
  /** What the translator may ask. */
  scope: DefineScope;
  isSysadmin: boolean;
  serverRoles: string[];
  /** The record of a database that may be read, attached. @throws 911, 916, 922, 924, 927, 942 */
  enter(name: string): DatabaseRecord;
  /** Forgets the open file of a database. */
  detach(name: string): void;
  /** The session's user in a database, null when it has none there. */
  principalIn(database: string): { name: string; roles: string[] } | null;
  /** @throws 137 */
  variable(name: string): Variable;
  /** Values for the variables that a translated statement mentions. */
  bindings(sql: string): Record<string, SqlValue>;
  /** Cuts the client off, as KILL and a broken network do. */
  cut(): void;
  close(): void;
};

const SYSNAME: SqlType = { name: 'nvarchar', length: 128 };
const NVARCHAR: SqlType = { name: 'nvarchar', length: 4000 };

export const openSession = (instance: Instance, login: Login, cut: () => void): Session => {
  const id = instance.nextSessionId();
  const sqlite = new DatabaseSync(':memory:');
  const attached = new Set<string>();
  const state: SessionState = {
    database: 'master',
    variables: new Map(),
    isInTransaction: false,
    transaction: 0n,
    rowCount: 0,
    isKilled: false,
    request: null,
  };

  const roles = instance.settings.logins[login.user]?.roles;
  const isSysadmin = roles === undefined || roles.includes('sysadmin');

  const enter = (name: string): DatabaseRecord => {
    const record = instance.find(name);
    if (record.state === 'RESTORING') throw failure(message(instance.held.has(record.name) ? 922 : 927, record.name));
    if (record.state === 'OFFLINE') throw failure(message(942, record.name));
    const others = [...instance.sessions.values()].filter((other) => other.id !== id);
    const isTaken = others.some((other) => other.state.database === record.name);
    if (record.userAccess === 'SINGLE_USER' && isTaken) throw failure(message(924, record.name));
    if (!attached.has(record.name)) {
      sqlite.exec(`ATTACH DATABASE '${dataFileOf(record).replaceAll("'", "''")}' AS ${quoted(record.name)}`);
      attached.add(record.name);
    }
    if (!isSysadmin && !instance.isSystem(record.name) && principalIn(record.name) === null)
      throw failure(message(916, login.user, record.name));
    return record;
  };

  const principalIn = (database: string): { name: string; roles: string[] } | null => {
    if (isSysadmin) return { name: 'dbo', roles: ['db_owner'] };
    const row = sqlite
      .prepare(`SELECT name, roles FROM ${quoted(database)}.__principals WHERE sid = ?`)
      .get(Buffer.from(instance.sids.get(login.user.toLowerCase()) ?? '', 'hex'));
    return row === undefined
      ? null
      : { name: String(row['name']), roles: JSON.parse(String(row['roles'])) as string[] };
  };

  const detach = (name: string): void => {
    if (!attached.has(name)) return;
    if (state.isInTransaction) sqlite.exec('ROLLBACK');
    state.isInTransaction = false;
    sqlite.exec(`DETACH DATABASE ${quoted(name)}`);
    attached.delete(name);
  };

  const globals: Record<string, () => Variable> = {
    '@@spid': () => ({ type: { name: 'smallint' }, value: id }),
    '@@version': () => ({ type: NVARCHAR, value: versionText(instance) }),
    '@@servername': () => ({ type: SYSNAME, value: instance.settings.serverName }),
    '@@rowcount': () => ({ type: { name: 'int' }, value: state.rowCount }),
    '@@trancount': () => ({ type: { name: 'int' }, value: state.isInTransaction ? 1 : 0 }),
    '@@error': () => ({ type: { name: 'int' }, value: 0 }),
  };

  const variable = (name: string): Variable => {
    const found = state.variables.get(name) ?? globals[name]?.();
    if (found === undefined) throw failure(message(137, name));
    return found;
  };

  const resolve = (parts: string[]): { schema: string; table: string; isSystem: boolean } => {
    const [table = '', schema = 'dbo', database] = parts.toReversed();
    const record = enter(database === undefined || database === '' ? state.database : database);
    const owner = schema === '' ? 'dbo' : schema.toLowerCase();
    if (owner === 'sys' || owner === 'information_schema')
      return { schema: record.name, table: `${owner}.${table.toLowerCase()}`, isSystem: true };
    if (owner !== 'dbo' || table.startsWith('__')) throw failure(message(208, parts.join('.')));
    return { schema: record.name, table, isSystem: false };
  };

  const table = (parts: string[]): string => {
    const name = resolve(parts);
    if (!name.isSystem) return `${quoted(name.schema)}.${quoted(name.table)}`;
    const view = catalogView({ instance, session }, name);
    if (view === null) throw failure(message(208, parts.join('.')));
    return view;
  };

  const scope: DefineScope = {
    table,
    newTable: (parts) => {
      const name = resolve(parts);
      if (name.isSystem) throw failure(message(208, parts.join('.')));
      return name;
    },
    variable: (name) => variable(name).type,
  };

  const session: Session = {
    id,
    login,
    sqlite,
    state,
    scope,
    isSysadmin,
    serverRoles: roles ?? ['sysadmin'],
    startedAt: new Date(),
    enter,
    detach,
    principalIn,
    variable,
    bindings: (sql) => {
      const names = new Set(sql.match(/@[\p{L}\d_#$@]+/gu) ?? []);
      const all = [...state.variables.keys(), ...Object.keys(globals)].filter((name) => names.has(bindingOf(name)));
      return Object.fromEntries(all.map((name) => [bindingOf(name), variable(name).value]));
    },
    cut,
    close: () => {
      state.request?.abort.abort();
      instance.sessions.delete(id);
      sqlite.close();
    },
  };
  registerFunctions({ instance, session });
  instance.sessions.set(id, session);
  return session;
};

export const versionText = (instance: Instance): string => {
  const years: Record<number, number> = { 13: 2016, 14: 2017, 15: 2019, 16: 2022, 17: 2025 };
  const { majorVersion, edition } = instance.settings;
  return `Microsoft SQL Server ${years[majorVersion] ?? majorVersion} (stand-in) - ${majorVersion}.0.4000.1 ${edition} Edition`;
};
