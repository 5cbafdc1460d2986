/** Encrypted values of the Octopus database: samples of them, and how many documents must hold some. */
import { Secret } from '../../domain/secrets/secret.ts';
import type { EncryptedValue } from '../../ports/octopus-database.ts';
import {
  documentOf,
  ENCRYPTED_LIKE,
  encryptedIn,
  hasSensitiveVariable,
  takeTurns,
} from './octopus-database.tds-documents.ts';
import type { DocumentRow } from './octopus-database.tds-documents.ts';
import { countRows, documentColumns, pagesOf } from './octopus-database.tds-reader.ts';
import type { Reader } from './octopus-database.tds-reader.ts';
import { bracketed, Int, NVarChar } from './tds-connection.ts';

/** Documents read from either end of a table, so that one table of many does not hold up the run. */
const DOCUMENTS_PER_END = 25;
const DOCUMENTS_PER_PAGE = 50;

/** Tables that grow without end and hold copies or history: what they encrypt, the living tables hold as well. */
const HISTORY = new Set([
  'Event',
  'ServerTask',
  'Deployment',
  'Release',
  'Artifact',
  'NuGetPackage',
  'RelatedDocument',
  'ApiKey',
]);

type Columns = ReadonlySet<string>;

const holdsDocuments = (columns: Columns): boolean =>
  columns.has('Id') && (columns.has('JSON') || columns.has('JSONBlob'));

/** Snapshots of variables repeat what the living set holds. */
const isAlive = (columns: Columns): string[] => (columns.has('IsFrozen') ? ['[IsFrozen] = 0'] : []);

/** Rows whose document may hold an encrypted value: text is searched on the server, a blob cannot be. */
const mayBeEncrypted = (columns: Columns): string => {
  const text = columns.has('JSON') ? ['[JSON] LIKE @pattern'] : [];
  const blob = columns.has('JSONBlob') ? ['[JSONBlob] IS NOT NULL'] : [];
  return [`(${[...text, ...blob].join(' OR ')})`, ...isAlive(columns)].join(' AND ');
};

/** Up to `limit` values, the tables in turn, and in each table its documents in turn. */
export const sampleEncrypted = async (reader: Reader, limit: number): Promise<EncryptedValue[]> => {
  const byTable: EncryptedValue[][] = [];
  for (const [table, columns] of await reader.tables()) {
    if (!holdsDocuments(columns) || HISTORY.has(table)) continue;
    const documents = await bothEnds(reader, table, columns);
    byTable.push(
      takeTurns(
        documents.map((row) => encryptedOf(table, row)),
        limit,
      ),
    );
  }
  return takeTurns(byTable, limit);
};

/** The newest and the oldest documents in turn. Ids end in a number that grows, without leading zeros. */
const bothEnds = async (reader: Reader, table: string, columns: Columns): Promise<DocumentRow[]> => {
  const read = (direction: 'ASC' | 'DESC'): Promise<DocumentRow[]> =>
    reader.query({
      sql: `SELECT TOP (@count) ${documentColumns(columns)} FROM dbo.${bracketed(table)}
        WHERE ${mayBeEncrypted(columns)} ORDER BY LEN(Id) ${direction}, Id ${direction}`,
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

/**
 * Variable sets with a sensitive variable, and certificates: found by what they are, not by what looks encrypted, so that
 * a change of the stored form shows as secrets that could not be read.
 */
export const countSensitive = async (reader: Reader): Promise<number> => {
  const tables = await reader.tables();
  const certificates = tables.has('Certificate') ? (await countRows(reader, ['Certificate']))['Certificate'] : 0;
  const columns = tables.get('VariableSet');
  let count = certificates ?? 0;
  if (columns === undefined || !holdsDocuments(columns)) return count;
  const where = isAlive(columns)[0];
  const source = { table: 'VariableSet', columns: documentColumns(columns), pageRows: DOCUMENTS_PER_PAGE };
  const rows = pagesOf<DocumentRow>(reader, { ...source, ...(where !== undefined && { where }) });
  for await (const row of rows) if (hasSensitiveVariable(documentOf(row))) count += 1;
  return count;
};
