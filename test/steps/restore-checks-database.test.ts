/** What stands against bringing the database back, each named before anything is begun. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import type { Instance } from '../../lib/domain/instance.ts';
import type { DatabaseDescription, SqlServer, SqlServerDescription } from '../../lib/ports/sql-server.ts';
import { DATABASE_QUESTIONS, type DatabaseAsked } from '../../lib/steps/parts/restore-checks-database.ts';

let share: string;
beforeAll(() => {
  share = mkdtempSync(join(tmpdir(), 'octo-share-'));
});
afterAll(() => rmSync(share, { recursive: true }));

const COLLATION = 'SQL_Latin1_General_CP1_CI_AS';
const described = { version: '16.0.4000.1', majorVersion: 16, collation: COLLATION, isRds: false };
const RIGHTS = { canBackUp: true, canRestore: true, canViewServerState: true };
const PRESENT = { state: 'ONLINE', isInAvailabilityGroup: false };

type Answers = {
  server?: Partial<SqlServerDescription>;
  rights?: Partial<typeof RIGHTS>;
  present?: Partial<DatabaseDescription> | null;
  freeBytes?: number | null;
};

const planning = (answers: Answers, { parts = 'all', workerPath = share, bytes = 1000 } = {}): DatabaseAsked => {
  const { server, rights, present = {}, freeBytes = null } = answers;
  const sqlServer: Partial<SqlServer> = {
    describe: async () => ({ ...described, ...server }) as SqlServerDescription,
    rights: async () => ({ ...RIGHTS, ...rights }),
    database: async () => (present === null ? null : ({ ...PRESENT, ...present } as DatabaseDescription)),
    freeBytes: async () => ({ data: freeBytes, log: null }),
  };
  return {
    world: { sqlServer: async () => sqlServer as SqlServer },
    instance: {
      name: 'prod',
      database: { name: 'Octopus', share: { sqlServerPath: workerPath, workerPath } },
    } as Instance,
    manifest: {
      dump: { sqlServer: { version: '15.0.2000.5', collation: COLLATION }, fileBytes: bytes },
      database: { sizeBytes: bytes },
    } as Manifest,
    parts: parts as DatabaseAsked['parts'],
  };
};
const refusals = async (asked: DatabaseAsked): Promise<string[]> =>
  (await Promise.all(DATABASE_QUESTIONS.map((question) => question(asked)))).flat();

describe('the questions about the database', () => {
  test('find nothing against a target that fits, also where its database is gone', async () => {
    expect(await refusals(planning({ freeBytes: 1e12 }))).toEqual([]);
    expect(await refusals(planning({ present: null }))).toEqual([]);
  });

  test.each<[string, Answers, RegExp]>([
    ['an older SQL Server', { server: { version: '14.0.1', majorVersion: 14 } }, /older and cannot read it/],
    ['another collation', { server: { collation: 'Latin1_General_CS_AS' } }, /has Latin1_General_CS_AS/],
    ['Amazon RDS', { server: { isRds: true } }, /not supported yet/],
    ['a login that may not restore', { rights: { canRestore: false } }, /grant it dbcreator/],
    ['a login that sees no sessions', { rights: { canViewServerState: false } }, /grant it VIEW SERVER STATE/],
    ['an availability group', { present: { isInAvailabilityGroup: true } }, /availability group/],
    ['a database that is suspect', { present: { state: 'SUSPECT' } }, /"Octopus" is SUSPECT/],
    ['a full volume', { freeBytes: 999 }, /not enough space on the data volume of SQL Server/],
  ])('refuse %s', async (_what, answers, phrase) => {
    const found = await refusals(planning(answers));
    expect(found).toEqual([expect.stringMatching(phrase)]);
    expect(await refusals(planning(answers, { parts: 'folders' }))).toEqual([]);
  });

  test('refuse a share that cannot be written to, or has no room', async () => {
    expect(await refusals(planning({}, { workerPath: join(share, 'none') }))).toEqual([
      expect.stringMatching(/the share .* cannot be used by the worker \(ENOENT\)/),
    ]);
    expect(await refusals(planning({}, { bytes: 1e18 }))).toEqual([
      expect.stringMatching(/not enough space on the share .*: needs 1000000000.0 GB/),
    ]);
  });
});
