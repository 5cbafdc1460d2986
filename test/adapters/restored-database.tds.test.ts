/** The copy of a seeded instance's database, made as a restore makes it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { restoredDatabaseTds } from '../../lib/adapters/restored-database.tds.ts';
import { sqlServerTds } from '../../lib/adapters/sql-server.tds.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { RestoredDatabase } from '../../lib/ports/restored-database.ts';
import type { SqlServer } from '../../lib/ports/sql-server.ts';
import { hashApiKey } from '../../sandbox/octopus/data/cipher.ts';
import { openDatabase, type Database, type Row } from '../../sandbox/octopus/data/database.ts';
import { deploymentRow, eventRow, taskRow } from '../../sandbox/octopus/data/rows.ts';
import { apiKeyRow } from '../../sandbox/octopus/seed/infrastructure.ts';
import { seedOctopus } from '../../sandbox/octopus/seed.ts';
import { restoredDatabaseContract } from '../contracts/restored-database.ts';
import { openMachine } from '../sandbox/octopus-place.ts';

const SOURCE = 'Octopus';
/** The bot, as the seed names it. */
const BOT = 'Users-2';
const LATER = new Date('2031-01-01T00:00:00Z');

let machine: Awaited<ReturnType<typeof openMachine>>;
let sqlServer: SqlServer;
let source: Database;
const opened: { close(): Promise<void> }[] = [];
let copies = 0;

beforeAll(async () => {
  machine = await openMachine();
  const { directory, connectionString } = machine;
  await seedOctopus({ directory, connectionString, sizeMegabytes: 1 });
  source = await openDatabase(connectionString);
  await makeLaterRows();
  sqlServer = sqlServerTds({ connectionString: new Secret(connectionString), stallSeconds: 60 });
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await sqlServer.drop(`octo_copy_${copies}`);
});
afterAll(async () => {
  await source.close();
  await sqlServer.close();
  await machine.close();
});

/** Two deployments, a task and three events, one of them about a user and one about two variable sets. */
const makeLaterRows = async (): Promise<void> => {
  const [release] = await source.query<{ Id: string }>('SELECT TOP (1) Id FROM [Release]');
  const project = { id: 'Projects-1', spaceId: 'Spaces-1', name: 'p', slug: 'p', packageId: 'p' };
  const deployment = {
    spaceId: 'Spaces-1',
    release: { id: release!.Id, spaceId: 'Spaces-1', version: '1', project, assembledAt: LATER },
    environment: { id: 'Environments-1', spaceId: 'Spaces-1', name: 'Test' },
    taskId: 'ServerTasks-9001',
    createdAt: LATER,
    username: 'ana',
  };
  const later = ['Deployments-9001', 'Deployments-9002'].map((id) => deploymentRow({ ...deployment, id }));
  await source.insert('Deployment', later);
  const task = { id: 'ServerTasks-9001', name: 'Health', description: 'x', spaceId: null, arguments: {} };
  await source.insert('ServerTask', [taskRow({ ...task, state: 'Queued', queuedAt: LATER })]);
  const event = { user: { id: 'Users-1', username: 'admin' }, message: '', spaceId: null, occurredAt: LATER };
  const about = (number: number, category: string, relatedIds: string[]) =>
    eventRow({ ...event, number, category, relatedIds });
  await source.insert('Event', [
    about(90_001, 'Modified', ['Users-7']),
    about(90_002, 'Modified', ['Users-7', 'Projects-1', 'variableset-Projects-1', 'variableset-Projects-2']),
    about(90_003, 'DeploymentQueued', ['Users-8', 'Deployments-9001']),
  ]);
};

const openCopy = async (): Promise<{ copy: RestoredDatabase; direct: Database }> => {
  const name = `octo_copy_${(copies += 1)}`;
  const path = join(machine.directory, `${name}.bak`);
  await sqlServer.backUp({ database: SOURCE, path, name: 'copy', isCompressed: false }, {});
  await sqlServer.restore({ path, database: name, name: 'copy load' }, {});
  rmSync(path);
  const copy = restoredDatabaseTds({ connectionString: new Secret(machine.connectionString), database: name });
  const direct = await openDatabase(machine.connectionString.replace(`Database=${SOURCE}`, `Database=${name}`));
  opened.push(copy, direct);
  return { copy, direct };
};

restoredDatabaseContract('tds', async () => {
  const { copy, direct } = await openCopy();
  return {
    copy,
    source: { database: SOURCE, userId: BOT, strangerId: 'Users-999' },
    rows: async <T>(sql: string) => (await direct.query<Row>(sql)) as T[],
    renewKeys: async () => {
      await source.execute('DELETE FROM [ApiKey] WHERE UserId = @userId', { userId: BOT });
      // Its id is somebody else's in the copy.
      await source.insert('ApiKey', [apiKeyRow('API-NEW', { id: 'apikeys-2b', userId: BOT, created: new Date() })]);
      await direct.execute("UPDATE [ApiKey] SET Id = 'apikeys-2b' WHERE UserId <> @userId", { userId: BOT });
      return [hashApiKey('API-NEW')];
    },
    newer: {
      since: new Date(LATER.getTime() - 1000).toISOString(),
      counts: { deployments: 2, releases: 0, tasks: 1, users: 1, variableSets: 2 },
    },
  };
});

test('the same person has another number in the archive of another server: keys go by name', async () => {
  const { copy, direct } = await openCopy();
  await direct.execute("UPDATE [User] SET Id = 'Users-50' WHERE Id = @id", { id: BOT });
  const { length } = await source.query('SELECT Id FROM [ApiKey] WHERE UserId = @id', { id: BOT });
  expect(await copy.carryApiKeys({ database: SOURCE, userId: BOT })).toBe(length);
  expect(await direct.query("SELECT Id FROM [ApiKey] WHERE UserId = 'Users-50'")).toHaveLength(length);
});

test('settings that are stored compressed are changed in that form', async () => {
  const { copy, direct } = await openCopy();
  await direct.execute('ALTER TABLE [Configuration] ADD JSONBlob varbinary(max) NULL');
  const blob = gzipSync(Buffer.from(JSON.stringify({ IsInMaintenanceMode: false, Other: 'kept' }), 'utf16le'));
  const sql = "UPDATE [Configuration] SET [JSON] = NULL, JSONBlob = @blob WHERE Id = 'maintenance'";
  await direct.execute(sql, { blob });
  await copy.putToSleep();
  expect((await copy.awake()).isInMaintenance).toBe(true);
  const [row] = await direct.query<{ JSONBlob: Buffer }>(
    "SELECT JSONBlob FROM [Configuration] WHERE Id = 'maintenance'",
  );
  const stored: unknown = JSON.parse(gunzipSync(row!.JSONBlob).toString('utf16le'));
  expect(stored).toEqual({ IsInMaintenanceMode: true, Other: 'kept' });
});

test('what an older version does not have is no error', async () => {
  const { copy, direct } = await openCopy();
  for (const table of ['Subscription', 'Worker', 'OctopusServerNode', 'ExtensionConfiguration', 'Event'])
    await direct.execute(`DROP TABLE [${table}]`);
  expect((await copy.awake()).sleepers.every(({ kind }) => kind === 'trigger')).toBe(true);
  await copy.putToSleep();
  expect(await copy.newerThan('2020-01-01T00:00:00Z')).toMatchObject({ users: 0, variableSets: 0 });
  const items = await copy.quarantine();
  expect(items.find(({ what }) => what === 'Worker')).toEqual({ what: 'Worker', done: 'disabled', count: 0 });
});
