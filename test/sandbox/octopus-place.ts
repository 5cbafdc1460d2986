/** A small Octopus instance on a SQL Server stand-in, in a directory of its own; what the tests of the octopus parts share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../sandbox/octopus/data/database.ts';
import { openDatabase } from '../../sandbox/octopus/data/database.ts';
import type { SeededInstance, SeedOptions } from '../../sandbox/octopus/seed.ts';
import { seedOctopus } from '../../sandbox/octopus/seed.ts';
import type { Octopus, OctopusOptions } from '../../sandbox/octopus/server.ts';
import { startOctopus } from '../../sandbox/octopus/server.ts';
import { startSqlServer } from '../../sandbox/sql-server/server.ts';

export type OctopusPlace = {
  directory: string;
  connectionString: string;
  instance: SeededInstance;
  octopus: Octopus;
  database: Database;
  /** Calls the API as the administrating service account unless another key, or none, is given. */
  call(path: string, request?: { method?: string; body?: unknown; apiKey?: string | null }): Promise<Answered>;
  close(): Promise<void>;
};

export type Answered = { status: number; body: Record<string, unknown> };

const PASSWORD = 'Sandbox-1!';

/** A SQL Server and a directory, for tests that seed by themselves. */
export const openMachine = async (): Promise<{
  directory: string;
  connectionString: string;
  close(): Promise<void>;
}> => {
  const directory = mkdtempSync(join(tmpdir(), 'octopus-place-'));
  const sqlServer = await startSqlServer({ directory: join(directory, 'sql'), logins: { octo: PASSWORD } });
  return {
    directory: join(directory, 'machine'),
    connectionString: `Server=127.0.0.1,${sqlServer.port};Database=Octopus;User Id=octo;Password=${PASSWORD};TrustServerCertificate=true`,
    close: async () => {
      await sqlServer.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** Nothing happens on it by itself, and tasks are short. */
export const openPlace = async (
  options: { seed?: Partial<SeedOptions>; server?: Partial<OctopusOptions> } = {},
): Promise<OctopusPlace> => {
  const machine = await openMachine();
  const { directory, connectionString } = machine;
  const instance = await seedOctopus({ directory, connectionString, sizeMegabytes: 1, ...options.seed });
  const octopus = await startOctopus({
    directory,
    queueMs: 30,
    taskSeconds: { min: 0.1, max: 0.2 },
    workEverySeconds: null,
    ...options.server,
  });
  const database = await openDatabase(connectionString);
  return {
    directory,
    connectionString,
    instance,
    octopus,
    database,
    call: async (path, { method = 'GET', body, apiKey = instance.apiKey } = {}) => {
      const response = await fetch(`${octopus.url}${path}`, {
        method,
        headers: apiKey === null ? {} : { 'X-Octopus-ApiKey': apiKey },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Answered['body'] };
    },
    close: async () => {
      await octopus.close();
      await database.close();
      await machine.close();
    },
  };
};
