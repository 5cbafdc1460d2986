/**
 * The worker of one host in AWS: takes that host's tasks from its queue and does what only this machine can do. Slack, schedule and
 * workflows are not here. It may be killed at any moment: what it took is on its disk, and goes on when it is started again.
 */
import { mkdirSync } from 'node:fs';
import type { Config } from '../lib/config.ts';
import { compose } from '../lib/compose.ts';
import { OctoError } from '../lib/domain/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Clock } from '../lib/ports/clock.ts';
import type { World } from '../lib/ports/world.ts';
import { loadStep } from '../lib/steps/index.ts';
import { holdData } from './hold-data.ts';
import { keepLeases } from './host/lease-keeper.ts';
import { runWorker } from './host/poll.ts';
import { keepReporting } from './host/reporter.ts';
import { keepSwept } from './host/sweeper.ts';

export type WorkerStart = {
  config: Config;
  /** As octo.yml names this host. */
  host: string;
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  log: Log;
};

/** Works until it is closed, which lets each step come to a safe point. @throws HostUnknown, ConfigInvalid, ServiceBusy */
export const startWorker = async ({
  config,
  host,
  environment,
  clock,
  log,
}: WorkerStart): Promise<{ close(): Promise<void> }> => {
  if (config.aws === undefined)
    throw new OctoError('ConfigInvalid', `${config.file} has no section "aws": on one machine, use "octo start"`);
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const release = await holdData(config.dataDirectory);
  const stop = new AbortController();
  const cloudStep = () => Promise.reject(new OctoError('Bug', 'workflows do not run in this process'));
  // A host has no token of Slack's, and nothing to say there.
  const { world, close } = await compose({ config: { ...config, slack: undefined }, environment, clock, cloudStep });
  try {
    const here = worldOf(world, host);
    const options = { host, signal: stop.signal, log };
    const work = Promise.all([
      runWorker(here, { ...options, loadStep }),
      keepLeases(here, options),
      keepSwept(here, options),
      keepReporting(here, options),
    ]);
    return {
      close: async () => {
        stop.abort(new OctoError('WorkerStopping', 'the program is being stopped'));
        await work;
        await close();
        release();
      },
    };
  } catch (thrown) {
    await close();
    release();
    throw thrown;
  }
};

/** The world of this host: instances that it does not serve are another worker's. */
const worldOf = (world: World, host: string): World => {
  const isHere = (instance: string) => world.instance(instance).hosts.some(({ name }) => name === host);
  const served = world.instanceNames().filter(isHere);
  const isDrillHost = world.drillPlace?.own?.host.name === host;
  // Another host's SQL Server for drills is swept by that host, and perhaps cannot be reached from here.
  const { drillPlace, ...others } = world;
  const drills = drillPlace === undefined || (drillPlace.own !== null && !isDrillHost) ? {} : { drillPlace };
  if (served.length > 0 || isDrillHost) return { ...others, ...drills, instanceNames: () => served };
  throw new OctoError('HostUnknown', `no instance in the configuration has a host "${host}"`, { facts: { host } });
};
