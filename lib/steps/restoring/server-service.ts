/**
 * The Octopus service of the target, stopped and started: what counts is whether its API answers, not what the call said.
 */
import { isOctoError, OctoError } from '../../domain/errors.ts';
import type { World } from '../../ports/world.ts';
import { until } from '../parts/until.ts';

type ServiceWorld = Pick<World, 'octopusProgram' | 'octopusApi' | 'clock'>;
type Waiting = { signal: AbortSignal; beat?: (progress: { text: string }) => Promise<void> };

const STOP_PATIENCE = { tries: 30, everySeconds: 2 };
/** A large server takes minutes from its start to its first answer. */
const START_PATIENCE = { tries: 300, everySeconds: 2 };

/** Stops the service; one that is stopped already is no error. @throws ServerNotStopped */
export const stopServer = async (world: ServiceWorld, instance: string, { signal }: Waiting): Promise<void> => {
  await world.octopusProgram(instance).stopService();
  const isSilent = async () => (await versionAnswered(world, instance)) === null;
  if (await until(world.clock, { ...STOP_PATIENCE, signal }, isSilent)) return;
  throw new OctoError('ServerNotStopped', `${instance} still answers although its service was stopped`);
};

/** Starts the service and waits until it answers; the version that does. @throws ServerNotHealthy */
export const startServer = async (world: ServiceWorld, instance: string, waiting: Waiting): Promise<string> => {
  await world.octopusProgram(instance).startService();
  let version: string | null = null;
  const answers = async () => {
    await waiting.beat?.({ text: 'waiting for the server to answer' });
    version = await versionAnswered(world, instance);
    return version !== null;
  };
  if (await until(world.clock, { ...START_PATIENCE, signal: waiting.signal }, answers)) return version!;
  throw new OctoError('ServerNotHealthy', `${instance} does not answer after its service was started`);
};

/** `null` while nobody answers. Something else than Octopus may answer for a server that is coming up, such as a proxy. */
const versionAnswered = async (world: ServiceWorld, instance: string): Promise<string | null> => {
  try {
    return (await (await world.octopusApi(instance)).root()).version;
  } catch (thrown) {
    if (isOctoError(thrown, 'OctopusUnavailable', 'OctopusAnswerInvalid')) return null;
    throw thrown;
  }
};
