/**
 * Makes a believable Octopus instance on a machine: configuration, database, folders. The same seed and the same `now`
 * give the same instance. The configuration is registered last, so an interrupted seed starts over.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Database } from './data/database.ts';
import { createEmptyDatabase } from './data/database.ts';
import { createInstance, findInstance, installProgram, protect } from './machine/machine.ts';
import type { Random } from './data/random.ts';
import { seededRandom } from './data/random.ts';
import type { Task } from './data/rows.ts';
import { deploymentDescription, idOf, taskRow } from './data/rows.ts';
import type { TableName } from './data/schema.ts';
import { writeFiles } from './seed/files.ts';
import { freshRows } from './seed/fresh.ts';
import type { History } from './seed/history.ts';
import { believableSpanMs, noNumbers, writeHistory } from './seed/history.ts';
import type { Infrastructure, Rows } from './seed/infrastructure.ts';
import { apiKeyRow, seedInfrastructure } from './seed/infrastructure.ts';
import { seedSecrets } from './seed/secrets.ts';
import type { FolderKey } from './seed/settings.ts';
import { FOLDERS, seedSettings } from './seed/settings.ts';

export type SeedOptions = {
  /** The machine's directory. */
  directory: string;
  /** Names the server, the login and the database; the database is made when it is not there. */
  connectionString: string;
  seed?: string;
  sizeMegabytes?: number;
  instanceName?: string;
  nodeName?: string;
  masterKeyBits?: 128 | 256;
  /** Installed a moment ago: nothing was ever deployed with it. */
  isFresh?: boolean;
  now?: Date;
};

/** What whoever installs the bot has in hand. */
export type SeededInstance = {
  instanceName: string;
  nodeName: string;
  programPath: string;
  home: string;
  /** Key of a service account that administers the system. */
  apiKey: string;
  /** Key of a service account that may only look. */
  readerApiKey: string;
  masterKey: string;
};

const MEGABYTE = 1_000_000;
const DEFAULT_SIZE_MEGABYTES = 150;
/** At the default size: some 360 releases, 900 deployments, 1,000 tasks. */
const RELEASES_PER_MEGABYTE = 2.4;
const FEWEST_RELEASES = 24;
const HOUR_MS = 3_600_000;

const apiKeyOf = (random: Random): string => `API-${random.word(30).toUpperCase()}`;

/** Seeds the instance where it is not there yet, and says in both cases how to reach it. */
export const seedOctopus = async (options: SeedOptions): Promise<SeededInstance> => {
  const { instanceName = 'OctopusServer', nodeName = 'prod-1', now = new Date() } = options;
  const directory = resolve(options.directory);
  const random = seededRandom(options.seed ?? 'octo');
  const keys = random.branch('keys');
  const instance: SeededInstance = {
    instanceName,
    nodeName,
    programPath: installProgram(directory),
    home: join(directory, 'home'),
    apiKey: apiKeyOf(keys),
    readerApiKey: apiKeyOf(keys),
    masterKey: keys.bytes((options.masterKeyBits ?? 256) / 8).toString('base64'),
  };
  if (findInstance(directory, instanceName) !== null) return instance;

  await rm(instance.home, { recursive: true, force: true });
  const database = await createEmptyDatabase(options.connectionString);
  try {
    const content = contentOf(random, instance, { ...options, now });
    await Promise.all([
      writeFolders(random.branch('files'), instance.home, content.files),
      insertAll(database, [
        ...content.rows,
        seedSettings(random.branch('settings'), { home: instance.home, nodeName, now }),
        { ApiKey: apiKeyRows(instance, now) },
      ]),
    ]);
  } finally {
    await database.close();
  }
  register(directory, instance, options.connectionString);
  return instance;
};

type Content = { rows: Rows[]; files: History['files'] };

const contentOf = (
  random: Random,
  { masterKey, nodeName }: SeededInstance,
  { isFresh = false, ...options }: SeedOptions & { now: Date },
): Content => {
  const { now } = options;
  const secrets = { random: random.branch('secrets'), masterKey: Buffer.from(masterKey, 'base64'), now };
  if (isFresh) return { rows: [freshRows(secrets)], files: [] };
  const infrastructure = seedInfrastructure(random.branch('infrastructure'));
  const history = seedHistory(random.branch('history'), infrastructure, { ...options, nodeName });
  const present = presentRows(infrastructure, history, { nodeName, now });
  return {
    rows: [infrastructure.rows, history.rows, seedSecrets(secrets, infrastructure.projects), present],
    files: history.files,
  };
};

const seedHistory = (
  random: Random,
  infrastructure: Infrastructure,
  at: { sizeMegabytes?: number; nodeName: string; now: Date },
): History => {
  const sizeMegabytes = at.sizeMegabytes ?? DEFAULT_SIZE_MEGABYTES;
  const releaseCount = Math.max(FEWEST_RELEASES, Math.round(sizeMegabytes * RELEASES_PER_MEGABYTE));
  return writeHistory(random, infrastructure, {
    from: new Date(at.now.getTime() - believableSpanMs(releaseCount)),
    until: at.now,
    releaseCount,
    sizeBytes: sizeMegabytes * MEGABYTE,
    numbers: noNumbers(),
    nodeId: `OctopusServerNodes-${at.nodeName}`,
  });
};

/** The places of the folders below a home directory. */
export const foldersBelow = (home: string): Record<FolderKey, string> =>
  Object.fromEntries(Object.entries(FOLDERS).map(([key, name]) => [key, join(home, name)])) as Record<
    FolderKey,
    string
  >;

const writeFolders = async (random: Random, home: string, files: History['files']): Promise<void> => {
  const folders = foldersBelow(home);
  await Promise.all(Object.values(folders).map(async (path) => mkdir(path, { recursive: true })));
  await writeFiles(random, folders, files);
};

const insertAll = async (database: Database, sets: readonly Rows[]): Promise<void> => {
  for (const rows of sets) {
    for (const [table, list] of Object.entries(rows)) await database.insert(table as TableName, list);
  }
};

const apiKeyRows = (instance: SeededInstance, created: Date): NonNullable<Rows['ApiKey']> => [
  apiKeyRow(instance.apiKey, { id: 'apikeys-1', userId: 'Users-2', created }),
  apiKeyRow(instance.readerApiKey, { id: 'apikeys-2', userId: 'Users-3', created }),
];

/** What is under way now: two deployments about to start, one scheduled, one that waits for a person. */
const presentRows = (infrastructure: Infrastructure, history: History, at: { nodeName: string; now: Date }): Rows => {
  const release = history.newestRelease;
  const environment = infrastructure.environments.findLast((place) => place.spaceId === release?.spaceId);
  if (release === null || environment === undefined) throw new Error('nothing was released yet');
  const numbers = { ...history.numbers };
  const queued = (queuedAt: Date): Task => ({
    id: idOf('ServerTasks', ++numbers.ServerTasks),
    name: 'Deploy',
    description: deploymentDescription(release, environment),
    spaceId: release.spaceId,
    state: 'Queued',
    queuedAt,
    projectId: release.project.id,
    environmentId: environment.id,
    arguments: { DeploymentId: null },
  });
  const waiting: Task = {
    ...queued(new Date(at.now.getTime() - 5 * HOUR_MS)),
    state: 'Executing',
    startedAt: new Date(at.now.getTime() - 5 * HOUR_MS),
    nodeId: `OctopusServerNodes-${at.nodeName}`,
    hasPendingInterruptions: true,
  };
  const tasks = [waiting, queued(at.now), queued(at.now), queued(new Date(at.now.getTime() + HOUR_MS))];
  return {
    ServerTask: tasks.map(taskRow),
    KeyAllocation: Object.entries(numbers).map(([CollectionName, Allocated]) => ({ CollectionName, Allocated })),
  };
};

const register = (directory: string, instance: SeededInstance, connectionString: string): void => {
  const configurationPath = join(instance.home, `OctopusServer-${instance.instanceName}.config`);
  if (!existsSync(instance.home)) throw new Error(`the home directory ${instance.home} is missing`);
  createInstance(directory, {
    name: instance.instanceName,
    configurationPath,
    settings: {
      'Octopus.Home': instance.home,
      'Octopus.Server.NodeName': instance.nodeName,
      'Octopus.Storage.ExternalDatabaseConnectionString': connectionString,
      'Octopus.Storage.MasterKey': protect(directory, instance.masterKey),
      'Octopus.WebPortal.ListenPrefixes': 'http://localhost:0/',
      'Octopus.Communications.ServicesPort': '10943',
    },
  });
};
