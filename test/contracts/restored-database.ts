/**
 * What every adapter of `RestoredDatabase` must do. `open` gives it on a copy of a database of a busy server, beside the
 * database that the copy was made of, and ways to look at the copy that are not the adapter's.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { RestoredDatabase } from '../../lib/ports/restored-database.ts';

export type RestoredDatabaseUnderTest = {
  copy: RestoredDatabase;
  /** The database that the copy was made of, a user in it with API keys, and one that the copy does not know. */
  source: { database: string; userId: string; strangerId: string };
  /** Rows of a query on the copy. */
  rows: <Row>(sql: string) => Promise<Row[]>;
  /** Changes the source: another key for the user, and the present ones revoked. */
  renewKeys(): Promise<string[]>;
  /** After this moment, and never before, the database got so much. */
  newer: { since: string; counts: Awaited<ReturnType<RestoredDatabase['newerThan']>> };
};

export const restoredDatabaseContract = (name: string, open: () => Promise<RestoredDatabaseUnderTest>): void => {
  let on: RestoredDatabaseUnderTest;
  beforeEach(async () => {
    on = await open();
  });
  const count = async (sql: string): Promise<number> => (await on.rows(sql)).length;

  describe(`${name}: sleep`, () => {
    test('tells what is awake, in order', async () => {
      const { sleepers, unfinishedTasks, nodes, isInMaintenance } = await on.copy.awake();
      expect(new Set(sleepers.map(({ kind }) => kind))).toEqual(new Set(['trigger', 'subscription']));
      expect(sleepers.length).toBe(
        (await count('SELECT Id FROM ProjectTrigger WHERE IsDisabled = 0')) +
          (await count('SELECT Id FROM Subscription WHERE IsDisabled = 0')),
      );
      expect(unfinishedTasks.map(({ id }) => id)).toEqual(unfinishedTasks.map(({ id }) => id).toSorted());
      expect(unfinishedTasks.length).toBeGreaterThan(0);
      expect(nodes).toEqual([expect.objectContaining({ isDraining: false })]);
      expect(isInMaintenance).toBe(false);
    });

    test('puts all of it to sleep, twice over, and leaves tasks as they are', async () => {
      const { unfinishedTasks } = await on.copy.awake();
      await on.copy.putToSleep();
      await on.copy.putToSleep();
      expect(await on.copy.awake()).toEqual({
        sleepers: [],
        unfinishedTasks,
        nodes: [expect.objectContaining({ isDraining: true })],
        isInMaintenance: true,
      });
    });
  });

  describe(`${name}: API keys`, () => {
    const hashes = async (): Promise<string[]> =>
      (await on.rows<{ hash: string }>('SELECT ApiKeyHashed AS hash FROM ApiKey')).map(({ hash }) => hash).toSorted();

    test('of the user are those of the source: what was revoked there is gone here, others’ stay', async () => {
      const before = await hashes();
      const own = new Set((await on.rows<{ hash: string }>(ownKeys(on.source.userId))).map(({ hash }) => hash));
      const renewed = await on.renewKeys();
      for (let times = 0; times < 2; times += 1) {
        expect(await on.copy.carryApiKeys(on.source)).toBe(renewed.length);
        expect(await hashes()).toEqual([...before.filter((hash) => !own.has(hash)), ...renewed].toSorted());
      }
    });

    test('are not given to somebody else: an unknown user is null, and nothing changes', async () => {
      const before = await hashes();
      expect(await on.copy.carryApiKeys({ ...on.source, userId: on.source.strangerId })).toBeNull();
      expect(await hashes()).toEqual(before);
    });
  });

  describe(`${name}: quarantine`, () => {
    test('makes the copy harmless, item by item, and says the same when it is asked again', async () => {
      const identity = "SELECT [JSON] AS json FROM Configuration WHERE Id = 'upgradeavailability'";
      const before = await on.rows(identity);
      const tasks = await count(UNFINISHED);
      const items = await on.copy.quarantine();
      expect(await on.copy.quarantine()).toEqual(items);
      const counts = Object.fromEntries(items.map(({ what, count: found }) => [what, found]));
      expect(counts).toMatchObject({ ServerTask: tasks, OctopusServerNode: 1, InstallationId: 1, 'mail server': 1 });
      for (const table of ['Machine', 'Worker', 'ProjectTrigger', 'Subscription'])
        expect(await count(`SELECT Id FROM ${table} WHERE IsDisabled = 0`)).toBe(0);
      expect(await count(UNFINISHED)).toBe(0);
      expect(await count('SELECT Id FROM OctopusServerNode')).toBe(0);
      expect(await count("SELECT Id FROM ExtensionConfiguration WHERE Id = 'jira-integration'")).toBe(0);
      expect(await on.rows(identity)).not.toEqual(before);
      expect(await on.copy.awake()).toMatchObject({
        sleepers: [],
        unfinishedTasks: [],
        nodes: [],
        isInMaintenance: true,
      });
      const settings = await on.rows<{ json: string }>('SELECT [JSON] AS json FROM Configuration');
      expect(settings.some(({ json }) => json.includes('"SmtpHost":""'))).toBe(true);
    });
  });

  test(`${name}: counts what came later, and nothing before`, async () => {
    expect(await on.copy.newerThan(on.newer.since)).toEqual(on.newer.counts);
    expect(Object.values(await on.copy.newerThan('2099-01-01T00:00:00Z'))).toEqual([0, 0, 0, 0, 0]);
  });
};

const UNFINISHED = "SELECT Id FROM ServerTask WHERE State IN ('New', 'Queued', 'Executing', 'Cancelling')";
const ownKeys = (userId: string): string => `SELECT ApiKeyHashed AS hash FROM ApiKey WHERE UserId = '${userId}'`;
