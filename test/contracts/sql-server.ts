/**
 * What every adapter of `SqlServer` must do, on a server with a database that holds a few hundred pages.
 * `open` gives the adapter, the name of that database and a path for a new file on the server's own disk.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { SqlServer } from '../../lib/ports/sql-server.ts';

export type SqlServerUnderTest = { sqlServer: SqlServer; database: string; newPath: () => string };

export const sqlServerContract = (name: string, open: () => Promise<SqlServerUnderTest>): void => {
  let sqlServer: SqlServer;
  let database: string;
  let newPath: () => string;
  beforeEach(async () => {
    ({ sqlServer, database, newPath } = await open());
  });

  const backUp = async (path: string, name = 'run_contract') => {
    const percents: number[] = [];
    const request = { database, path, name, isCompressed: false };
    const result = await sqlServer.backUp(request, { onProgress: (percent) => percents.push(percent) });
    return { percents, result };
  };

  describe(`${name}: looking`, () => {
    test('describes the server', async () => {
      const description = await sqlServer.describe();
      expect(description.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(description.majorVersion).toBe(Number.parseInt(description.version, 10));
      expect(description.engineEdition).toBeGreaterThan(0);
      // UTC, whatever zone the server is in.
      expect(Math.abs(Date.parse(description.utcNow) - Date.now())).toBeLessThan(600_000);
    });

    test('describes a database, under any case of its name', async () => {
      const description = await sqlServer.database(database.toUpperCase());
      expect(description).toMatchObject({ name: database, state: 'ONLINE', isInAvailabilityGroup: false });
      expect(description?.guid).toMatch(/^[0-9A-F-]{36}$/);
      expect(description?.familyGuid).toMatch(/^[0-9A-F-]{36}$/);
      expect(description?.allocatedBytes).toBeGreaterThan(100 * 8192);
    });

    test('an unknown database is null', async () => {
      expect(await sqlServer.database('no ] such ; database')).toBeNull();
    });

    test('names the rights of the login', async () => {
      expect(await sqlServer.rights(database)).toEqual({ canBackUp: true, canRestore: true, canViewServerState: true });
      expect(await sqlServer.rights('nowhere')).toMatchObject({ canBackUp: false });
    });

    test('lists users with their logins and roles', async () => {
      const logins = await sqlServer.logins(database);
      expect(logins.find(({ user }) => user === 'dbo')).toMatchObject({
        sid: expect.stringMatching(/^0x[0-9A-F]+$/),
        roles: ['db_owner'],
      });
    });
  });

  describe(`${name}: backing up`, () => {
    test('writes a file that verifies and whose header tells what it is', async () => {
      const path = newPath();
      const { percents, result } = await backUp(path);
      expect(percents).toEqual([...new Set(percents)].sort((a, b) => a - b));
      expect(percents.at(-1)).toBe(100);
      expect(Date.parse(result.finishedAt)).toBeGreaterThanOrEqual(Date.parse(result.startedAt));
      await sqlServer.verifyBackup(path, {});
      const header = await sqlServer.readHeader(path);
      const { familyGuid } = (await sqlServer.database(database))!;
      expect(header).toMatchObject({
        name: 'run_contract',
        database,
        hasChecksums: true,
        isDamaged: false,
        isCopyOnly: true,
        familyGuid,
      });
      expect(header).toMatchObject(result);
    });

    test('writes again to the same file, and the new set is the one', async () => {
      const path = newPath();
      await backUp(path, 'run_first');
      await backUp(path, 'run_second');
      expect((await sqlServer.readHeader(path)).name).toBe('run_second');
    });

    test('takes any name as a name', async () => {
      const name = `run_'; DROP DATABASE [${database}]; --`;
      const path = newPath();
      await backUp(path, name);
      expect((await sqlServer.readHeader(path)).name).toBe(name);
    });

    test('nothing runs under a name that never ran, or has ended', async () => {
      await backUp(newPath(), 'run_ended');
      expect(await sqlServer.isBackingUp({ database, name: 'run_ended' })).toBe(false);
      expect(await sqlServer.isBackingUp({ database, name: 'run_never' })).toBe(false);
    });

    test('says which thing is missing', async () => {
      const path = newPath();
      await expect(
        sqlServer.backUp({ database: 'nowhere', path, name: 'run_x', isCompressed: false }, {}),
      ).rejects.toMatchObject({ code: 'DatabaseUnknown' });
      await expect(backUp(`${path}/below/a/file.bak`)).rejects.toMatchObject({ code: 'BackupFolderMissing' });
      await expect(sqlServer.readHeader(path)).rejects.toMatchObject({ code: 'BackupFileMissing' });
      await expect(sqlServer.verifyBackup(path, {})).rejects.toMatchObject({ code: 'BackupFileMissing' });
    });

    test('does not begin what is cancelled already', async () => {
      const reason = new Error('not wanted any more');
      await expect(
        sqlServer.backUp(
          { database, path: newPath(), name: 'run_x', isCompressed: false },
          { signal: AbortSignal.abort(reason) },
        ),
      ).rejects.toBe(reason);
    });
  });
};
