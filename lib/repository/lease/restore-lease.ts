/**
 * Puts a server back as its lease says it was found: the step `resume` and the worker's own recovery share this way.
 *
 * Only the server is asked, so it works while the store cannot be reached. The answer of a changing call decides nothing;
 * every flag is read back. Marking the lease afterwards is left to the caller.
 */
import { OctoError } from '../../domain/errors.ts';
import { ownFlags, type Lease } from '../../domain/runs/lease.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OctopusApi } from '../../ports/octopus.ts';
import type { World } from '../../ports/world.ts';

type RestoreWorld = Pick<World, 'octopusApi' | 'clock'>;

/**
 * Puts back what the run changed; what others had set before stays set, and what others cleared meanwhile stays cleared.
 * Gives a phrase for each change. Nothing is done for a lease that is not open.
 * @throws LeaseNotRestored when a flag does not take; the others are put back all the same
 */
export const restoreFromLease = async (world: RestoreWorld, lease: Lease): Promise<string[]> => {
  if (lease.status !== 'open') return [];
  const server = { api: await world.octopusApi(lease.instance), clock: world.clock };
  const changes = await Promise.allSettled([leaveMaintenance(server, lease), takeTasksAgain(server, lease)]);
  const failed = changes.find((change) => change.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return changes.flatMap((change) => (change.status === 'fulfilled' ? change.value : []));
};

type Server = { api: OctopusApi; clock: Clock };

const leaveMaintenance = async ({ api, clock }: Server, lease: Lease): Promise<string[]> => {
  const { instance } = lease;
  if (!ownFlags(lease).isInMaintenance || !(await api.isInMaintenance())) return [];
  await api.setMaintenance(false);
  if (await showsWithin(clock, async () => !(await api.isInMaintenance()))) return ['maintenance mode is off again'];
  throw new OctoError('LeaseNotRestored', `${instance} does not leave maintenance mode`, { facts: { instance } });
};

const takeTasksAgain = async ({ api, clock }: Server, lease: Lease): Promise<string[]> => {
  const { instance } = lease;
  const ours = new Set(ownFlags(lease).nodeIds);
  const drained = async () => (await api.nodes()).filter((node) => node.isDraining && ours.has(node.id));
  const before = await drained();
  for (const node of before) await api.setDraining(node, false);
  if (before.length > 0 && !(await showsWithin(clock, async () => (await drained()).length === 0))) {
    const nodes = before.map(({ name }) => name).join(', ');
    throw new OctoError('LeaseNotRestored', `nodes of ${instance} stay drained: ${nodes}`, {
      facts: { instance, nodes },
    });
  }
  return before.map(({ name }) => `node ${name} takes tasks again`);
};

const READ_BACK_TRIES = 5;
const READ_BACK_SECONDS = 2;

/** Does the server show the change? A cluster may take a moment until every node does. */
const showsWithin = async (clock: Clock, isShown: () => Promise<boolean>): Promise<boolean> => {
  for (let tried = 1; !(await isShown()); tried++) {
    if (tried === READ_BACK_TRIES) return false;
    await clock.sleep(READ_BACK_SECONDS * 1000);
  }
  return true;
};
