/**
 * What a restored copy would do as soon as its server starts, and how it is kept asleep until it is woken on purpose.
 *
 * Triggers and subscriptions act by themselves, a node takes queued tasks unless it drains, and maintenance mode keeps
 * people away. A table that is not there has nothing that could wake.
 */
import type { Sleeper } from '../../ports/octopus.ts';
import type { Awake } from '../../ports/restored-database.ts';
import { documentOf, storedLike, type DocumentRow } from './octopus-database.tds-documents.ts';
import { documentColumns, type Reader, type Tables } from './octopus-database.tds-reader.ts';
import { bracketed, changedBy, MAX, NVarChar, rowsOf, type Statements, VarBinary } from './tds-connection.ts';

const SLEEPERS = { ProjectTrigger: 'trigger', Subscription: 'subscription' } as const;

/** States of tasks that would go on, as a list of T-SQL. */
export const UNFINISHED = "N'New', N'Queued', N'Executing', N'Cancelling'";

export const readAwake = async (reader: Reader, tables: Tables): Promise<Awake> => {
  const sleepers: Sleeper[] = [];
  for (const [table, kind] of Object.entries(SLEEPERS))
    sleepers.push(...(await enabledIn(reader, { table, kind, tables })));
  return {
    sleepers,
    unfinishedTasks: tables.has('ServerTask') ? await readUnfinished(reader) : [],
    nodes: tables.has('OctopusServerNode') ? await readNodes(reader) : [],
    isInMaintenance: await isInMaintenance(reader, tables),
  };
};

type Kind = { table: string; kind: Sleeper['kind']; tables: Tables };

const enabledIn = async (reader: Reader, { table, kind, tables }: Kind): Promise<Sleeper[]> => {
  if (!tables.get(table)?.has('IsDisabled')) return [];
  const space = tables.get(table)?.has('SpaceId') ? 'SpaceId' : 'NULL';
  const rows = await reader.query<Omit<Sleeper, 'kind'>>({
    sql: `SELECT Id AS id, Name AS name, ${space} AS spaceId FROM dbo.${bracketed(table)} WHERE IsDisabled = 0 ORDER BY Id`,
    what: `listing what is on in ${table}`,
  });
  return rows.map((row) => ({ kind, ...row }));
};

const readUnfinished = (reader: Reader): Promise<Awake['unfinishedTasks']> =>
  reader.query({
    sql: `SELECT Id AS id, Description AS description, State AS state FROM dbo.ServerTask WHERE State IN (${UNFINISHED}) ORDER BY Id`,
    what: 'listing unfinished tasks',
  });

/** The node's column says "maintenance" and means that it drains. */
const readNodes = (reader: Reader): Promise<Awake['nodes']> =>
  reader.query({
    sql: 'SELECT Id AS id, Name AS name, IsInMaintenanceMode AS isDraining FROM dbo.OctopusServerNode ORDER BY Id',
    what: 'listing nodes',
  });

const MAINTENANCE = "Id = N'maintenance'";

const isInMaintenance = async (reader: Reader, tables: Tables): Promise<boolean> => {
  const columns = tables.get('Configuration');
  if (columns === undefined) return false;
  const [row] = await reader.query<DocumentRow>({
    sql: `SELECT ${documentColumns(columns)} FROM dbo.Configuration WHERE ${MAINTENANCE}`,
    what: 'reading the maintenance flag',
  });
  const document = row && (documentOf(row) as { IsInMaintenanceMode?: unknown } | undefined);
  return document?.IsInMaintenanceMode === true;
};

export const putToSleep = async (on: Statements, tables: Tables): Promise<void> => {
  for (const table of Object.keys(SLEEPERS)) await disableAll(on, tables, table);
  if (tables.has('OctopusServerNode')) {
    const sql = 'UPDATE dbo.OctopusServerNode SET IsInMaintenanceMode = 1 WHERE IsInMaintenanceMode = 0';
    await changedBy(on, { sql }, { what: 'draining the nodes' });
  }
  await enterMaintenance(on, tables);
};

/** How many were on; none where the table is absent. */
export const disableAll = async (on: Statements, tables: Tables, table: string): Promise<number> => {
  if (!tables.get(table)?.has('IsDisabled')) return 0;
  const sql = `UPDATE dbo.${bracketed(table)} SET IsDisabled = 1 WHERE IsDisabled = 0`;
  return changedBy(on, { sql }, { what: `switching off what is on in ${table}` });
};

export const enterMaintenance = async (on: Statements, tables: Tables): Promise<void> => {
  const found = await changeConfiguration(on, tables, {
    where: MAINTENANCE,
    change: (document) => ({ ...document, IsInMaintenanceMode: true }),
  });
  if (found > 0 || !tables.has('Configuration')) return;
  // A server that was never in maintenance mode has no such row yet.
  const sql = `INSERT INTO dbo.Configuration (Id, [JSON]) VALUES (N'maintenance', N'{"IsInMaintenanceMode":true}')`;
  await changedBy(on, { sql }, { what: 'entering maintenance mode' });
};

type Document = Record<string, unknown>;
/** `change` gives the new document, or `null` to leave it as it is. */
type Change = { where: string; change: (document: Document) => Document | null };

/** How many documents of `Configuration` are now as `change` wants them; each stays in the form it is stored in. */
export const changeConfiguration = async (
  on: Statements,
  tables: Tables,
  { where, change }: Change,
): Promise<number> => {
  const columns = tables.get('Configuration');
  if (columns === undefined) return 0;
  const what = 'changing the configuration of the copy';
  const select = `SELECT ${documentColumns(columns)} FROM dbo.Configuration WHERE ${where}`;
  let count = 0;
  for (const row of await rowsOf<DocumentRow>(on, { sql: select }, { what })) {
    const changed = change((documentOf(row) ?? {}) as Document);
    if (changed === null) continue;
    const [column, value] = Object.entries(storedLike(row, changed))[0]!;
    const type = column === 'JSON' ? NVarChar(MAX) : VarBinary(MAX);
    const parameters = { id: [NVarChar(450), row.Id], value: [type, value] } as const;
    await changedBy(
      on,
      { sql: `UPDATE dbo.Configuration SET ${bracketed(column)} = @value WHERE Id = @id`, parameters },
      { what },
    );
    count += 1;
  }
  return count;
};
