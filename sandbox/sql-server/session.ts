/**
 * One logged-in client: its SQLite connection, current database, variables and the request that runs.
 *
 * The connection's main schema is memory, for catalog views; databases are attached under their own names when they are
 * first mentioned. Which statements exist is in `statements.ts`; the wire is in `connection.ts`.
 */
import { findDatabase, isSystemDatabase } from './records.ts';
import { DatabaseSync } from 'node:sqlite';
import { catalogView } from './catalog/views.ts';
import { dataFileOf, sidOf, versionText } from './instance.ts';
import type { DatabaseRecord, Instance } from './instance.ts';
import { failure, message } from './messages.ts';
import { registerFunctions } from './catalog/functions.ts';
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
  /** Databases whose files this session has open. */
  attached: Set<string>;
  /** What the translator may ask. */
  scope: DefineScope;
  isSysadmin: boolean;
  serverRoles: string[];
  /** The record of a database that may be read, attached. @throws 911, 916, 922, 924, 927, 942 */
  enter(name: string): DatabaseRecord;
  /** Forgets the open file of a database. */
  detach(name: string): void;
  /** The session's user in a database, null when it has none there. */
  principalIn(database: string): Principal | null;
  /** @throws 137 */
  variable(name: string): Variable;
  /** Values for the variables that a translated statement mentions. */
  bindings(sql: string): Record<string, SqlValue>;
  /** Cuts the client off, as KILL and a broken network do. */
  cut(): void;
  close(): void;
};

export type Principal = { name: string; roles: string[] };

const SYSNAME: SqlType = { name: 'nvarchar', length: 128 };
const NVARCHAR: SqlType = { name: 'nvarchar', length: 4000 };

type Around = { instance: Instance; session: Session };

const newState = (): SessionState => ({
  database: 'master',
  variables: new Map(),
  isInTransaction: false,
  transaction: 0n,
  rowCount: 0,
  isKilled: false,
  request: null,
});

export const openSession = (instance: Instance, login: Login, cut: () => void): Session => {
  const roles = instance.settings.logins[login.user]?.roles ?? ['sysadmin'];
  instance.lastSessionId += 1;
  const session: Session = {
    id: instance.lastSessionId,
    login,
    startedAt: new Date(),
    sqlite: new DatabaseSync(':memory:'),
    state: newState(),
    attached: new Set(),
    isSysadmin: roles.includes('sysadmin'),
    serverRoles: roles,
    scope: {
      table: (parts) => tableName({ instance, session }, parts),
      newTable: (parts) => userTable(session, parts),
      variable: (name) => session.variable(name).type,
    },
    enter: (name) => enter({ instance, session }, name),
    detach: (name) => detach(session, name),
    principalIn: (database) => principalIn({ instance, session }, database),
    variable: (name) => variableOf({ instance, session }, name),
    bindings: (sql) => bindingsOf({ instance, session }, sql),
    cut,
    close: () => {
      session.state.request?.abort.abort();
      instance.sessions.delete(session.id);
      session.sqlite.close();
    },
  };
  registerFunctions({ instance, session });
  instance.sessions.set(session.id, session);
  return session;
};

const enter = ({ instance, session }: Around, name: string): DatabaseRecord => {
  const record = findDatabase(instance, name);
  if (record.state === 'RESTORING') throw failure(message(instance.held.has(record.name) ? 922 : 927, record.name));
  if (record.state === 'OFFLINE') throw failure(message(942, record.name));
  const isTaken = [...instance.sessions.values()].some(
    ({ id, state }) => id !== session.id && state.database === record.name,
  );
  if (record.userAccess === 'SINGLE_USER' && isTaken) throw failure(message(924, record.name));
  if (!session.attached.has(record.name)) {
    session.sqlite.exec(`ATTACH DATABASE '${dataFileOf(record).replaceAll("'", "''")}' AS ${quoted(record.name)}`);
    session.attached.add(record.name);
  }
  const isKnown = isSystemDatabase(record.name) || session.principalIn(record.name) !== null;
  if (!isKnown) throw failure(message(916, session.login.user, record.name));
  return record;
};

const detach = ({ attached, sqlite, state }: Session, name: string): void => {
  if (!attached.delete(name)) return;
  if (state.isInTransaction) sqlite.exec('ROLLBACK');
  state.isInTransaction = false;
  sqlite.exec(`DETACH DATABASE ${quoted(name)}`);
};

const principalIn = ({ instance, session }: Around, database: string): Principal | null => {
  if (session.isSysadmin) return { name: 'dbo', roles: ['db_owner'] };
  const query = session.sqlite.prepare(`SELECT name, roles FROM ${quoted(database)}.__principals WHERE sid = ?`);
  const row = query.get(sidOf(instance, session.login.user));
  return row === undefined ? null : { name: String(row['name']), roles: JSON.parse(String(row['roles'])) as string[] };
};

const GLOBALS: Record<string, (around: Around) => Variable> = {
  '@@spid': ({ session }) => ({ type: { name: 'smallint' }, value: session.id }),
  '@@version': ({ instance }) => ({ type: NVARCHAR, value: versionText(instance) }),
  '@@servername': ({ instance }) => ({ type: SYSNAME, value: instance.settings.serverName }),
  '@@rowcount': ({ session }) => ({ type: { name: 'int' }, value: session.state.rowCount }),
  '@@trancount': ({ session }) => ({ type: { name: 'int' }, value: session.state.isInTransaction ? 1 : 0 }),
};

const variableOf = (around: Around, name: string): Variable => {
  const found = around.session.state.variables.get(name) ?? GLOBALS[name]?.(around);
  if (found === undefined) throw failure(message(137, name));
  return found;
};

const bindingsOf = ({ session }: Around, sql: string): Record<string, SqlValue> => {
  const mentioned = new Set(sql.match(/@[\p{L}\d_#$@]+/gu));
  const names = [...session.state.variables.keys(), ...Object.keys(GLOBALS)].filter((name) =>
    mentioned.has(bindingOf(name)),
  );
  return Object.fromEntries(names.map((name) => [bindingOf(name), session.variable(name).value]));
};

type ResolvedName = { schema: string; table: string; isCatalog: boolean };

/** `table`, `schema.table` or `database.schema.table`, with the SQLite schema it lies in. */
const resolve = (session: Session, parts: string[]): ResolvedName => {
  const [table = '', schema = '', database = ''] = parts.toReversed();
  const record = session.enter(database === '' ? session.state.database : database);
  const owner = schema === '' ? 'dbo' : schema.toLowerCase();
  const isCatalog = owner === 'sys' || owner === 'information_schema';
  if (isCatalog) return { schema: record.name, table: `${owner}.${table.toLowerCase()}`, isCatalog };
  if (owner !== 'dbo' || table.startsWith('__')) throw failure(message(208, parts.join('.')));
  return { schema: record.name, table, isCatalog };
};

const userTable = (session: Session, parts: string[]): ResolvedName => {
  const name = resolve(session, parts);
  if (name.isCatalog) throw failure(message(208, parts.join('.')));
  return name;
};

const tableName = (around: Around, parts: string[]): string => {
  const name = resolve(around.session, parts);
  const found = name.isCatalog ? catalogView(around, name) : `${quoted(name.schema)}.${quoted(name.table)}`;
  if (found === null) throw failure(message(208, parts.join('.')));
  return found;
};
