/**
 * Where archives are restored on trial: a host and a SQL Server of its own, or, where the configuration says so, those of
 * the instance itself. What lies there is nobody's, and is removed again.
 */
import type { InstanceDatabase, InstanceHost } from '../domain/instance.ts';
import type { OctopusDatabase } from './octopus-database.ts';
import type { SqlServer } from './sql-server.ts';

export type DrillPlace = {
  /** Below it each drill has a folder for the files of its archive. */
  folder: string;
  /** `null`: the host and the SQL Server of the instance, read and written no faster than `bytesPerSecond`. */
  own: OwnDrillPlace | null;
  bytesPerSecond: number | null;
};

export type OwnDrillPlace = {
  host: Pick<InstanceHost, 'name' | 'queueUrl'>;
  /** Whose archives come here. */
  instances: string[];
  share: InstanceDatabase['share'];
  sqlServer(): Promise<SqlServer>;
  octopusDatabase(database: string): Promise<OctopusDatabase>;
};
