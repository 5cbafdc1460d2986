/**
 * A proven copy made ready for the server of a target: users joined with their logins, everything asleep that would act by
 * itself, the bot's own API keys as they are now, owner and switches as the present database has them.
 *
 * What sleeps is written into the journal before it is put to sleep, since afterwards nobody could tell.
 */
import { OctoError, isOctoError } from '../../../domain/errors.ts';
import type { DatabaseJournal } from '../../../domain/restores/database.ts';
import type { RestoreAs } from '../../../domain/runs/run.ts';
import type { RestoredDatabase } from '../../../ports/restored-database.ts';
import type { SqlServer } from '../../../ports/sql-server.ts';
import type { World } from '../../../ports/world.ts';
import { changeJournal, readJournal } from '../../../repository/restore-journal.ts';

type SettleWorld = Pick<World, 'hostDirectory' | 'octopusApi' | 'octopusProgram' | 'restoredDatabase' | 'sqlServer'>;
type Settling = {
  run: { id: string; instance: string };
  databases: DatabaseJournal;
  as: RestoreAs;
  /** Does the target's server answer? */
  isRunning: boolean;
};

/** Notes on what was done to the copy. @throws OwnerNotGranted, and what SQL Server said */
export const settleCopy = async (world: SettleWorld, settling: Settling): Promise<string[]> => {
  const { run, databases } = settling;
  const copy = await world.restoredDatabase(run.instance, databases.scratch);
  try {
    const sqlServer = await world.sqlServer(run.instance);
    return [
      ...(await joinUsers(world, sqlServer, settling)),
      ...(await putAway(world, copy, settling)),
      ...(await carryKeys(world, copy, settling)),
      ...(await dress(sqlServer, databases)),
    ];
  } finally {
    // An open connection would be in the way of the swap.
    await copy.close();
  }
};

const joinUsers = async (world: SettleWorld, sqlServer: SqlServer, { run, databases }: Settling): Promise<string[]> => {
  const ownerLogin = await loginOfServer(world, run.instance);
  const { repaired, orphaned, owner } = await sqlServer.repairUsers(databases.scratch, { ownerLogin });
  return [
    ...(repaired.length > 0 ? [`users joined with the logins of this server: ${repaired.join(', ')}`] : []),
    ...(orphaned.length > 0 ? [`users without a login on this server: ${orphaned.join(', ')}`] : []),
    ...(owner === 'granted' ? [`${ownerLogin} was made db_owner of the restored database`] : []),
    ...(owner === 'not-asked' ? ['Octopus uses a Windows login: whether it is db_owner was not looked at'] : []),
  ];
};

/** The SQL login that Octopus itself uses; `null` for a Windows login, which no connection string names. */
const loginOfServer = async (world: Pick<World, 'octopusProgram'>, instance: string): Promise<string | null> => {
  const { connectionString } = await world.octopusProgram(instance).showConfiguration();
  return /(?:^|;)\s*(?:user\s*id|uid|user)\s*=\s*"?([^;"]+)/i.exec(connectionString.reveal())?.[1]?.trim() ?? null;
};

/** The one item that does not outlast the restore: the server is given back with the flags that it had. */
const UNTIL_OPENED = 'maintenance mode';

const putAway = async (world: SettleWorld, copy: RestoredDatabase, { run, as }: Settling): Promise<string[]> => {
  if (as === 'quarantine') {
    const items = await copy.quarantine();
    // Nothing of it is ever woken by us.
    await noteAsleep(world, run.id, { sleepers: [], unfinishedTasks: [] });
    return items
      .filter(({ what }) => what !== UNTIL_OPENED)
      .map(({ what, done, count }) => `quarantine: ${what} ${done} (${count})`);
  }
  if ((await readJournal(world, run.id))?.asleep == null) {
    const { sleepers, unfinishedTasks } = await copy.awake();
    await noteAsleep(world, run.id, { sleepers, unfinishedTasks });
  }
  await copy.putToSleep();
  return [];
};

type Asleep = Pick<Awaited<ReturnType<RestoredDatabase['awake']>>, 'sleepers' | 'unfinishedTasks'>;

const noteAsleep = async (world: Pick<World, 'hostDirectory'>, runId: string, asleep: Asleep): Promise<void> => {
  await changeJournal(world, runId, (journal) => ({ ...journal, asleep: journal.asleep ?? asleep }));
};

const carryKeys = async (
  world: Pick<World, 'octopusApi'>,
  copy: RestoredDatabase,
  { run, databases, isRunning }: Settling,
): Promise<string[]> => {
  if (!isRunning || databases.guid === null) return [];
  const { id: userId, username } = await (await world.octopusApi(run.instance)).me();
  const carried = await copy.carryApiKeys({ database: databases.name, userId });
  return carried === null ? [`the restored database has no user ${username}: the bot's API key is not in it`] : [];
};

/** As the present database is; what this login may not set is named, and stays as a restore leaves it. */
const dress = async (sqlServer: SqlServer, { name, scratch }: DatabaseJournal): Promise<string[]> => {
  const model = await sqlServer.database(name);
  if (model === null) return [];
  const { owner, isTrustworthy, isBrokerEnabled } = model;
  const notes: string[] = [];
  const tried = async (words: string, wanted: Parameters<SqlServer['configure']>[1]): Promise<void> => {
    try {
      await sqlServer.configure(scratch, wanted);
    } catch (thrown) {
      if (!isOctoError(thrown, 'DatabaseOwnerRefused', 'DatabaseRightsMissing')) throw thrown;
      notes.push(`${words} of the restored database could not be set: ${OctoError.from(thrown).message}`);
    }
  };
  await tried('TRUSTWORTHY and broker', { owner: null, isTrustworthy, isBrokerEnabled });
  // Last: with the owner the bot may lose its own rights in the copy.
  if (owner !== null) await tried(`owner ${owner}`, { owner, isTrustworthy, isBrokerEnabled });
  return notes;
};
