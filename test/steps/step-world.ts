/**
 * A world for steps: real adapters on stand-ins that speak the real protocols, stores in a directory, a clock that jumps.
 * Only what a test replaces by hand is not the real thing.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { octopusDatabaseTds } from '../../lib/adapters/octopus-database.tds.ts';
import { octopusHost } from '../../lib/adapters/octopus.host.ts';
import { octopusHttp } from '../../lib/adapters/octopus.http.ts';
import { restoredDatabaseTds } from '../../lib/adapters/restored-database.tds.ts';
import { directorySecretStore } from '../../lib/adapters/secret-store.directory.ts';
import { sqlServerTds } from '../../lib/adapters/sql-server.tds.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { Instance } from '../../lib/domain/instance.ts';
import { archiveIdOf, runIdOf } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { World } from '../../lib/ports/world.ts';
import { takeLock } from '../../lib/repository/lease/lock.ts';
import { createRun, readRun } from '../../lib/repository/run-book.ts';
import type { Step, StepContext } from '../../lib/steps/step.ts';
import { startOctopus, type Octopus, type OctopusOptions } from '../../sandbox/octopus/server.ts';
import { seedOctopus, type SeededInstance } from '../../sandbox/octopus/seed.ts';
import { startSqlServer } from '../../sandbox/sql-server/server.ts';
import { jumpingClock } from '../clock.ts';

const DATABASE = 'OctopusDeploy';

export type StepWorld = {
  world: World;
  octopus: Octopus;
  sqlServer: Awaited<ReturnType<typeof startSqlServer>>;
  seeded: SeededInstance;
  /** The machine of the Octopus stand-in, and the share of the SQL Server stand-in. */
  machine: string;
  share: string;
  /** How another process reaches the SQL Server stand-in. */
  connectionString: string;
  /** What another process needs to open the same world: `worldOf(root, peers)`. */
  reached: { root: string; peers: Peers };
  /** A run that is recorded; with the lock where the test needs it. */
  newRun(request?: { name?: string; hasLock?: boolean }): Promise<RunRecord>;
  close(): Promise<void>;
};

/** The stand-ins, an instance `prod` of `sizeMegabytes` on them, and a world that knows it. */
export const openStepWorld = async (
  options: Partial<OctopusOptions> & { sizeMegabytes?: number; dumpBytesPerSecond?: number } = {},
): Promise<StepWorld> => {
  const { sizeMegabytes = 2, dumpBytesPerSecond = null, ...ofServer } = options;
  const root = await mkdtemp(join(tmpdir(), 'octo-steps-'));
  const at = (name: string) => join(root, name);
  const share = at('share');
  await mkdir(share);
  const password = randomBytes(12).toString('hex');
  const sqlServer = await startSqlServer({
    directory: at('sql-server'),
    logins: { octo: password },
    bytesPerSecond: dumpBytesPerSecond,
  });
  const connectionString = `Server=127.0.0.1,${sqlServer.port};Database=${DATABASE};User Id=octo;Password=${password};Encrypt=true;TrustServerCertificate=true`;
  const machine = at('machine');
  const seeded = await seedOctopus({ directory: machine, connectionString, seed: 'steps', sizeMegabytes });
  const octopus = await startOctopus({
    directory: machine,
    connectionString,
    instanceName: seeded.instanceName,
    workEverySeconds: null,
    ...ofServer,
  });
  const instance: Instance = {
    name: 'prod',
    isProduction: true,
    hosts: [
      { name: 'prod-1', url: octopus.url, program: { path: seeded.programPath, instanceName: seeded.instanceName } },
    ],
    database: { name: DATABASE, share: { sqlServerPath: share, workerPath: share } },
    extraFolders: [],
  };
  const peers = { instance, seeded, connectionString };
  const { world, closePeers } = await worldOf(root, peers);
  return {
    world,
    octopus,
    sqlServer,
    seeded,
    machine,
    share,
    connectionString,
    reached: { root, peers },
    newRun: (request) => newRun(world, request),
    close: async () => {
      await closePeers();
      await octopus.close();
      await sqlServer.close();
      await rm(root, { recursive: true, force: true });
    },
  };
};

export type Peers = { instance: Instance; seeded: SeededInstance; connectionString: string };

/** The world over stores in `root` and these stand-ins; `closePeers` lets go of them. */
export const worldOf = async (root: string, { instance, seeded, connectionString }: Peers) => {
  const clock = jumpingClock(new Date());
  const secret = new Secret(connectionString);
  const sqlServer = sqlServerTds({ connectionString: secret, stallSeconds: 20 });
  const open: { close(): Promise<void> }[] = [sqlServer];
  const kept = <T extends { close(): Promise<void> }>(peer: T): T => {
    open.push(peer);
    return peer;
  };
  const host = instance.hosts[0]!;
  await mkdir(join(root, 'host'), { recursive: true });
  const absent = () => {
    throw new OctoError('Bug', 'steps do not use this port');
  };
  const world: World = {
    clock,
    archives: directoryObjectStore({ directory: join(root, 'archives') }),
    state: directoryObjectStore({ directory: join(root, 'state') }),
    secretStore: directorySecretStore({ directory: join(root, 'secrets'), passphrase: new Secret('correct horse') }),
    workflows: { start: absent, describe: absent, history: absent },
    hostTasks: { take: absent, acknowledge: absent, beat: absent, succeed: absent, fail: absent },
    chat: { post: absent, update: absent, shareFile: absent, postEphemeral: absent, groupMembers: absent },
    instance: () => instance,
    instanceNames: () => [instance.name],
    policy: { people: ['ana', 'ben'], groups: {}, statements: [] },
    octopusApi: async () => octopusHttp({ url: host.url, apiKey: new Secret(seeded.apiKey), clock, timeoutSeconds: 5 }),
    octopusProgram: () =>
      octopusHost({ programPath: host.program.path, instanceName: host.program.instanceName, timeoutSeconds: 20 }),
    sqlServer: async () => sqlServer,
    octopusDatabase: async (_instance, database = DATABASE) =>
      kept(octopusDatabaseTds({ connectionString: secret, database })),
    restoredDatabase: async (_instance, database) => kept(restoredDatabaseTds({ connectionString: secret, database })),
    drillPlace: { folder: join(root, 'drills'), own: null, bytesPerSecond: null },
    hostDirectory: join(root, 'host'),
  };
  const closePeers = async () => {
    for (const peer of open) await peer.close();
  };
  return { world, closePeers };
};

let runs = 0;

const newRun = async (world: World, { name = `run ${(runs += 1)}`, hasLock = false } = {}): Promise<RunRecord> => {
  const id = runIdOf(name);
  const requestedAt = world.clock.now().toISOString();
  const run = await createRun(world, {
    id,
    workflow: 'backup',
    instance: 'prod',
    requestedAt,
    requestedBy: { door: 'terminal', person: 'ana', channel: null },
    reason: null,
    options: { consistency: 'quiesced' },
    archiveId: archiveIdOf({ id, requestedAt }),
    status: 'running',
    endedAt: null,
    outcome: null,
  });
  if (!hasLock) return run;
  await takeLock(world, run);
  return (await readRun(world, id))!;
};

/** Performs a step as the worker would, without its note, lock and lease. */
export const perform = async <T>(
  step: Step,
  { world, run, input = {}, ...context }: { world: World; run: RunRecord; input?: unknown } & Partial<StepContext>,
): Promise<T> =>
  (await step.perform(world, input, {
    run,
    state: step.name,
    attempt: 0,
    signal: new AbortController().signal,
    beat: async () => {},
    ...context,
  })) as T;
