/**
 * The world as the steps of a drill see it: the same archives and keys, but the SQL Server and the share that drills are
 * allowed, so that what restores a copy for a server restores it on trial as well.
 *
 * Nothing here reaches the instance's own database, service or folders.
 */
import { OctoError } from '../../domain/errors.ts';
import type { DrillPlace } from '../../ports/drill-place.ts';
import type { World } from '../../ports/world.ts';
import { slowStore } from './slow-store.ts';

export type DrillWorld = Pick<
  World,
  'archives' | 'clock' | 'instance' | 'octopusDatabase' | 'secretStore' | 'sqlServer' | 'state'
>;

/** @throws DrillPlaceMissing */
export const requireDrillPlace = ({ drillPlace }: Pick<World, 'drillPlace'>): DrillPlace => {
  if (drillPlace !== undefined) return drillPlace;
  throw new OctoError('DrillPlaceMissing', 'the configuration names no place for drills');
};

/** Where the drills of every instance find their SQL Server. @throws DrillPlaceMissing */
export const drillWorld = (world: DrillWorld & Pick<World, 'drillPlace'>): DrillWorld => {
  const { own, bytesPerSecond } = requireDrillPlace(world);
  const { clock } = world;
  const archives = bytesPerSecond === null ? world.archives : slowStore(world.archives, { clock, bytesPerSecond });
  if (own === null) return { ...world, archives };
  return {
    ...world,
    archives,
    instance: (name) => {
      const instance = world.instance(name);
      return { ...instance, database: { ...instance.database, share: own.share } };
    },
    sqlServer: () => own.sqlServer(),
    octopusDatabase: (instance, database = world.instance(instance).database.name) => own.octopusDatabase(database),
  };
};
