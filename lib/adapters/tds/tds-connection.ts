/**
 * Connections to SQL Server over `mssql`: the connection string checked, private pools, statements with typed parameters.
 *
 * The driver ignores some settings silently and keeps the numbers of login errors to itself; both are made good here.
 * It never resets a borrowed connection, so pools are private and every statement names its database.
 */
import mssql from 'mssql';
import type { config, ConnectionPool, ISqlType, Transaction } from 'mssql';
import { OctoError } from '../../domain/errors.ts';
import type { Secret } from '../../domain/secrets/secret.ts';
import { translated } from './sql-server-errors.ts';
import type { ServerError, Undertaking } from './sql-server-errors.ts';

export type PoolOptions = {
  database: string;
  /** `program_name` of the sessions; the driver ignores the connection string's own. */
  appName: string;
  /** How many connections at once. */
  max: number;
  /** 0: statements may take as long as they take, and somebody else watches them. */
  requestSeconds: number;
};

export type Parameters = Record<string, readonly [type: ISqlType | (() => ISqlType), value: unknown]>;

export const { NVarChar, Int, VarBinary, DateTimeOffset, MAX } = mssql;

/** A name as an identifier of T-SQL. */
export const bracketed = (name: string): string => `[${name.replaceAll(']', ']]')}]`;

const WINDOWS_LOGIN = /(?:^|;)\s*(?:integrated\s*security|trusted_connection)\s*=\s*"?(?:true|yes|sspi)/i;
const STRICT = /(?:^|;)\s*encrypt\s*=\s*"?strict/i;

/** The driver's settings. @throws DatabaseConnectionInvalid, WindowsLoginUnsupported */
export const connectionSettings = (connectionString: Secret): config => {
  const text = connectionString.reveal();
  if (WINDOWS_LOGIN.test(text)) {
    throw new OctoError('WindowsLoginUnsupported', 'the connection string asks for a Windows login');
  }
  let settings: config;
  try {
    settings = mssql.ConnectionPool.parseConnectionString(text);
  } catch {
    // The driver's own error may repeat the text, password and all.
    throw new OctoError('DatabaseConnectionInvalid', 'the connection string cannot be read');
  }
  const missing = (['server', 'user', 'password'] as const).filter(
    (name) => !settings[name] && !settings.authentication,
  );
  if (missing.length > 0) {
    throw new OctoError('DatabaseConnectionInvalid', `the connection string names no ${missing.join(', no ')}`);
  }
  // The driver reads "Strict" as a plain yes, which would be weaker than what was asked for.
  return STRICT.test(text) ? { ...settings, options: { ...settings.options, encrypt: 'strict' } } : settings;
};

/** An open pool; the first login has succeeded. @throws DatabaseLoginRefused, DatabaseUnreachable and what SQL Server said */
export const openPool = async (settings: config, options: PoolOptions): Promise<ConnectionPool> => {
  const errors: ServerError[] = [];
  const pool = new mssql.ConnectionPool({
    ...settings,
    options: { ...settings.options, appName: options.appName },
    database: options.database,
    requestTimeout: options.requestSeconds * 1000,
    pool: { max: options.max, min: 0 },
    validateConnection: 'socket',
    beforeConnect: (connection) => void connection.on('errorMessage', (error: ServerError) => errors.push(error)),
  });
  // An idle connection that dies is replaced by the pool; without a listener its error would end the process.
  pool.on('error', () => {});
  try {
    return await pool.connect();
  } catch (thrown) {
    const error = translated(
      thrown,
      { what: `login to ${settings.server}`, facts: { server: settings.server } },
      errors,
    );
    const isUnanswered = error.code === 'DatabaseConnectionLost' || error.code === 'DatabaseTimeout';
    throw isUnanswered
      ? new OctoError('DatabaseUnreachable', error.message, { cause: thrown, facts: error.facts })
      : error;
  }
};

/** A pool that is opened when it is first asked for, once, and asked for again after a failure. */
export const lazyPool = (open: () => Promise<ConnectionPool>) => {
  let opening: Promise<ConnectionPool> | null = null;
  return {
    get: async (): Promise<ConnectionPool> => {
      opening ??= open();
      try {
        return await opening;
      } catch (thrown) {
        opening = null;
        throw thrown;
      }
    },
    close: async (): Promise<void> => {
      const pool = await opening?.catch(() => null);
      opening = null;
      await pool?.close();
    },
  };
};

export type Statement = { sql: string; parameters?: Parameters };

/** Where statements go: a pool, or a transaction on one of its connections. */
export type Statements = Pick<ConnectionPool | Transaction, 'request'>;

export const requestOf = (on: Statements, parameters: Parameters = {}): mssql.Request => {
  const request = on.request();
  for (const [name, [type, value]] of Object.entries(parameters)) request.input(name, type, value);
  return request;
};

/** The rows of one query. @throws what SQL Server said */
export const rowsOf = async <Row>(
  on: Statements,
  { sql, parameters }: Statement,
  undertaking: Undertaking,
): Promise<Row[]> => {
  try {
    return (await requestOf(on, parameters).query<Row>(sql)).recordset;
  } catch (thrown) {
    throw translated(thrown, undertaking);
  }
};

/** How many rows one statement changed. @throws what SQL Server said */
export const changedBy = async (
  on: Statements,
  { sql, parameters }: Statement,
  undertaking: Undertaking,
): Promise<number> => {
  try {
    return (await requestOf(on, parameters).query(sql)).rowsAffected.reduce((sum, rows) => sum + rows, 0);
  } catch (thrown) {
    throw translated(thrown, undertaking);
  }
};

/** All of `work`, or nothing of it. */
export const inTransaction = async <T>(pool: ConnectionPool, work: (on: Statements) => Promise<T>): Promise<T> => {
  const transaction = pool.transaction();
  await transaction.begin();
  try {
    const result = await work(transaction);
    await transaction.commit();
    return result;
  } catch (thrown) {
    // A transaction that SQL Server has given up already cannot be rolled back; what it said first is the one to tell.
    await transaction.rollback().catch(() => undefined);
    throw thrown;
  }
};
