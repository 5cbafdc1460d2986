/**
 * The databases swapped and swapped back, killed between any two acts: what a kill leaves is made by hand, statement by
 * statement, as SQL Server would be found.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import mssql from 'mssql';
import { asideDatabaseName, scratchDatabaseName } from '../../lib/domain/names.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { SqlServer } from '../../lib/ports/sql-server.ts';
import { asideDatabase, dropAside, swapBack } from '../../lib/steps/parts/swap-back.ts';
import { changeJournal, readJournal } from '../../lib/repository/restore-journal.ts';
import { openRestore, type Restoring } from './restore-world.ts';
import { openStepWorld, type StepWorld } from './step-world.ts';

const NAME = 'OctopusDeploy';

let on: StepWorld;
let restoring: Restoring;
let sqlServer: SqlServer;
let direct: mssql.ConnectionPool;
/** What the server has, and the copy of it that was brought in. */
let [present, copy] = ['', ''];
let run: RunRecord;
beforeAll(async () => {
  on = await openStepWorld();
  restoring = await openRestore(on);
  sqlServer = await on.world.sqlServer('prod');
  const master = on.connectionString.replace(`Database=${NAME}`, 'Database=master');
  direct = await new mssql.ConnectionPool(master).connect();
  run = await restoring.newRestore();
  await restoring.load(run);
  present = (await sqlServer.database(NAME))!.guid;
  copy = (await sqlServer.database(scratchDatabaseName(run.id)))!.guid;
  await on.world.octopusProgram('prod').stopService();
});
afterEach(async () => swapBack(on.world, run));
afterAll(async () => {
  await direct.close();
  await on.close();
});

type Standing = Record<'name' | 'scratch' | 'aside', string | null>;
const names = () => ({ name: NAME, scratch: scratchDatabaseName(run.id), aside: asideDatabaseName(NAME, run.id) });

/** Which of the two databases is found under each name; another one is a mistake. */
const standing = async (): Promise<Standing> => {
  const found = await Promise.all(
    Object.entries(names()).map(async ([role, name]) => [role, (await sqlServer.database(name))?.guid ?? null]),
  );
  return Object.fromEntries(found) as Standing;
};
const swapped = (): Standing => ({ name: copy, scratch: null, aside: present });
const asBefore = (): Standing => ({ name: present, scratch: copy, aside: null });

const areOpen = async (): Promise<boolean> => {
  const { recordset } = await direct.query<{ access: string }>(
    "SELECT user_access_desc AS access FROM sys.databases WHERE name LIKE '%cto%'",
  );
  return recordset.every(({ access }) => access === 'MULTI_USER');
};

const renaming = (from: string, to: string): string[] => [
  `ALTER DATABASE [${from}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE`,
  `ALTER DATABASE [${from}] MODIFY NAME = [${to}]`,
  `ALTER DATABASE [${to}] SET MULTI_USER`,
];
const onTheWay = (): string[] => [...renaming(NAME, names().aside), ...renaming(names().scratch, NAME)];
const onTheWayBack = (): string[] => [...renaming(NAME, names().scratch), ...renaming(names().aside, NAME)];
const ACTS = [0, 1, 2, 3, 4, 5, 6];

const begun = async (statements: string[], acts: number): Promise<void> => {
  for (const statement of statements.slice(0, acts)) await direct.query(statement);
};

describe('a swap', () => {
  test('gives the copy the server’s name and keeps the other; twice is once, and back again', async () => {
    for (let times = 0; times < 2; times += 1) {
      await restoring.swap(run);
      expect(await standing()).toEqual(swapped());
    }
    expect(await asideDatabase(on.world, run)).toBe(names().aside);
    for (let times = 0; times < 2; times += 1) {
      await swapBack(on.world, run);
      expect(await standing()).toEqual(asBefore());
    }
    expect(await asideDatabase(on.world, run)).toBeNull();
    expect(await areOpen()).toBe(true);
  });

  test.each(ACTS)('killed after %i of its six acts goes on', async (acts) => {
    await begun(onTheWay(), acts);
    await restoring.swap(run);
    expect(await standing()).toEqual(swapped());
    expect(await areOpen()).toBe(true);
  });

  test.each(ACTS)('killed after %i of its six acts is taken back', async (acts) => {
    await begun(onTheWay(), acts);
    await swapBack(on.world, run);
    expect(await standing()).toEqual(asBefore());
    expect(await areOpen()).toBe(true);
  });

  test.each(ACTS)('whose way back was killed after %i of six acts is taken back all the same', async (acts) => {
    await restoring.swap(run);
    await begun(onTheWayBack(), acts);
    await swapBack(on.world, run);
    expect(await standing()).toEqual(asBefore());
    expect(await areOpen()).toBe(true);
  });

  test('reads from the database that has the name', async () => {
    await direct.query(`DELETE FROM [${names().scratch}].dbo.[Tenant]`);
    await restoring.swap(run);
    expect((await (await on.world.octopusDatabase('prod')).counts())['Tenant']).toBe(0);
    await swapBack(on.world, run);
    expect((await (await on.world.octopusDatabase('prod')).counts())['Tenant']).toBeGreaterThan(0);
  });
});

describe('somebody else at work', () => {
  test('a connection in the database is ended', async () => {
    const user = await new mssql.ConnectionPool(on.connectionString).connect();
    await restoring.swap(run);
    expect(await standing()).toEqual(swapped());
    await user.close();
  });

  test('another database has the server’s name: nothing is renamed, forth or back', async () => {
    const taken = `CREATE DATABASE [other]; ALTER DATABASE [other] MODIFY NAME = [${NAME}]`;
    await direct.query(`ALTER DATABASE [${NAME}] MODIFY NAME = [elsewhere]; ${taken}`);
    await expect(restoring.swap(run)).rejects.toMatchObject({ code: 'DatabaseSwapped' });
    await expect(swapBack(on.world, run)).rejects.toMatchObject({ code: 'DatabaseNotReturned' });
    expect((await standing()).scratch).toBe(copy);
    await direct.query(`DROP DATABASE [${NAME}]; ALTER DATABASE [elsewhere] MODIFY NAME = [${NAME}]`);
  });
});

describe('a server without a database', () => {
  beforeEach(async () => {
    await direct.query(`ALTER DATABASE [${NAME}] MODIFY NAME = [lost]`);
    await changeJournal(on.world, run.id, (journal) => ({
      ...journal,
      database: { ...journal.database!, guid: null },
    }));
  });
  afterEach(async () => {
    await swapBack(on.world, run);
    await changeJournal(on.world, run.id, (journal) => ({
      ...journal,
      database: { ...journal.database!, guid: present },
    }));
    await direct.query(`ALTER DATABASE [lost] MODIFY NAME = [${NAME}]`);
  });

  test('gets the copy, and on the way back has none again', async () => {
    await restoring.swap(run);
    expect(await standing()).toEqual({ name: copy, scratch: null, aside: null });
    await swapBack(on.world, run);
    expect(await standing()).toEqual({ name: null, scratch: copy, aside: null });
    expect(await dropAside(on.world, run)).toBeNull();
  });
});

describe('the database aside', () => {
  test('is dropped when the restored one stays, and only then', async () => {
    const other = await restoring.newRestore();
    await restoring.load(other);
    const guid = (await readJournal(on.world, other.id))!.database!.restoredGuid!;
    expect(await dropAside(on.world, other)).toBeNull();
    await restoring.swap(other);
    expect(await dropAside(on.world, other)).toBe(asideDatabaseName(NAME, other.id));
    expect(await dropAside(on.world, other)).toBeNull();
    // What is left is the restored one: from here on there is nothing to go back to.
    expect((await sqlServer.database(NAME))?.guid).toBe(guid);
    await expect(swapBack(on.world, other)).rejects.toMatchObject({ code: 'DatabaseNotReturned' });
    present = guid;
    await sqlServer.rename({ from: scratchDatabaseName(other.id), to: NAME, guid });
    await changeJournal(on.world, run.id, (journal) => ({
      ...journal,
      database: { ...journal.database!, guid },
    }));
  });
});
