/**
 * The restored server given to its people: from the point of no return on, nothing is taken back, and what fails is named.
 *
 * Flags come back as they were before the run. A server that did not answer then has those that its archive was found with.
 */
import type { Manifest } from '../../domain/archives/archive.ts';
import { OctoError } from '../../domain/errors.ts';
import type { RestorePlan } from '../../domain/runs/plan.ts';
import type { OctopusApi, OctopusNode } from '../../ports/octopus.ts';
import type { World } from '../../ports/world.ts';
import { readLease } from '../../repository/lease/lease.ts';
import { readJournal } from '../../repository/restore-journal.ts';
import { until } from '../parts/until.ts';

type WakeWorld = Pick<World, 'state' | 'hostDirectory' | 'octopusApi' | 'clock'>;
type OfRun = { id: string; instance: string };
type Restored = { plan: RestorePlan; manifest: Manifest };
export type Flags = { isInMaintenance: boolean; drainedNodes: string[] };

/** The flags that the server is to have when it is given back. */
export const flagsToHave = async (world: WakeWorld, run: OfRun, { plan, manifest }: Restored): Promise<Flags> => {
  const lease = plan.octopus.isRunning ? await readLease(world, run.id) : null;
  const { isInMaintenance, nodes } = lease?.earlier ?? manifest.source;
  return { isInMaintenance, drainedNodes: nodes.filter(({ isDraining }) => isDraining).map(({ name }) => name) };
};

const READ_BACK = { tries: 5, everySeconds: 2 };

/** Every node that is there takes tasks again, save those that did not before. @throws LeaseNotRestored */
export const takeTasks = async (world: WakeWorld, run: OfRun, { drainedNodes }: Flags): Promise<void> => {
  const api = await world.octopusApi(run.instance);
  const drained = async (): Promise<OctopusNode[]> =>
    (await api.nodes()).filter(
      ({ isDraining, isOffline, name }) => isDraining && !isOffline && !drainedNodes.includes(name),
    );
  for (const node of await drained()) await api.setDraining(node, false);
  const isDone = async () => (await drained()).length === 0;
  if (await until(world.clock, { ...READ_BACK, signal: NEVER }, isDone)) return;
  throw new OctoError('LeaseNotRestored', `nodes of ${run.instance} stay drained`, {
    facts: { instance: run.instance },
  });
};

/**
 * Triggers and subscriptions on again, and maintenance mode off unless it was on. Answers what could not be woken.
 * @throws LeaseNotRestored
 */
export const openToPeople = async (world: WakeWorld, run: OfRun, { isInMaintenance }: Flags): Promise<string[]> => {
  const api = await world.octopusApi(run.instance);
  const asleep = await wakeSleepers(world, run, api);
  if (isInMaintenance || !(await api.isInMaintenance())) return asleep;
  await api.setMaintenance(false);
  const isOff = async () => !(await api.isInMaintenance());
  if (await until(world.clock, { ...READ_BACK, signal: NEVER }, isOff)) return asleep;
  throw new OctoError('LeaseNotRestored', `${run.instance} does not leave maintenance mode`, {
    facts: { instance: run.instance },
  });
};

/** What passes by itself is thrown, so that all of it is tried again. */
const wakeSleepers = async (world: WakeWorld, { id }: OfRun, api: OctopusApi): Promise<string[]> => {
  const asleep: string[] = [];
  for (const sleeper of (await readJournal(world, id))?.asleep?.sleepers ?? []) {
    try {
      await api.setDisabled(sleeper, false);
    } catch (thrown) {
      const error = OctoError.from(thrown);
      if (error.canRetry) throw error;
      asleep.push(`${sleeper.kind} "${sleeper.name}" (${sleeper.id}) stays off: ${error.message}`);
    }
  }
  return asleep;
};

const NEVER = new AbortController().signal;
