/**
 * Does a file that SQL Server writes arrive where the worker looks for it? Tried with what a backup does: SQL Server backs
 * up `model`, its small template of new databases, and the worker reads the file and takes it away.
 *
 * The file has one name for each instance, so that whatever a killed check leaves is replaced by the next.
 */
import { rm, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOctoError } from '../domain/errors.ts';
import { joinAsWritten } from '../domain/instance.ts';
import { checkFileName } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { fail, gigabytes, look, ok, warn, type Finding } from './finding.ts';

type ShareWorld = Pick<World, 'sqlServer' | 'instance'>;

const WORKER = 'share';
const SERVER = 'SQL Server on the share';
/** Present on every SQL Server, and a few megabytes small. */
const SAMPLE_DATABASE = 'model';

export const checkShare = async (world: ShareWorld, instance: string): Promise<Finding[]> => {
  const ofWorker = await look(WORKER, () => checkWorkersSide(world, instance));
  return [ofWorker, await look(SERVER, () => checkServersSide(world, instance))];
};

const checkWorkersSide = async (world: ShareWorld, instance: string): Promise<Finding> => {
  const { name, share } = world.instance(instance).database;
  const probe = join(share.workerPath, '.octo-check');
  await writeFile(probe, '');
  await unlink(probe);
  const { bavail, bsize } = await statfs(share.workerPath);
  const freeBytes = bavail * bsize;
  const needed = (await (await world.sqlServer(instance)).database(name))?.allocatedBytes ?? 0;
  const sizes = `${gigabytes(freeBytes)} free, the database needs ${gigabytes(needed)}`;
  return freeBytes >= needed
    ? ok(WORKER, `${share.workerPath}, ${sizes}`)
    : fail(WORKER, sizes, 'Free space on the share, or name a larger one.');
};

const checkServersSide = async (world: ShareWorld, instance: string): Promise<Finding> => {
  const { share } = world.instance(instance).database;
  const sqlServer = await world.sqlServer(instance);
  if (!(await sqlServer.rights(SAMPLE_DATABASE)).canBackUp)
    return warn(
      SERVER,
      `not tried: the login may not back up "${SAMPLE_DATABASE}"`,
      `Make it a user of "${SAMPLE_DATABASE}" with db_backupoperator to have this tested before a backup needs it.`,
    );
  const name = checkFileName(instance);
  const path = joinAsWritten(share.sqlServerPath, name);
  const seen = join(share.workerPath, name);
  await rm(seen, { force: true });
  try {
    await sqlServer.backUp({ database: SAMPLE_DATABASE, path, name, isCompressed: false }, {});
    const sizeBytes = await stat(seen).then(
      ({ size }) => size,
      () => 0,
    );
    return sizeBytes > 0
      ? ok(SERVER, `writes to ${share.sqlServerPath}, the worker reads it`)
      : fail(
          SERVER,
          `wrote ${path}, but the worker finds no such backup at ${seen}`,
          'Let share.sqlServerPath and share.workerPath name one folder, each as its own side sees it.',
        );
  } catch (thrown) {
    if (!isOctoError(thrown, 'DatabaseBusy')) throw thrown;
    return warn(SERVER, `not tried: "${SAMPLE_DATABASE}" is being backed up`, 'Check again in a minute.');
  } finally {
    await rm(seen, { force: true });
  }
};
