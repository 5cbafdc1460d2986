/**
 * `RestoredDatabase` over TDS: what a restored copy would do by itself, how it is kept from it, and what it lacks.
 *
 * Which tables and columns exist differs between versions of Octopus, so the catalog is asked first. Sleep and quarantine
 * are in `tds/restored-database.tds-*.ts`.
 */
import type { Secret } from '../domain/secrets/secret.ts';
import type { Newer, RestoredDatabase } from '../ports/restored-database.ts';
import { readerOf, type Reader, type Tables } from './tds/octopus-database.tds-reader.ts';
import { quarantine } from './tds/restored-database.tds-quarantine.ts';
import { putToSleep, readAwake } from './tds/restored-database.tds-sleep.ts';
import {
  bracketed,
  changedBy,
  connectionSettings,
  DateTimeOffset,
  inTransaction,
  lazyPool,
  NVarChar,
  openPool,
  rowsOf,
  type Statements,
} from './tds/tds-connection.ts';

const APP_NAME = 'octo-keeper restored';
/** Counting may read whole tables. */
const REQUEST_SECONDS = 600;

/** @throws DatabaseConnectionInvalid, WindowsLoginUnsupported */
export const restoredDatabaseTds = (options: { connectionString: Secret; database: string }): RestoredDatabase => {
  const { connectionString, database } = options;
  const settings = connectionSettings(connectionString);
  const pool = lazyPool(() =>
    openPool(settings, { database, appName: APP_NAME, max: 1, requestSeconds: REQUEST_SECONDS }),
  );
  const reader = readerOf(() => pool.get(), database);
  return {
    awake: async () => readAwake(reader, await reader.tables()),
    putToSleep: async () => putToSleep(await pool.get(), await reader.tables()),
    carryApiKeys: async (from) => {
      const columns = await keyColumns(reader);
      return inTransaction(await pool.get(), (on) => carryApiKeys(on, { ...from, columns }));
    },
    quarantine: async () => {
      const tables = await reader.tables();
      return inTransaction(await pool.get(), (on) => quarantine(on, tables));
    },
    newerThan: async (since) => countNewer(reader, { tables: await reader.tables(), since: new Date(since) }),
    close: () => pool.close(),
  };
};

/** What SQL Server numbers by itself cannot be copied. */
const ROW_VERSION = 189;

const keyColumns = async (reader: Reader): Promise<string[]> => {
  const rows = await reader.query<{ name: string }>({
    sql: `SELECT c.name FROM sys.columns c JOIN sys.tables t ON t.object_id = c.object_id
      WHERE t.name = N'ApiKey' AND c.system_type_id <> ${ROW_VERSION} AND c.name NOT IN (N'Id', N'UserId') ORDER BY c.column_id`,
    what: 'listing the columns of ApiKey',
  });
  return rows.map(({ name }) => bracketed(name));
};

type Carrying = { database: string; userId: string; columns: string[] };

/**
 * The user is found again by name, since the copy of another server numbers its users otherwise. The copy's own keys of
 * that user go: what was revoked since the dump stays revoked.
 */
const carryApiKeys = async (on: Statements, { database, userId, columns }: Carrying): Promise<number | null> => {
  const source = `${bracketed(database)}.dbo`;
  const undertaking = { what: `carrying over the API keys of ${userId} from "${database}"` };
  const there = { there: [NVarChar(150), userId] } as const;
  const [user] = await rowsOf<{ id: string }>(
    on,
    {
      sql: `SELECT t.Id AS id FROM ${source}.[User] s JOIN dbo.[User] t ON t.Username = s.Username WHERE s.Id = @there`,
      parameters: there,
    },
    undertaking,
  );
  if (user === undefined) return null;
  const parameters = { ...there, here: [NVarChar(150), user.id] } as const;
  const cleared = `DELETE FROM dbo.ApiKey WHERE UserId = @here
    OR ApiKeyHashed IN (SELECT s.ApiKeyHashed FROM ${source}.ApiKey s WHERE s.UserId = @there)`;
  await changedBy(on, { sql: cleared, parameters }, undertaking);
  // Somebody else's key may have the id in the copy.
  const id = `CASE WHEN EXISTS (SELECT 1 FROM dbo.ApiKey k WHERE k.Id = s.Id) THEN s.Id + N'-octo' ELSE s.Id END`;
  const copied = `INSERT INTO dbo.ApiKey (Id, UserId, ${columns.join(', ')})
    SELECT ${id}, @here, ${columns.map((column) => `s.${column}`).join(', ')} FROM ${source}.ApiKey s WHERE s.UserId = @there`;
  return changedBy(on, { sql: copied, parameters }, undertaking);
};

type Since = { tables: Tables; since: Date };

const DATED = {
  deployments: ['Deployment', 'Created'],
  releases: ['Release', 'Assembled'],
  tasks: ['ServerTask', 'QueueTime'],
} as const;

/** Users and variables carry no dates: the audit trail tells which of them were made or changed. */
const countNewer = async (reader: Reader, at: Since): Promise<Newer> => {
  const counts = { deployments: 0, releases: 0, tasks: 0 };
  for (const [what, [table, column]] of Object.entries(DATED)) {
    if (!at.tables.get(table)?.has(column)) continue;
    const [row] = await reader.query<{ total: string }>({
      sql: `SELECT COUNT_BIG(*) AS total FROM dbo.${bracketed(table)} WHERE ${bracketed(column)} > @since`,
      parameters: { since: [DateTimeOffset(7), at.since] },
      what: `counting what is new in ${table}`,
    });
    counts[what as keyof typeof counts] = Number(row?.total ?? 0);
  }
  const touched = await touchedDocuments(reader, at);
  const countOf = (prefix: string): number => [...touched].filter((id) => id.startsWith(prefix)).length;
  return { ...counts, users: countOf('users-'), variableSets: countOf('variableset') };
};

const EVENTS_AT_MOST = 100_000;

/** Ids, in lower case, of the documents that the audit trail names as made or changed. */
const touchedDocuments = async (reader: Reader, { tables, since }: Since): Promise<Set<string>> => {
  const isApart = tables.has('EventRelatedDocument');
  if (!isApart && !tables.get('Event')?.has('RelatedDocumentIds')) return new Set();
  const [ids, join] = isApart
    ? ['r.RelatedDocumentId', 'JOIN dbo.EventRelatedDocument r ON r.EventId = e.Id']
    : ['e.RelatedDocumentIds', ''];
  const rows = await reader.query<{ ids: string | null }>({
    sql: `SELECT TOP (${EVENTS_AT_MOST}) ${ids} AS ids FROM dbo.Event e ${join}
      WHERE e.Occurred > @since AND e.Category IN (N'Created', N'Modified') AND (${ids} LIKE N'%users-%' OR ${ids} LIKE N'%variableset%')`,
    parameters: { since: [DateTimeOffset(7), since] },
    what: 'reading what the audit trail names as changed',
  });
  return new Set(rows.flatMap(({ ids }) => (ids ?? '').toLowerCase().split('|').filter(Boolean)));
};
