/**
 * What every adapter of `SqlServer` must do, on a server with a database that holds a few hundred pages.
 * `open` gives the adapter, the name of that database and a path for a new file on the server's own disk.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DatabaseDescription, SqlServer, Watch } from '../../lib/ports/sql-server.ts';

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

  describe(`${name}: restoring`, () => {
    /** Databases of this test go when it ends. */
    const made: string[] = [];
    afterEach(async () => {
      for (const one of made.splice(0)) await sqlServer.drop(one);
    });
    let number = 0;
    const newName = (): string => {
      made.push(`octo_contract_${(number += 1)}`);
      return made.at(-1)!;
    };
    const restoreAs = async (path: string, target = newName(), watch: Watch = {}): Promise<string> => {
      await sqlServer.restore({ path, database: target, name: 'run_contract load' }, watch);
      return target;
    };
    const described = async (one: string): Promise<DatabaseDescription> => (await sqlServer.database(one))!;

    test('lists the files that the backup becomes, and what room there is for them', async () => {
      const path = newPath();
      await backUp(path);
      const files = await sqlServer.readFileList(path);
      expect(files.map(({ type }) => type)).toEqual(['D', 'L']);
      expect(files[0]!.sizeBytes).toBeGreaterThanOrEqual((await described(database)).allocatedBytes);
      expect(files.every(({ logicalName, physicalName }) => logicalName !== '' && physicalName !== '')).toBe(true);
      const { data, log } = await sqlServer.freeBytes();
      expect(Math.min(data!, log!)).toBeGreaterThan(0);
    });

    test('brings a backup in beside its source, as a database of its own', async () => {
      const path = newPath();
      await backUp(path);
      const percents: number[] = [];
      const target = await restoreAs(path, newName(), { onProgress: (percent) => percents.push(percent) });
      expect(percents.at(-1)).toBe(100);
      const [source, restored] = [await described(database), await described(target)];
      expect(restored).toMatchObject({ state: 'ONLINE', familyGuid: source.familyGuid, collation: source.collation });
      expect(restored.guid).not.toBe(source.guid);
      await sqlServer.checkDatabase(target, {});
      expect(await sqlServer.isRestoring({ name: 'run_contract load' })).toBe(false);
    });

    test('goes over no database, not even its own', async () => {
      const path = newPath();
      await backUp(path);
      const { guid } = await described(database);
      await expect(restoreAs(path, database)).rejects.toMatchObject({ code: 'DatabaseExists' });
      const target = await restoreAs(path);
      await expect(restoreAs(path, target)).rejects.toMatchObject({ code: 'DatabaseExists' });
      expect((await described(database)).guid).toBe(guid);
    });

    test('says which thing is missing, and leaves nothing behind', async () => {
      const path = newPath();
      const target = newName();
      await expect(restoreAs(path, target)).rejects.toMatchObject({ code: 'BackupFileMissing' });
      await expect(sqlServer.readFileList(path)).rejects.toMatchObject({ code: 'BackupFileMissing' });
      expect(await sqlServer.database(target)).toBeNull();
    });

    test('lists databases by the beginning of their names', async () => {
      const path = newPath();
      await backUp(path);
      const targets = [await restoreAs(path), await restoreAs(path)];
      const found = await sqlServer.databases('octo_contract_');
      expect(found.map((one) => one.name)).toEqual(targets.toSorted());
      expect(await sqlServer.databases('octo?contract')).toEqual([]);
    });

    test('renames by guid: again is no error, and another database under the name is refused', async () => {
      const path = newPath();
      await backUp(path);
      const [one, other, free] = [await restoreAs(path), await restoreAs(path), newName()];
      const { guid } = await described(one);
      const renamed = { from: one, to: free, guid };
      await sqlServer.rename(renamed);
      await sqlServer.rename(renamed);
      expect(await sqlServer.database(one)).toBeNull();
      expect((await described(free)).guid).toBe(guid);
      await expect(sqlServer.rename({ from: other, to: one, guid })).rejects.toMatchObject({ code: 'DatabaseSwapped' });
      await expect(sqlServer.rename({ from: free, to: other, guid })).rejects.toMatchObject({ code: 'DatabaseExists' });
      await expect(sqlServer.rename({ from: one, to: newName(), guid })).rejects.toMatchObject({
        code: 'DatabaseUnknown',
      });
    });

    test('gives a copy the owner and the switches of another', async () => {
      const path = newPath();
      await backUp(path);
      const target = await restoreAs(path);
      const { owner } = await described(target);
      const wanted = { owner, isTrustworthy: true, isBrokerEnabled: true };
      await sqlServer.configure(target, wanted);
      await sqlServer.configure(target, wanted);
      expect(await described(target)).toMatchObject(wanted);
    });

    test('drops a database, and one that is not there', async () => {
      const path = newPath();
      await backUp(path);
      const target = await restoreAs(path);
      await sqlServer.drop(target);
      await sqlServer.drop(target);
      expect(await sqlServer.database(target)).toBeNull();
    });
  });
};
