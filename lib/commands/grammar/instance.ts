/** Which instance a command means when it names none. */
import { OctoError } from '../../domain/errors.ts';
import type { World } from '../../ports/world.ts';

/** The only instance there is. @throws ArgumentInvalid when there are several: nothing is ever guessed */
export const defaultInstance = (world: Pick<World, 'instanceNames'>): string => {
  const names = world.instanceNames();
  const [only] = names;
  if (only === undefined || names.length > 1) {
    throw new OctoError('ArgumentInvalid', `name one of the instances: ${names.join(', ')}`);
  }
  return only;
};

/** The instance that was named, or the only one. @throws InstanceUnknown, ArgumentInvalid */
export const instanceNamed = (world: Pick<World, 'instance' | 'instanceNames'>, name: string | undefined): string =>
  name === undefined ? defaultInstance(world) : world.instance(name).name;
