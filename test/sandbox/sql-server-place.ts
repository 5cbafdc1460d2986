/** A SQL Server stand-in in a temporary directory, with a database `Sample` of a few hundred pages, and clients for it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mssql from 'mssql';
import type { ConnectionPool, IResult } from 'mssql';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { startSqlServer } from '../../sandbox/sql-server/server.ts';
import type { SqlServerOptions, SqlServerStandIn } from '../../sandbox/sql-server/server.ts';

export const PASSWORD = 'p;w"d';
export const ROWS = 40;

export type Place = {
  server: SqlServerStandIn;
  directory: string;
  connectionString: (extra?: string) => Secret;
  pool: ConnectionPool;
  query: <Row>(sql: string, inputs?: Record<string, unknown>) => Promise<IResult<Row>>;
  /** The numbers of the errors that a statement fails with, in order. */
  errorsOf: (sql: string) => Promise<number[]>;
  stop: () => Promise<void>;
};

type Failed = { number?: number; precedingErrors?: Failed[] };

export const startPlace = async (options: Partial<SqlServerOptions> = {}): Promise<Place> => {
  const directory = await mkdtemp(join(tmpdir(), 'octo-sql-'));
  const server = await startSqlServer({ directory, logins: { octo: PASSWORD }, ...options });
  const text = `Server=127.0.0.1,${server.port};User Id=octo;Password="${PASSWORD.replaceAll('"', '""')}"`;
  const connectionString = (extra = 'Encrypt=true;TrustServerCertificate=true'): Secret =>
    new Secret(`${text};${extra}`);
  const pool = await new mssql.ConnectionPool(connectionString().reveal()).connect();
  const query = async <Row>(sql: string, inputs: Record<string, unknown> = {}) => {
    const request = pool.request();
    for (const [name, value] of Object.entries(inputs)) request.input(name, value);
    return request.query<Row>(sql);
  };
  const errorsOf = async (sql: string): Promise<number[]> => {
    try {
      await query(sql);
      return [];
    } catch (thrown) {
      const { number, precedingErrors = [] } = thrown as Failed;
      return [...precedingErrors.map((error) => error.number ?? 0), number ?? 0];
    }
  };
  const stop = async (): Promise<void> => {
    await pool.close();
    await server.close();
    await rm(directory, { recursive: true });
  };
  return { server, directory, connectionString, pool, query, errorsOf, stop };
};

/** Rows of 50 KB each, so that the database has extents to give and to take. */
export const makeSample = async ({ query }: Place): Promise<void> => {
  await query('CREATE DATABASE Sample');
  await query(
    'CREATE TABLE Sample.dbo.Thing (Id int IDENTITY(1,1) PRIMARY KEY, Name nvarchar(100), Content varbinary(max))',
  );
  for (let i = 0; i < ROWS; i += 1) {
    await query('INSERT INTO Sample.dbo.Thing (Name, Content) VALUES (@name, @content)', {
      name: `thing ${i}`,
      content: Buffer.alloc(50_000, i),
    });
  }
};

/** What the rows of the sample add up to. */
export const sumOf = async ({ query }: Pick<Place, 'query'>, database = 'Sample') =>
  (
    await query<{ n: number; ids: number; bytes: number }>(
      `SELECT COUNT(*) AS n, SUM(Id) AS ids, SUM(DATALENGTH(Content)) AS bytes FROM [${database}].dbo.Thing`,
    )
  ).recordset[0];
