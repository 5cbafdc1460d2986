/**
 * The only file that knows which adapter stands behind which port. The sandbox, one machine and AWS run the same program;
 * what differs is chosen here, from the configuration alone.
 *
 * Peers are opened when they are first used: a door never loads the SQL client.
 */
import { join } from 'node:path';
import { directoryObjectStore } from './adapters/object-store.directory.ts';
import { octopusHost } from './adapters/octopus.host.ts';
import { octopusHttp } from './adapters/octopus.http.ts';
import {
  instanceOf,
  policyOf,
  resolveSecret,
  type Config,
  type InstanceConfig,
  type SecretStoreConfig,
  type SlackConfig,
  type StoreConfig,
} from './config.ts';
import { openDrillPlace } from './compose/drill-place.ts';
import { atQueues, openRuntime } from './compose/runtime.ts';
import { OctoError } from './domain/errors.ts';
import type { Secret } from './domain/secrets/secret.ts';
import type { Chat } from './ports/chat.ts';
import type { Clock } from './ports/clock.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { SecretStore } from './ports/secret-store.ts';
import type { World } from './ports/world.ts';

export type Composed = {
  world: World;
  /** Goes on with every run that was under way when the process ended. */
  resume: () => Promise<void>;
  close: () => Promise<void>;
};

export type Wiring = {
  config: Config;
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  /** Serves cloud steps for the embedded engine. */
  cloudStep: (world: World, payload: unknown) => Promise<unknown>;
  /** Told of every key written to the state store. */
  onStateWrite?: (key: string) => void;
  /** Told of what the engine goes on trying by itself, such as a full disk. */
  onTrouble?: (error: OctoError) => void;
};

export const compose = async (wiring: Wiring): Promise<Composed> => {
  const { config, environment, clock, cloudStep, onStateWrite, onTrouble } = wiring;
  const secret: Reveal = (reference) => resolveSecret(reference, environment);
  const runtime = await openRuntime({
    aws: config.aws,
    environment,
    embedded: {
      directory: join(config.dataDirectory, 'engine'),
      clock,
      ...(onTrouble === undefined ? {} : { onTrouble }),
    },
    cloudStep: (payload) => cloudStep(world, payload),
  });
  const { close, ...peers } = openPeers(config, { secret, clock });
  const drills = openDrillPlace(config, { secret, queueUrl: runtime.queueUrl });
  const world: World = {
    clock,
    archives: await objectStore(config.store.archives),
    state: await objectStore(config.store.state, onStateWrite),
    secretStore: await secretStore(config.secrets, secret),
    workflows: runtime.workflows,
    hostTasks: runtime.hostTasks,
    chat: await chat(config.slack, secret),
    ...peers,
    instance: (name) => atQueues(peers.instance(name), runtime.queueUrl),
    ...drills.place,
    policy: policyOf(config),
    hostDirectory: join(config.dataDirectory, 'host'),
  };
  return {
    world,
    resume: () => runtime.resume(),
    close: async () => {
      await runtime.close();
      await Promise.all([close(), drills.close()]);
    },
  };
};

type Reveal = (reference: string) => Secret;
type Peers = Pick<
  World,
  'instance' | 'instanceNames' | 'octopusApi' | 'octopusProgram' | 'sqlServer' | 'octopusDatabase' | 'restoredDatabase'
>;

const openPeers = (
  config: Config,
  { secret, clock }: { secret: Reveal; clock: Clock },
): Peers & { close: () => Promise<void> } => {
  const of = (name: string): InstanceConfig => {
    const found = config.instances[name];
    if (found !== undefined) return found;
    const known = Object.keys(config.instances).join(', ');
    throw new OctoError('InstanceUnknown', `there is no instance "${name}"; there is ${known}`, { facts: { name } });
  };
  const sqlServers = perInstance(async (name) => {
    const { sqlServerTds } = await import('./adapters/sql-server.tds.ts');
    const { connectionString, stallSeconds } = of(name).database;
    return sqlServerTds({ connectionString: secret(connectionString), stallSeconds });
  });
  const databases = perDatabase(async (name, database) => {
    const { octopusDatabaseTds } = await import('./adapters/octopus-database.tds.ts');
    return octopusDatabaseTds({ connectionString: secret(of(name).database.connectionString), database });
  });
  const restored = perDatabase(async (name, database) => {
    const { restoredDatabaseTds } = await import('./adapters/restored-database.tds.ts');
    return restoredDatabaseTds({ connectionString: secret(of(name).database.connectionString), database });
  });
  return {
    instance: (name) => instanceOf(name, of(name)),
    instanceNames: () => Object.keys(config.instances),
    octopusApi: async (name) => {
      const { apiKey, hosts } = of(name);
      return octopusHttp({ url: hosts[0]!.url, apiKey: secret(apiKey), clock });
    },
    octopusProgram: (name) => {
      const { program } = of(name).hosts[0]!;
      return octopusHost({ programPath: program.path, instanceName: program.instanceName });
    },
    sqlServer: sqlServers.get,
    octopusDatabase: async (name, database = of(name).database.name) => databases.get(name, database),
    restoredDatabase: restored.get,
    close: async () => {
      await Promise.all([sqlServers.close(), databases.close(), restored.close()]);
    },
  };
};

/** One peer per instance, opened when it is first asked for; an opening that failed is tried again next time. */
const perInstance = <T extends { close(): Promise<void> }>(open: (instance: string) => Promise<T>) => {
  const peers = new Map<string, Promise<T>>();
  return {
    get: (instance: string): Promise<T> => {
      const peer = peers.get(instance) ?? open(instance);
      peers.set(instance, peer);
      peer.catch(() => peers.delete(instance));
      return peer;
    },
    close: async (): Promise<void> => {
      const opened = await Promise.all(peers.values());
      await Promise.all(opened.map((peer) => peer.close()));
    },
  };
};

/** The same, for each database of an instance. One that was closed opens again when it is next used. */
const perDatabase = <T extends { close(): Promise<void> }>(
  open: (instance: string, database: string) => Promise<T>,
) => {
  const instances = perInstance(async (instance) => perInstance((database) => open(instance, database)));
  return {
    get: async (instance: string, database: string): Promise<T> => (await instances.get(instance)).get(database),
    close: instances.close,
  };
};

/** The store that a configuration names. */
export const objectStore = async (config: StoreConfig, onWrite?: (key: string) => void): Promise<ObjectStore> => {
  if ('directory' in config) {
    return directoryObjectStore({ directory: config.directory, ...(onWrite === undefined ? {} : { onWrite }) });
  }
  const { s3ObjectStore } = await import('./adapters/object-store.s3.ts');
  return s3ObjectStore(config);
};

const secretStore = async (config: SecretStoreConfig, secret: Reveal): Promise<SecretStore> => {
  if (!('directory' in config)) {
    const { secretsManagerSecretStore } = await import('./adapters/secret-store.secrets-manager.ts');
    return secretsManagerSecretStore(config);
  }
  const { directorySecretStore } = await import('./adapters/secret-store.directory.ts');
  return 'keyFile' in config
    ? directorySecretStore(config)
    : directorySecretStore({ directory: config.directory, passphrase: secret(config.passphrase) });
};

const chat = async (slack: SlackConfig | undefined, secret: Reveal): Promise<Chat> => {
  if (slack === undefined) return silence;
  const { slackChat } = await import('./adapters/chat.slack.ts');
  return slackChat({ token: secret(slack.botToken), ...(slack.apiUrl === undefined ? {} : { apiUrl: slack.apiUrl }) });
};

/** Without Slack in the configuration no run has a channel, so nothing is ever posted. */
const silence: Chat = {
  post: () => Promise.resolve({ channel: '', ts: '' }),
  update: () => Promise.resolve(),
  shareFile: () => Promise.resolve(),
  postEphemeral: () => Promise.resolve(),
  groupMembers: () => Promise.resolve([]),
};
