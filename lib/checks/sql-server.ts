/** Can SQL Server back the database up, and does its clock agree with ours? Where the file goes is `share.ts`. */
import type { World } from '../ports/world.ts';
import { fail, look, ok, warn, type Finding } from './finding.ts';

type SqlWorld = Pick<World, 'sqlServer' | 'instance' | 'clock'>;

/** SQL Server's EngineEdition of Azure SQL Database, which has no BACKUP statement. */
const AZURE_SQL_DATABASE = 5;
/** A lease is renewed every 20 s and lasts 300: a minute apart is far from harm, and no network's delay. */
const CLOCK_SECONDS = 60;

export const checkSqlServer = async (world: SqlWorld, instance: string): Promise<Finding[]> => {
  const { database } = world.instance(instance);
  return Promise.all([
    look('SQL Server', async () => {
      const found = await (await world.sqlServer(instance)).describe();
      return found.engineEdition === AZURE_SQL_DATABASE
        ? fail('SQL Server', 'Azure SQL Database cannot back up to a file', 'Use the platform’s own backups for it.')
        : ok('SQL Server', `${found.edition}, version ${found.version}`);
    }),
    look('database', async () => {
      const found = await (await world.sqlServer(instance)).database(database.name);
      if (found === null) return fail('database', `there is no "${database.name}"`, 'Correct database.name.');
      return found.state === 'ONLINE'
        ? ok('database', `${database.name}, ${found.recoveryModel} recovery, ${found.collation}`)
        : fail('database', `${database.name} is ${found.state}`, 'Bring the database online.');
    }),
    look('SQL rights', async () => {
      const rights = await (await world.sqlServer(instance)).rights(database.name);
      const missing = [
        ...(rights.canBackUp ? [] : ['db_backupoperator in the database']),
        ...(rights.canRestore ? [] : ['dbcreator on the server']),
        ...(rights.canViewServerState ? [] : ['VIEW SERVER STATE']),
      ];
      return missing.length === 0
        ? ok('SQL rights', 'may back up, verify, and see its progress')
        : fail('SQL rights', `lacks ${missing.join(', ')}`, `Grant the login ${missing.join(', ')}.`);
    }),
    look('clock', async () => {
      const { utcNow } = await (await world.sqlServer(instance)).describe();
      const apartSeconds = Math.round(Math.abs(Date.parse(utcNow) - world.clock.now().getTime()) / 1000);
      return apartSeconds <= CLOCK_SECONDS
        ? ok('clock', 'agrees with that of SQL Server')
        : warn(
            'clock',
            `${apartSeconds} s apart from that of SQL Server`,
            'Let both machines take the time from one source: leases and archives are dated by these clocks.',
          );
    }),
  ]);
};
