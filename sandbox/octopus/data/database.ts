/**
 * The stand-in's way to its database: SQL Server through the same driver as everyone, statements kept simple.
 * Nothing is cached, so a database that was restored or moved says at once what it holds.
 */
import sql from 'mssql';
import type { TableName } from './schema.ts';
import { createTableStatement, tables } from './schema.ts';

export type Value = string | number | boolean | Date | Buffer | null;
export type Row = Record<string, Value>;

export type Database = {
  query<T extends Row>(text: string, parameters?: Row): Promise<T[]>;
  /** How many rows a changing statement changed. */
  execute(text: string, parameters?: Row): Promise<number>;
  /** Adds rows of one shape. */
  insert(table: TableName, rows: readonly Row[]): Promise<void>;
  close(): Promise<void>;
};

/** SQL Server takes 2,100 parameters a request and 1,000 rows a VALUES list; some room is left. */
const MAX_PARAMETERS = 2000;
const MAX_ROWS = 1000;

/** Opens the database named in `connectionString`. */
export const openDatabase = async (connectionString: string): Promise<Database> => {
  const pool = new sql.ConnectionPool({
    ...sql.ConnectionPool.parseConnectionString(connectionString),
    // Else the driver asks SELECT 1 before every statement.
    validateConnection: 'socket',
  });
  /** An idle connection that breaks is replaced at the next request; an unheard error event would end the process. */
  pool.on('error', () => {});
  await pool.connect();
  const request = (parameters: Row): sql.Request => {
    const prepared = pool.request();
    for (const [name, value] of Object.entries(parameters)) bind(prepared, name, value);
    return prepared;
  };
  const execute = async (text: string, parameters: Row = {}): Promise<number> =>
    (await request(parameters).query(text)).rowsAffected[0] ?? 0;

  return {
    query: async <T extends Row>(text: string, parameters: Row = {}): Promise<T[]> =>
      (await request(parameters).query<T>(text)).recordset,
    execute,
    insert: async (table, rows) => {
      for (const batch of batchesOf(rows)) {
        const { text, parameters } = insertStatement(table, batch);
        await execute(text, parameters);
      }
    },
    close: async () => pool.close(),
  };
};

const bind = (request: sql.Request, name: string, value: Value): void => {
  if (value instanceof Date) request.input(name, sql.DateTimeOffset(7), value);
  else if (Buffer.isBuffer(value)) request.input(name, sql.VarBinary(sql.MAX), value);
  else if (typeof value === 'string') request.input(name, sql.NVarChar(value.length > 4000 ? sql.MAX : 4000), value);
  else if (typeof value === 'number') request.input(name, sql.BigInt, value);
  else if (typeof value === 'boolean') request.input(name, sql.Bit, value);
  else request.input(name, sql.NVarChar(1), null);
};

const batchesOf = (rows: readonly Row[]): Row[][] => {
  const width = Math.max(1, Object.keys(rows[0] ?? {}).length);
  const size = Math.min(MAX_ROWS, Math.floor(MAX_PARAMETERS / width));
  const count = Math.ceil(rows.length / size);
  return Array.from({ length: count }, (_, index) => rows.slice(index * size, (index + 1) * size));
};

const insertStatement = (table: TableName, rows: Row[]): { text: string; parameters: Row } => {
  const columns = Object.keys(rows[0] ?? {});
  const parameters: Row = {};
  const tuples = rows.map((row, index) => {
    for (const [position, column] of columns.entries()) parameters[`p${index}_${position}`] = row[column] ?? null;
    return `(${columns.map((_, position) => `@p${index}_${position}`).join(', ')})`;
  });
  const names = columns.map((column) => `[${column}]`).join(', ');
  return { text: `INSERT INTO [${table}] (${names}) VALUES ${tuples.join(', ')}`, parameters };
};

/** Makes the database when the server has none of that name, and its tables; tables that are there are emptied. */
export const createEmptyDatabase = async (connectionString: string): Promise<Database> => {
  const { name, master } = splitConnectionString(connectionString);
  const server = await openDatabase(master);
  const known = await server.query('SELECT name FROM sys.databases WHERE name = @name', { name });
  if (known.length === 0) await server.execute(`CREATE DATABASE [${name.replaceAll(']', ']]')}]`);
  await server.close();

  const database = await openDatabase(connectionString);
  const present = new Set(
    (await database.query<{ name: string }>('SELECT name FROM sys.tables')).map((row) => row.name),
  );
  for (const table of Object.keys(tables) as TableName[]) {
    await database.execute(present.has(table) ? `DELETE FROM [${table}]` : createTableStatement(table));
  }
  return database;
};

const DATABASE_PART = /(^|;)\s*(?:initial catalog|database)\s*=\s*([^;]*)/i;

/** The database's name, and the same connection string for `master`. */
const splitConnectionString = (connectionString: string): { name: string; master: string } => {
  const name = DATABASE_PART.exec(connectionString)?.[2]?.trim();
  if (name === undefined || name === '') throw new Error('the connection string names no database');
  return { name, master: connectionString.replace(DATABASE_PART, '$1Database=master') };
};
