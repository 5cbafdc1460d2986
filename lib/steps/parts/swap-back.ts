/**
 * Which of the two databases has the server's name: put there, taken back, and the other one removed at the end.
 *
 * Every rename names the guid it means, so what is decided is which database it is, never what it is called: each of these
 * may be called again after a kill between any two acts, and finds its work done.
 */
import type { DatabaseJournal } from '../../domain/restores/database.ts';
import { OctoError } from '../../domain/errors.ts';
import type { SqlServer } from '../../ports/sql-server.ts';
import type { World } from '../../ports/world.ts';
import { readJournal } from '../../repository/restore-journal.ts';

type SwapWorld = Pick<World, 'sqlServer' | 'hostDirectory'>;
type OfRun = { id: string; instance: string };

/** The restored copy gets the server's name; the present database is kept under another. @throws Bug before there is a copy */
export const swapIn = async (world: SwapWorld, run: OfRun, beat: () => Promise<void>): Promise<void> => {
  const { name, scratch, aside, guid, restoredGuid } = await requireDatabases(world, run);
  if (restoredGuid === null) throw new OctoError('Bug', `${run.id} has no restored copy to swap in`);
  const sqlServer = await world.sqlServer(run.instance);
  await beat();
  if (guid !== null && !(await isUnder(sqlServer, name, restoredGuid)))
    await sqlServer.rename({ from: name, to: aside, guid });
  await beat();
  await sqlServer.rename({ from: scratch, to: name, guid: restoredGuid });
};

/**
 * The server's own database has its name again, open to its users, and the restored one is a copy beside it; a run that
 * swapped nothing changes nothing. Where the server had no database, it has none again.
 * @throws DatabaseNotReturned, and what SQL Server said
 */
export const swapBack = async (world: SwapWorld, run: OfRun): Promise<void> => {
  const journal = (await readJournal(world, run.id))?.database;
  if (!journal || journal.restoredGuid === null) return;
  const { name, scratch, aside, guid, restoredGuid } = journal;
  const sqlServer = await world.sqlServer(run.instance);
  // Also where one never left: what was killed before its rename has left it in single-user mode.
  if ((await isUnder(sqlServer, name, restoredGuid)) || (await isUnder(sqlServer, scratch, restoredGuid)))
    await sqlServer.rename({ from: name, to: scratch, guid: restoredGuid });
  if (guid === null) return;
  if (!(await isUnder(sqlServer, name, guid)) && !(await isUnder(sqlServer, aside, guid)))
    throw new OctoError('DatabaseNotReturned', `the database of ${run.instance} is neither "${name}" nor "${aside}"`, {
      facts: { name, aside, guid },
    });
  await sqlServer.rename({ from: aside, to: name, guid });
};

/** The database that the server had before is removed: the restored one stays for good. Answers what went, or `null`. */
export const dropAside = async (world: SwapWorld, run: OfRun): Promise<string | null> => {
  const found = await asideDatabase(world, run);
  if (found !== null) await (await world.sqlServer(run.instance)).drop(found);
  return found;
};

/** Under which name the database that the server had before is kept; `null` when it is not, or was removed. */
export const asideDatabase = async (world: SwapWorld, run: OfRun): Promise<string | null> => {
  const journal = (await readJournal(world, run.id))?.database;
  if (!journal || journal.guid === null) return null;
  const sqlServer = await world.sqlServer(run.instance);
  return (await isUnder(sqlServer, journal.aside, journal.guid)) ? journal.aside : null;
};

const requireDatabases = async (world: SwapWorld, { id }: OfRun): Promise<DatabaseJournal> => {
  const database = (await readJournal(world, id))?.database;
  if (database) return database;
  throw new OctoError('Bug', `${id} has not brought a database in`);
};

const isUnder = async (sqlServer: SqlServer, name: string, guid: string): Promise<boolean> =>
  (await sqlServer.database(name))?.guid === guid;
