/**
 * `OctopusDatabase` over TDS: counts, schema level, samples of encrypted values, lists of packages and artifacts.
 *
 * Only reads. Which tables and columns exist differs between versions of Octopus, so the catalog is asked first; long
 * lists come in pages by key, so memory stays bounded. @see https://octopus.com/docs/administration/data
 */
import type { ConnectionPool } from 'mssql';
import { Secret } from '../domain/secret.ts';
import type { EncryptedValue, ListedArtifact, ListedPackage, OctopusDatabase } from '../ports/octopus-database.ts';
import {
  documentOf,
  ENCRYPTED_LIKE,
  encryptedIn,
  hasSensitiveVariable,
  takeTurns,
} from './octopus-database.tds-documents.ts';
import type { DocumentRow } from './octopus-database.tds-documents.ts';
import { bracketed, connectionSettings, Int, lazyPool, NVarChar, openPool, rowsOf } from './tds-connection.ts';
import type { Parameters } from './tds-connection.ts';

const APP_NAME = 'octo-keeper';
/** Counting and sampling may read whole tables. */
const REQUEST_SECONDS = 600;
const PAGE_ROWS = 1000;
const DOCUMENTS_PER_PAGE = 50;
const TABLES_PER_COUNT = 25;
/** Documents read from either end of a table. */
const DOCUMENTS_PER_END = 25;

/** Tables that grow without end and hold copies or history: what they encrypt, the living tables hold as well. */
const HISTORY = [
  'Event',
  'ServerTask',
  'Deployment',
  'Release',
  'Artifact',
  'NuGetPackage',
  'RelatedDocument',
  'ApiKey',
];

export type OctopusDatabaseTdsOptions = { connectionString: Secret; database: string };

type Tables = Map<string, Set<string>>;
type Query = { sql: string; parameters?: Parameters; what: string };

/** @throws DatabaseConnectionInvalid, WindowsLoginUnsupported */
export const octopusDatabaseTds = ({ connectionString, database }: OctopusDatabaseTdsOptions): OctopusDatabase => {
  const settings = connectionSettings(connectionString);
  const pool = lazyPool(() =>
    openPool(settings, { database, appName: APP_NAME, max: 2, requestSeconds: REQUEST_SECONDS }),
  );
  const reader = readerOf(() => pool.get(), database);
  return {
    counts: () => countTables(reader),
    schema: () => readSchema(reader),
    encryptedValues: (limit) => sampleEncrypted(reader, limit),
    sensitiveDocumentCount: () => countSensitive(reader),
    packages: () => listPackages(reader),
    artifacts: () => listArtifacts(reader),
    close: () => pool.close(),
  };
};

type Reader = {
  query<Row>(query: Query): Promise<Row[]>;
  /** User tables of the schema `dbo` with their columns. */
  tables(): Promise<Tables>;
};

const readerOf = (pool: () => Promise<ConnectionPool>, database: string): Reader => {
  const query = async <Row>({ sql, parameters, what }: Query): Promise<Row[]> =>
    rowsOf<Row>(await pool(), { sql, ...(parameters && { parameters }) }, { what, facts: { database } });
  return {
    query,
    tables: async () => {
      const rows = await query<{ table: string; column: string }>({
        sql: `SELECT t.name AS [table], c.name AS [column] FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id
          JOIN sys.columns c ON c.object_id = t.object_id WHERE s.name = N'dbo' AND t.is_ms_shipped = 0 ORDER BY t.name, c.column_id`,
        what: 'listing tables',
      });
      const columnsOf = Map.groupBy(rows, ({ table }) => table);
      return new Map([...columnsOf].map(([table, columns]) => [table, new Set(columns.map(({ column }) => column))]));
    },
  };
};

const inGroups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

const countTables = async (reader: Reader): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const names of inGroups([...(await reader.tables()).keys()], TABLES_PER_COUNT)) {
    const parameters = Object.fromEntries(names.map((name, i) => [`name${i}`, [NVarChar(128), name] as const]));
    const selects = names.map(
      (name, i) => `SELECT @name${i} AS name, COUNT_BIG(*) AS total FROM dbo.${bracketed(name)}`,
    );
    const rows = await reader.query<{ name: string; total: string }>({
      sql: selects.join(' UNION ALL '),
      parameters,
      what: 'counting rows',
    });
    for (const { name, total } of rows) counts[name] = Number(total);
  }
  return counts;
};

const countRows = async (reader: Reader, table: string): Promise<number> => {
  const sql = `SELECT COUNT_BIG(*) AS total FROM dbo.${bracketed(table)}`;
  const [row] = await reader.query<{ total: string }>({ sql, what: `counting ${table}` });
  return Number(row?.total ?? 0);
};

const readSchema: (reader: Reader) => ReturnType<OctopusDatabase['schema']> = async (reader) => {
  const [last] = await reader.query<{ name: string }>({
    sql: 'SELECT TOP (1) ScriptName AS name FROM dbo.SchemaVersions ORDER BY Id DESC',
    what: 'reading the schema journal',
  });
  const hasHistory = (await reader.tables()).has('OctopusServerInstallationHistory');
  const [installed] = hasHistory
    ? await reader.query<{ version: string }>({
        sql: 'SELECT TOP (1) Version AS version FROM dbo.OctopusServerInstallationHistory WHERE Version IS NOT NULL ORDER BY Installed DESC',
        what: 'reading the installation history',
      })
    : [];
  return {
    scriptCount: await countRows(reader, 'SchemaVersions'),
    lastScript: last?.name ?? '',
    lastVersion: installed?.version ?? null,
  };
};

/** The columns that hold a document, for a SELECT list. */
const documentColumns = (columns: Set<string>): string =>
  ['Id', ...['JSON', 'JSONBlob'].filter((name) => columns.has(name))].map(bracketed).join(', ');

const holdsDocuments = (columns: Set<string>): boolean =>
  columns.has('Id') && (columns.has('JSON') || columns.has('JSONBlob'));

/** Rows whose document may hold an encrypted value: text is searched on the server, a blob cannot be. */
const mayBeEncrypted = (columns: Set<string>): string => {
  const forms = [
    columns.has('JSON') ? '[JSON] LIKE @pattern' : null,
    columns.has('JSONBlob') ? '[JSONBlob] IS NOT NULL' : null,
  ];
  const isAlive = columns.has('IsFrozen') ? ' AND [IsFrozen] = 0' : '';
  return `(${forms.filter((form) => form !== null).join(' OR ')})${isAlive}`;
};

const sampleEncrypted = async (reader: Reader, limit: number): Promise<EncryptedValue[]> => {
  const perTable: EncryptedValue[][] = [];
  for (const [table, columns] of await reader.tables()) {
    if (!holdsDocuments(columns) || HISTORY.includes(table)) continue;
    const perDocument = (await bothEnds(reader, table, columns))
      .map((row) => encryptedOf(table, row))
      .filter(({ length }) => length > 0);
    if (perDocument.length > 0) perTable.push(takeTurns(perDocument, limit));
  }
  return takeTurns(perTable, limit);
};

/** The newest and the oldest documents in turn. Ids end in a number that grows, without leading zeros. */
const bothEnds = async (reader: Reader, table: string, columns: Set<string>): Promise<DocumentRow[]> => {
  const read = (direction: 'ASC' | 'DESC'): Promise<DocumentRow[]> =>
    reader.query({
      sql: `SELECT TOP (@count) ${documentColumns(columns)} FROM dbo.${bracketed(table)} WHERE ${mayBeEncrypted(columns)} ORDER BY LEN(Id) ${direction}, Id ${direction}`,
      parameters: { count: [Int, DOCUMENTS_PER_END], pattern: [NVarChar(100), ENCRYPTED_LIKE] },
      what: `reading documents of ${table}`,
    });
  const rows = takeTurns([await read('DESC'), await read('ASC')], 2 * DOCUMENTS_PER_END);
  return [...new Map(rows.map((row) => [row.Id, row])).values()];
};

const encryptedOf = (table: string, row: DocumentRow): EncryptedValue[] =>
  encryptedIn(documentOf(row)).map(({ path, cipherText }) => ({
    table,
    id: row.Id,
    path,
    kind: path.endsWith('CertificateData') ? 'certificate' : 'text',
    cipherText: new Secret(cipherText),
  }));

/** Variable sets with a sensitive variable, and certificates: found by what they are, not by what looks encrypted. */
const countSensitive = async (reader: Reader): Promise<number> => {
  const tables = await reader.tables();
  const variableSets = tables.get('VariableSet');
  let count = tables.has('Certificate') ? await countRows(reader, 'Certificate') : 0;
  if (variableSets === undefined || !holdsDocuments(variableSets)) return count;
  const source = {
    table: 'VariableSet',
    columns: documentColumns(variableSets),
    where: variableSets.has('IsFrozen') ? '[IsFrozen] = 0' : '1 = 1',
    pageRows: DOCUMENTS_PER_PAGE,
  };
  for await (const row of pagesOf<DocumentRow>(reader, source)) if (hasSensitiveVariable(documentOf(row))) count += 1;
  return count;
};

type Source = { table: string; columns: string; where: string; pageRows: number };

/** All rows in the order of their ids, a page at a time. */
async function* pagesOf<Row extends { Id: string }>(
  reader: Reader,
  { table, columns, where, pageRows }: Source,
): AsyncGenerator<Row> {
  for (let after = ''; ;) {
    const rows: Row[] = await reader.query({
      sql: `SELECT TOP (@count) ${columns} FROM dbo.${bracketed(table)} WHERE Id > @after AND ${where} ORDER BY Id`,
      parameters: { count: [Int, pageRows], after: [NVarChar(450), after] },
      what: `listing ${table}`,
    });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    after = last.Id;
  }
}

type PackageRow = DocumentRow & { PackageId: string; Version: string; SpaceId?: string | null };

/** The kind of file is a property of the document; the oldest packages have none and are NuGet's. */
const extensionOf = (row: DocumentRow): string => {
  const document = documentOf(row) as { FileExtension?: unknown; PackageExtension?: unknown } | undefined;
  const extension = document?.FileExtension ?? document?.PackageExtension;
  return typeof extension === 'string' && extension !== '' ? extension : '.nupkg';
};

const spaceColumn = (columns: Set<string>): string => (columns.has('SpaceId') ? ', SpaceId' : '');

async function* listPackages(reader: Reader): AsyncGenerator<ListedPackage> {
  const columns = (await reader.tables()).get('NuGetPackage');
  if (columns === undefined) return;
  const source = {
    table: 'NuGetPackage',
    columns: `${documentColumns(columns)}, PackageId, Version${spaceColumn(columns)}`,
    where: '1 = 1',
    pageRows: PAGE_ROWS,
  };
  for await (const row of pagesOf<PackageRow>(reader, source)) {
    yield {
      packageId: row.PackageId,
      version: row.Version,
      spaceId: row.SpaceId ?? null,
      fileExtension: extensionOf(row),
    };
  }
}

async function* listArtifacts(reader: Reader): AsyncGenerator<ListedArtifact> {
  const columns = (await reader.tables()).get('Artifact');
  if (columns === undefined) return;
  const source = {
    table: 'Artifact',
    columns: `Id, Filename${spaceColumn(columns)}`,
    where: '1 = 1',
    pageRows: PAGE_ROWS,
  };
  for await (const row of pagesOf<{ Id: string; Filename: string; SpaceId?: string | null }>(reader, source)) {
    yield { id: row.Id, fileName: row.Filename, spaceId: row.SpaceId ?? null };
  }
}
