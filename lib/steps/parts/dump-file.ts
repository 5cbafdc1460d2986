/** The dump of a run on the share: where it lies, as SQL Server and as the worker name it, and what marks it as this run's. */
import { join } from 'node:path';
import { joinAsWritten } from '../../domain/instance.ts';
import { backupFileName, backupSetName } from '../../domain/names.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';

export type DumpFile = { database: string; name: string; sqlServerPath: string; workerPath: string };

export const dumpFile = (world: Pick<World, 'instance'>, run: Pick<RunRecord, 'id' | 'instance'>): DumpFile => {
  const { name, share } = world.instance(run.instance).database;
  const fileName = backupFileName(run.instance, run.id);
  return {
    database: name,
    name: backupSetName(run.id),
    sqlServerPath: joinAsWritten(share.sqlServerPath, fileName),
    workerPath: join(share.workerPath, fileName),
  };
};
