/**
 * `OctopusDatabase` over TDS: counts, schema level, samples of encrypted values, lists of packages and artifacts.
 *
 * Only reads. Which tables and columns exist differs between versions of Octopus, so the catalog is asked first; long
 * lists come in pages by key, so memory stays bounded. @see https://octopus.com/docs/administration/data
 */
import type { Secret } from '../domain/secrets/secret.ts';
import type { ListedArtifact, ListedPackage, OctopusDatabase } from '../ports/octopus-database.ts';
import { documentOf } from './tds/octopus-database.tds-documents.ts';
import type { DocumentRow } from './tds/octopus-database.tds-documents.ts';
import { countRows, documentColumns, pagesOf, readerOf } from './tds/octopus-database.tds-reader.ts';
import type { Reader } from './tds/octopus-database.tds-reader.ts';
import { countSensitive, sampleEncrypted } from './tds/octopus-database.tds-secrets.ts';
import { connectionSettings, Int, lazyPool, openPool } from './tds/tds-connection.ts';

const APP_NAME = 'octo-keeper';
/** Counting and sampling may read whole tables. */
const REQUEST_SECONDS = 600;
const PAGE_ROWS = 1000;

export type OctopusDatabaseTdsOptions = { connectionString: Secret; database: string };

/** @throws DatabaseConnectionInvalid, WindowsLoginUnsupported */
export const octopusDatabaseTds = ({ connectionString, database }: OctopusDatabaseTdsOptions): OctopusDatabase => {
  const settings = connectionSettings(connectionString);
  const options = { database, appName: APP_NAME, max: 2, requestSeconds: REQUEST_SECONDS };
  const pool = lazyPool(() => openPool(settings, options));
  const reader = readerOf(() => pool.get(), database);
  return {
    counts: async () => countRows(reader, (await reader.tables()).keys()),
    schema: () => readSchema(reader),
    encryptedValues: (limit) => sampleEncrypted(reader, limit),
    sensitiveDocumentCount: () => countSensitive(reader),
    packages: () => listPackages(reader),
    artifacts: () => listArtifacts(reader),
    endedTasks: (limit) => listEndedTasks(reader, limit),
    close: () => pool.close(),
  };
};

const readSchema = async (reader: Reader): ReturnType<OctopusDatabase['schema']> => {
  const { SchemaVersions: scriptCount = 0 } = await countRows(reader, ['SchemaVersions']);
  const [last] = await reader.query<{ name: string }>({
    sql: 'SELECT TOP (1) ScriptName AS name FROM dbo.SchemaVersions ORDER BY Id DESC',
    what: 'reading the schema journal',
  });
  const hasHistory = (await reader.tables()).has('OctopusServerInstallationHistory');
  return { scriptCount, lastScript: last?.name ?? '', lastVersion: hasHistory ? await lastVersion(reader) : null };
};

/** Old rows have no version. */
const lastVersion = async (reader: Reader): Promise<string | null> => {
  const [installed] = await reader.query<{ version: string }>({
    sql: `SELECT TOP (1) Version AS version FROM dbo.OctopusServerInstallationHistory
      WHERE Version IS NOT NULL ORDER BY Installed DESC`,
    what: 'reading the installation history',
  });
  return installed?.version ?? null;
};

/** Before 2019.1 there were no spaces. */
const spaceColumn = (columns: ReadonlySet<string>): string => (columns.has('SpaceId') ? ', SpaceId' : '');

type PackageRow = DocumentRow & { PackageId: string; Version: string; SpaceId?: string | null };

type PackageDocument = { FileExtension?: unknown; PackageExtension?: unknown; Published?: unknown };

/** Kind of file and age are properties of the document; the oldest packages have no kind and are NuGet's. */
const describePackage = (row: DocumentRow): Pick<ListedPackage, 'fileExtension' | 'createdAt'> => {
  const document = documentOf(row) as PackageDocument | undefined;
  const extension = document?.FileExtension ?? document?.PackageExtension;
  return {
    fileExtension: typeof extension === 'string' && extension !== '' ? extension : '.nupkg',
    createdAt: isoOrNull(document?.Published),
  };
};

const isoOrNull = (time: unknown): string | null => {
  if (typeof time !== 'string' && !(time instanceof Date)) return null;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
};

async function* listPackages(reader: Reader): AsyncGenerator<ListedPackage> {
  const known = (await reader.tables()).get('NuGetPackage');
  if (known === undefined) return;
  const columns = `${documentColumns(known)}, PackageId, Version${spaceColumn(known)}`;
  for await (const row of pagesOf<PackageRow>(reader, { table: 'NuGetPackage', columns, pageRows: PAGE_ROWS })) {
    yield {
      id: row.Id,
      packageId: row.PackageId,
      version: row.Version,
      spaceId: row.SpaceId ?? null,
      ...describePackage(row),
    };
  }
}

type ArtifactRow = { Id: string; Filename: string; Created?: Date | null; SpaceId?: string | null };

async function* listArtifacts(reader: Reader): AsyncGenerator<ListedArtifact> {
  const known = (await reader.tables()).get('Artifact');
  if (known === undefined) return;
  const columns = `Id, Filename${known.has('Created') ? ', Created' : ''}${spaceColumn(known)}`;
  for await (const row of pagesOf<ArtifactRow>(reader, { table: 'Artifact', columns, pageRows: PAGE_ROWS })) {
    yield { id: row.Id, fileName: row.Filename, spaceId: row.SpaceId ?? null, createdAt: isoOrNull(row.Created) };
  }
}

const listEndedTasks = async (reader: Reader, limit: number): ReturnType<OctopusDatabase['endedTasks']> => {
  const known = (await reader.tables()).get('ServerTask');
  if (known === undefined) return [];
  return reader.query({
    sql: `SELECT TOP (@limit) Id AS id, ${known.has('SpaceId') ? 'SpaceId' : 'NULL'} AS spaceId FROM dbo.ServerTask
      WHERE CompletedTime IS NOT NULL ORDER BY CompletedTime DESC, Id DESC`,
    parameters: { limit: [Int, limit] },
    what: 'listing tasks that have ended',
  });
};
