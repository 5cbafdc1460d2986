/** Wakes a state that has come to wait for people when what it would wait for is there already. */
import { isOctoError } from '../../../domain/errors.ts';
import type { World } from '../../../ports/world.ts';

/** A wait that is over by now needs no waking. */
export const wakeNow = async (world: Pick<World, 'hostTasks'>, token: string): Promise<void> => {
  try {
    await world.hostTasks.succeed(token, {});
  } catch (thrown) {
    if (!isOctoError(thrown, 'TaskGone')) throw thrown;
  }
};
