/** Stores whose process is as good as killed at their n-th write: it and all later ones fail, and change nothing. */
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import type { World } from '../../lib/ports/world.ts';

type Stores = Pick<World, 'archives' | 'state'>;

/** The same world, which takes `most` writes to either store and no more. */
export const breakingAfter = <W extends Stores>(world: W, most: number): W => {
  let writes = 0;
  const broken =
    <A extends unknown[], R>(act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (writes++ >= most) throw new Error('killed');
      return act(...args);
    };
  const breaking = (store: ObjectStore): ObjectStore => ({
    ...store,
    create: broken(store.create),
    change: broken(store.change),
    delete: broken(store.delete),
  });
  return { ...world, archives: breaking(world.archives), state: breaking(world.state) };
};
