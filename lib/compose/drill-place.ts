/** The place for drills that a configuration names, with a SQL Server of its own where it has one. Opened when it is first used. */
import { join } from 'node:path';
import type { Config, DrillConfig } from '../config.ts';
import type { Secret } from '../domain/secrets/secret.ts';
import type { DrillPlace, OwnDrillPlace } from '../ports/drill-place.ts';
import type { SqlServer } from '../ports/sql-server.ts';

type Wiring = { secret: (reference: string) => Secret; queueUrl: (host: string) => string };
type Opened = { place: Pick<Partial<{ drillPlace: DrillPlace }>, 'drillPlace'>; close: () => Promise<void> };

const MEGABYTE = 1_000_000;

/** As a part of the world: nothing where none is configured. */
export const openDrillPlace = (
  config: Pick<Config, 'drill' | 'dataDirectory' | 'instances'>,
  wiring: Wiring,
): Opened => {
  const { drill } = config;
  if (drill === undefined) return { place: {}, close: () => Promise.resolve() };
  const folder = drill.folder ?? join(config.dataDirectory, 'drills');
  if ('onProduction' in drill) {
    const bytesPerSecond = drill.megabytesPerSecond * MEGABYTE;
    return { place: { drillPlace: { folder, own: null, bytesPerSecond } }, close: () => Promise.resolve() };
  }
  const { own, close } = openOwn(drill, { ...wiring, instances: Object.keys(config.instances) });
  return { place: { drillPlace: { folder, own, bytesPerSecond: null } }, close };
};

type OwnWiring = Wiring & Pick<OwnDrillPlace, 'instances'>;

const openOwn = ({ host }: Extract<DrillConfig, { host: unknown }>, { secret, queueUrl, instances }: OwnWiring) => {
  const { connectionString, share, stallSeconds } = host.database;
  let opened: Promise<SqlServer> | undefined;
  const open = async (): Promise<SqlServer> => {
    const { sqlServerTds } = await import('../adapters/sql-server.tds.ts');
    return sqlServerTds({ connectionString: secret(connectionString), stallSeconds });
  };
  const own: OwnDrillPlace = {
    host: { name: host.name, queueUrl: queueUrl(host.name) },
    instances,
    share,
    sqlServer: () => (opened ??= open()),
    // Whoever asks for it closes it: each drill has a database of its own.
    octopusDatabase: async (database) => {
      const { octopusDatabaseTds } = await import('../adapters/octopus-database.tds.ts');
      return octopusDatabaseTds({ connectionString: secret(connectionString), database });
    },
  };
  const close = async (): Promise<void> => (await opened)?.close();
  return { own, close };
};
