/**
 * A stand-in for one Octopus Deploy node: REST API, task queue and service state of an installed instance.
 *
 * It answers only while its service runs; `Octopus.Server service --stop` on the same machine makes it refuse
 * connections. Several nodes of one cluster are several instances that name one database.
 * Follows https://octopus.com/docs/octopus-rest-api; what it serves is `serves`.
 */
import type { Server } from 'node:http';
import type { RunningNode, ServerFaults } from './node/running-node.ts';
import { logLine, noFaults } from './node/running-node.ts';
import type { InstanceSettings } from './machine/machine.ts';
import { findInstance, readConfiguration, writeConfiguration } from './machine/machine.ts';
import { listen } from './rest/listener.ts';
import { seededRandom } from './data/random.ts';
import { readWanted, removeStatus, writeStatus } from './machine/service.ts';
import { openNode } from './node/start-node.ts';
import { queueDeployment, queueSomeWork, turnQueue } from './node/task-queue.ts';

export { serves } from './rest/listener.ts';
export type { ServerFaults } from './node/running-node.ts';

export type OctopusOptions = {
  /** The machine's directory, as seeded. */
  directory: string;
  instanceName?: string;
  /** 0 for any; without it the port the instance had last. */
  port?: number;
  /** Where the database is now, when it is elsewhere than the configuration says. */
  connectionString?: string;
  /** Between two turns of the task queue; a real node takes 20 s. */
  queueMs?: number;
  taskSeconds?: { min: number; max: number };
  /** Someone deploys something this often; `null` for a server on which nothing happens by itself. */
  workEverySeconds?: number | null;
};

export type Octopus = {
  url: string;
  faults: ServerFaults;
  /** Queues a deployment as a person would, for now or for later, and returns its task's id. */
  deploy(when?: { afterSeconds: number }): Promise<string>;
  isRunning(): boolean;
  close(): Promise<void>;
};

const WATCH_MS = 50;
const BUSY_SECONDS = 15;

type Running = { node: RunningNode; http: Server; port: number; timers: NodeJS.Timeout[]; turning: Promise<void> };

/** Starts the node unless its service was stopped, and follows what the service manager asks from then on. */
export const startOctopus = async (options: OctopusOptions): Promise<Octopus> => {
  const service = openService(options);
  let following = service.follow();
  await following;
  const watch = setInterval(() => {
    following = following.then(service.follow);
  }, WATCH_MS);
  const close = async (): Promise<void> => {
    clearInterval(watch);
    await following;
    await service.close();
  };
  const problem = service.problem();
  if (problem !== null) {
    await close();
    throw new Error(`the service did not start: ${problem}`);
  }
  return {
    get url() {
      return `http://127.0.0.1:${service.port()}`;
    },
    faults: service.faults,
    isRunning: () => service.node() !== null,
    deploy: async ({ afterSeconds } = { afterSeconds: 0 }) => {
      const node = service.node();
      const queuedAt = new Date(Date.now() + afterSeconds * 1000);
      const taskId = node === null ? null : await queueDeployment(node, queuedAt);
      if (taskId === null) throw new Error('the server is stopped, or has nothing to deploy');
      return taskId;
    },
    close,
  };
};

type Service = {
  faults: ServerFaults;
  /** Does what is wanted where that was not done yet, and says so in the status file. */
  follow(this: void): Promise<void>;
  node(): RunningNode | null;
  port(): number;
  /** Why it last failed to become what was wanted. */
  problem(): string | null;
  close(): Promise<void>;
};

const openService = (options: OctopusOptions): Service => {
  const { directory, instanceName = 'OctopusServer' } = options;
  const settings = readSettings(options, instanceName);
  const start: StartOptions = {
    ...options,
    instanceName,
    port: options.port ?? portOf(settings['Octopus.WebPortal.ListenPrefixes']),
    isPortFixed: options.port !== undefined && options.port !== 0,
    faults: noFaults(),
  };
  let running: Running | null = null;
  let answered = -1;
  let problem: string | null = null;
  return {
    faults: start.faults,
    follow: async () => {
      const { state, request } = readWanted(directory, instanceName);
      if (request === answered) return;
      try {
        if (state === 'stopped') running = await stopService(running);
        else running ??= await startService(start);
        start.port = running?.port ?? start.port;
        problem = null;
      } catch (thrown) {
        problem = String(thrown);
      }
      const status = { state: problem === null ? state : ('failed' as const), request, reason: problem ?? '' };
      writeStatus(directory, instanceName, status);
      answered = request;
    },
    node: () => running?.node ?? null,
    port: () => start.port,
    problem: () => problem,
    close: async () => {
      running = await stopService(running);
      removeStatus(directory, instanceName);
    },
  };
};

/** The instance's settings, with its database re-pointed where it is elsewhere now. */
const readSettings = ({ directory, connectionString }: OctopusOptions, instanceName: string): InstanceSettings => {
  const path = findInstance(directory, instanceName)?.configurationPath;
  if (path === undefined) throw new Error(`the machine at ${directory} has no instance ${instanceName}`);
  const settings = readConfiguration(path);
  if (connectionString === undefined) return settings;
  const moved = { ...settings, 'Octopus.Storage.ExternalDatabaseConnectionString': connectionString };
  writeConfiguration(path, moved);
  return moved;
};

const portOf = (listenPrefixes: string | undefined): number => Number(/:(\d+)/.exec(listenPrefixes ?? '')?.[1] ?? 0);

type StartOptions = OctopusOptions & { instanceName: string; port: number; isPortFixed: boolean; faults: ServerFaults };

const startService = async (options: StartOptions): Promise<Running> => {
  const started = await openNode(options.directory, options.instanceName);
  const node: RunningNode = {
    ...started,
    faults: options.faults,
    random: seededRandom(started.startedAt.toISOString()),
    taskSeconds: options.taskSeconds ?? { min: 4, max: 12 },
  };
  try {
    const http = await listenSomewhere(node, options);
    const address = http.address();
    const port = typeof address === 'object' && address !== null ? address.port : options.port;
    rememberPort(options, port);
    const running: Running = { node, http, port, timers: [], turning: Promise.resolve() };
    startTimers(running, options);
    logLine(node, 'INFO', `Octopus Server ${node.name} has started`);
    return running;
  } catch (thrown) {
    await node.database.close();
    throw thrown;
  }
};

/** The port of the last time may be taken by now; one that was asked for must be had. */
const listenSomewhere = async (node: RunningNode, options: StartOptions): Promise<Server> => {
  try {
    return await listen(node, options.port);
  } catch (thrown) {
    if (options.isPortFixed || (thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw thrown;
    return listen(node, 0);
  }
};

const rememberPort = ({ directory, instanceName }: StartOptions, port: number): void => {
  const path = findInstance(directory, instanceName)?.configurationPath;
  if (path === undefined) return;
  writeConfiguration(path, {
    ...readConfiguration(path),
    'Octopus.WebPortal.ListenPrefixes': `http://localhost:${port}/`,
  });
};

/**
 * Work that fails, because the database is away for example, is logged and tried again at the next turn. A turn that comes
 * while the last one still waits is left out: on a slow machine they would pile up, and a stop waits for all of them.
 */
const startTimers = (running: Running, options: StartOptions): void => {
  const { node } = running;
  const inTurn = (work: (node: RunningNode) => Promise<void>) => {
    let isWaiting = false;
    return (): void => {
      if (isWaiting) return;
      isWaiting = true;
      running.turning = running.turning
        .then(async () => work(node))
        .catch((thrown: unknown) => logLine(node, 'ERROR', String(thrown)))
        .finally(() => (isWaiting = false));
    };
  };
  running.timers.push(setInterval(inTurn(turnQueue), options.queueMs ?? 500));
  const everySeconds = options.workEverySeconds === undefined ? BUSY_SECONDS : options.workEverySeconds;
  if (everySeconds !== null) running.timers.push(setInterval(inTurn(queueSomeWork), everySeconds * 1000));
};

const stopService = async (running: Running | null): Promise<null> => {
  if (running === null) return null;
  for (const timer of running.timers) clearInterval(timer);
  await running.turning;
  running.http.closeAllConnections();
  await new Promise((resolve) => {
    running.http.close(resolve);
  });
  await running.node.database.close();
  logLine(running.node, 'INFO', `Octopus Server ${running.node.name} has stopped`);
  return null;
};
