/** Reading the Octopus database: which tables and columns it has, counts, and long lists in pages by key. */
import type { ConnectionPool } from 'mssql';
import { bracketed, Int, NVarChar, rowsOf } from './tds-connection.ts';
import type { Parameters } from './tds-connection.ts';

/** Columns by table; user tables of the schema `dbo`. */
export type Tables = ReadonlyMap<string, ReadonlySet<string>>;
export type Query = { sql: string; parameters?: Parameters; what: string };

export type Reader = {
  query<Row>(query: Query): Promise<Row[]>;
  tables(): Promise<Tables>;
};

export const readerOf = (pool: () => Promise<ConnectionPool>, database: string): Reader => {
  const query = async <Row>({ sql, parameters, what }: Query): Promise<Row[]> =>
    rowsOf<Row>(await pool(), { sql, ...(parameters && { parameters }) }, { what, facts: { database } });
  return {
    query,
    tables: async () => {
      const rows = await query<{ table: string; column: string }>({
        sql: `SELECT t.name AS [table], c.name AS [column] FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id
          JOIN sys.columns c ON c.object_id = t.object_id
          WHERE s.name = N'dbo' AND t.is_ms_shipped = 0 ORDER BY t.name, c.column_id`,
        what: 'listing tables',
      });
      const byTable = Map.groupBy(rows, ({ table }) => table);
      return new Map([...byTable].map(([table, columns]) => [table, new Set(columns.map(({ column }) => column))]));
    },
  };
};

const TABLES_PER_COUNT = 25;

const inGroups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

/** Rows of each table. */
export const countRows = async (reader: Reader, tables: Iterable<string>): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const names of inGroups([...tables], TABLES_PER_COUNT)) {
    const selects = names.map(
      (name, i) => `SELECT @name${i} AS [table], COUNT_BIG(*) AS total FROM dbo.${bracketed(name)}`,
    );
    const rows = await reader.query<{ table: string; total: string }>({
      sql: selects.join(' UNION ALL '),
      parameters: Object.fromEntries(names.map((name, i) => [`name${i}`, [NVarChar(128), name] as const])),
      what: 'counting rows',
    });
    for (const { table, total } of rows) counts[table] = Number(total);
  }
  return counts;
};

export type Source = { table: string; columns: string; where?: string; pageRows: number };

/** All rows in the order of their ids, a page at a time. */
export async function* pagesOf<Row extends { Id: string }>(reader: Reader, source: Source): AsyncGenerator<Row> {
  const { table, columns, where, pageRows } = source;
  const condition = where === undefined ? '' : ` AND ${where}`;
  for (let after = ''; ;) {
    const rows: Row[] = await reader.query({
      sql: `SELECT TOP (@count) ${columns} FROM dbo.${bracketed(table)} WHERE Id > @after${condition} ORDER BY Id`,
      parameters: { count: [Int, pageRows], after: [NVarChar(450), after] },
      what: `listing ${table}`,
    });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    after = last.Id;
  }
}

/** The key and the columns that hold a document, for a SELECT list. */
export const documentColumns = (columns: ReadonlySet<string>): string =>
  ['Id', 'JSON', 'JSONBlob']
    .filter((name) => columns.has(name))
    .map(bracketed)
    .join(', ');
