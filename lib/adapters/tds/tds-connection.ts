/**
 * Connections to SQL Server over `mssql`: the connection string checked, private pools, statements with typed parameters.
 *
 * The driver ignores some settings silently and keeps the numbers of login errors to itself; both are made good here.
 * It never resets a borrowed connection, so pools are private and every statement names its database.
 */
import mssql from 'mssql';
import type { config, ConnectionPool, ISqlType } from 'mssql';
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

export const { NVarChar, Int, VarBinary } = mssql;

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

export const requestOf = (pool: ConnectionPool, parameters: Parameters = {}): mssql.Request => {
  const request = pool.request();
  for (const [name, [type, value]] of Object.entries(parameters)) request.input(name, type, value);
  return request;
};

/** The rows of one query. @throws what SQL Server said */
export const rowsOf = async <Row>(
  pool: ConnectionPool,
  { sql, parameters }: Statement,
  undertaking: Undertaking,
): Promise<Row[]> => {
  try {
    return (await requestOf(pool, parameters).query<Row>(sql)).recordset;
  } catch (thrown) {
    throw translated(thrown, undertaking);
  }
};
