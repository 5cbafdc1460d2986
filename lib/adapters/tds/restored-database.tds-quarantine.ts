/**
 * A copy made harmless for good: nothing in it deploys, mails, calls out or passes for the server it was taken from.
 *
 * Follows the vendor's clean-up of cloned instances and adds mail, unfinished tasks and maintenance mode. What was done is
 * kept in an extended property of the database, where Octopus does not look: so whoever asks again is told the same.
 * @see https://octopus.com/docs/administration/upgrading/guide/creating-test-instance
 */
import { randomUUID } from 'node:crypto';
import type { QuarantineItem } from '../../ports/restored-database.ts';
import type { Tables } from './octopus-database.tds-reader.ts';
import { changeConfiguration, disableAll, enterMaintenance, UNFINISHED } from './restored-database.tds-sleep.ts';
import { bracketed, changedBy, NVarChar, rowsOf, type Statements } from './tds-connection.ts';

const PROPERTY = 'octo-keeper.quarantine';
/** An extended property holds 7,500 bytes. */
const PROPERTY_CHARACTERS = 3750;

/** To be called in a transaction: all of it is done, and noted, or nothing is. */
export const quarantine = async (on: Statements, tables: Tables): Promise<QuarantineItem[]> => {
  const done = await readReport(on);
  if (done !== null) return done;
  const items: QuarantineItem[] = [];
  for (const act of ACTS) items.push(await act(on, tables));
  await writeReport(on, items);
  return items;
};

const readReport = async (on: Statements): Promise<QuarantineItem[] | null> => {
  const [row] = await rowsOf<{ report: string }>(
    on,
    {
      sql: `SELECT CONVERT(nvarchar(${PROPERTY_CHARACTERS}), value) AS report FROM sys.extended_properties WHERE class = 0 AND name = @name`,
      parameters: { name: [NVarChar(128), PROPERTY] },
    },
    { what: 'looking whether the copy is in quarantine' },
  );
  return row === undefined ? null : (JSON.parse(row.report) as QuarantineItem[]);
};

const writeReport = async (on: Statements, items: readonly QuarantineItem[]): Promise<void> => {
  const parameters = {
    name: [NVarChar(128), PROPERTY],
    value: [NVarChar(PROPERTY_CHARACTERS), JSON.stringify(items)],
  } as const;
  const sql = 'EXEC sys.sp_addextendedproperty @name = @name, @value = @value';
  await changedBy(on, { sql, parameters }, { what: 'noting the quarantine in the copy' });
};

type Act = (on: Statements, tables: Tables) => Promise<QuarantineItem>;

const disabling =
  (table: string): Act =>
  async (on, tables) => ({ what: table, done: 'disabled', count: await disableAll(on, tables, table) });

/** Rows of a node, or of an extension that signs in to or reports to a service of the vendor. */
const removing =
  (table: string, ids?: readonly string[]): Act =>
  async (on, tables) => {
    const what = ids === undefined ? table : `${table} ${ids.join(', ')}`;
    if (!tables.has(table)) return { what, done: 'removed', count: 0 };
    const where = ids === undefined ? '' : ` WHERE Id IN (${ids.map((id) => `N'${id}'`).join(', ')})`;
    const count = await changedBy(
      on,
      { sql: `DELETE FROM dbo.${bracketed(table)}${where}` },
      { what: `emptying ${table}` },
    );
    return { what, done: 'removed', count };
  };

const cancelTasks: Act = async (on, tables) => {
  const item = { what: 'ServerTask', done: 'cancelled' };
  if (!tables.has('ServerTask')) return { ...item, count: 0 };
  const sql = `UPDATE dbo.ServerTask SET State = N'Canceled', CompletedTime = SYSDATETIMEOFFSET(), HasPendingInterruptions = 0
    WHERE State IN (${UNFINISHED})`;
  return { ...item, count: await changedBy(on, { sql }, { what: 'cancelling unfinished tasks' }) };
};

/** The row's id is not published; no other document names an SMTP host. */
const stopMail: Act = async (on, tables) => ({
  what: 'mail server',
  done: 'emptied',
  count: await changeConfiguration(on, tables, {
    where: '1 = 1',
    change: (document) => (document['SmtpHost'] ? { ...document, SmtpHost: '' } : null),
  }),
});

/** The same id on two servers makes them one to the vendor's services. */
const changeIdentity: Act = async (on, tables) => ({
  what: 'InstallationId',
  done: 'replaced',
  count: await changeConfiguration(on, tables, {
    where: "Id = N'upgradeavailability'",
    change: (document) => ({ ...document, InstallationId: randomUUID() }),
  }),
});

const closeToPeople: Act = async (on, tables) => {
  await enterMaintenance(on, tables);
  return { what: 'maintenance mode', done: 'switched on', count: 1 };
};

const ACTS: readonly Act[] = [
  ...['Machine', 'Worker', 'ProjectTrigger', 'Subscription'].map(disabling),
  stopMail,
  removing('ExtensionConfiguration', ['authentication-octopusid', 'jira-integration']),
  removing('OctopusServerNodeStatus'),
  removing('OctopusServerNode'),
  cancelTasks,
  changeIdentity,
  closeToPeople,
];
