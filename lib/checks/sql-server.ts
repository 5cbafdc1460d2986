/** Can SQL Server back the database up, and does the file arrive where the worker looks for it? */
import { statfs, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '../ports/world.ts';
import { fail, look, ok, type Finding } from './finding.ts';

type SqlWorld = Pick<World, 'sqlServer' | 'instance'>;

/** SQL Server's EngineEdition of Azure SQL Database, which has no BACKUP statement. */
const AZURE_SQL_DATABASE = 5;

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
    look('share', () => checkShare(world, instance)),
  ]);
};

const checkShare = async (world: SqlWorld, instance: string): Promise<Finding> => {
  const { database } = world.instance(instance);
  const probe = join(database.share.workerPath, '.octo-check');
  await writeFile(probe, '');
  await unlink(probe);
  const { bavail, bsize } = await statfs(database.share.workerPath);
  const freeBytes = bavail * bsize;
  const needed = (await (await world.sqlServer(instance)).database(database.name))?.allocatedBytes ?? 0;
  const sizes = `${gigabytes(freeBytes)} free, the database needs ${gigabytes(needed)}`;
  return freeBytes >= needed
    ? ok('share', `${database.share.workerPath}, ${sizes}`)
    : fail('share', sizes, 'Free space on the share, or name a larger one.');
};

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
