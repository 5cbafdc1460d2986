import { join } from 'node:path';
import mssql from 'mssql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sqlServerTds } from '../../lib/adapters/sql-server.tds.ts';
import { knownNumbers, translated } from '../../lib/adapters/tds/sql-server-errors.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { SqlServer } from '../../lib/ports/sql-server.ts';
import { noFaults } from '../../sandbox/sql-server/instance.ts';
import { jumpingClock } from '../clock.ts';
import { sqlServerContract } from '../contracts/sql-server.ts';
import { makeSample, PASSWORD, startPlace } from '../sandbox/sql-server-place.ts';
import type { Place } from '../sandbox/sql-server-place.ts';

let place: Place;
let sqlServer: SqlServer;
let files = 0;
const newPath = (): string => join(place.directory, `${(files += 1)}.bak`);

beforeAll(async () => {
  // The server's clock is two hours ahead, as one in another zone would be.
  place = await startPlace({
    utcOffsetMinutes: 120,
    logins: { octo: PASSWORD, weak: { password: 'weak', roles: ['public'] } },
  });
  await makeSample(place);
  sqlServer = sqlServerTds({ connectionString: place.connectionString(), stallSeconds: 60 });
});
afterEach(() => void Object.assign(place.server.faults, noFaults()));
afterAll(async () => {
  await sqlServer.close();
  await place.stop();
});

sqlServerContract('tds', async () => ({ sqlServer, database: 'Sample', newPath }));

const request = (name: string, path = newPath()) => ({ database: 'Sample', path, name, isCompressed: false });
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (thrown: { code: string }) => thrown.code,
  );
const open = (text: string) => sqlServerTds({ connectionString: new Secret(text), stallSeconds: 60 });

/** What `work` says when asked with another connection string. */
const describedWith = async (extra: string, replace: [string, string] = ['', '']): Promise<string> => {
  const other = open(
    place
      .connectionString(extra)
      .reveal()
      .replace(...replace),
  );
  const code = await codeOf(other.describe());
  await other.close();
  return code;
};

describe('the connection', () => {
  test.each([
    ['Server=x;Integrated Security=SSPI', 'WindowsLoginUnsupported'],
    ['Server=x;Trusted_Connection=yes', 'WindowsLoginUnsupported'],
    ['Server=x;User Id=u', 'DatabaseConnectionInvalid'],
    ['Server=np:x;User Id=u;Password=p', 'DatabaseConnectionInvalid'],
    ['nonsense', 'DatabaseConnectionInvalid'],
  ])('refuses %s', (text, code) => {
    expect(() => open(text)).toThrow(expect.objectContaining({ code }));
  });

  test('encrypts unless told otherwise, and believes no certificate by itself', async () => {
    expect(await describedWith('')).toBe('DatabaseEncryptionRefused');
    expect(await describedWith('TrustServerCertificate=true')).toBe('none');
    expect(await describedWith('Encrypt=false')).toBe('none');
  });

  test('says why a login failed, without the password', async () => {
    expect(await describedWith('Encrypt=false', ['octo', 'nobody'])).toBe('DatabaseLoginRefused');
    expect(await describedWith('Encrypt=false', [String(place.server.port), '1'])).toBe('DatabaseUnreachable');
    const other = open('Server=127.0.0.1,1;User Id=u;Password=topsecret');
    const error: unknown = await other.describe().catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error)).not.toContain('topsecret');
  });

  test('tells a login without rights what it lacks', async () => {
    const weak = open(`Server=127.0.0.1,${place.server.port};User Id=weak;Password=weak;Encrypt=false`);
    expect(await weak.rights('Sample')).toEqual({ canBackUp: false, canRestore: false, canViewServerState: false });
    expect(await codeOf(weak.isBackingUp({ database: 'Sample', name: 'x' }))).toBe('DatabaseRightsMissing');
    expect(await codeOf(weak.readHeader('x.bak'))).toBe('DatabaseRightsMissing');
    expect(await codeOf(weak.backUp(request('x'), {}))).toBe('DatabaseNotAccessible');
    await weak.close();
  });
});

describe('logins', () => {
  test('name role members and their logins, and orphans by the missing login', async () => {
    await place.query("CREATE LOGIN app WITH PASSWORD = N'x', SID = 0x0102030405060708090A0B0C0D0E0F10");
    await place.query('USE Sample; CREATE USER app FOR LOGIN app; ALTER ROLE db_datareader ADD MEMBER app; USE master');
    expect((await sqlServer.logins('Sample')).find(({ user }) => user === 'app')).toEqual({
      user: 'app',
      login: 'app',
      sid: '0x0102030405060708090A0B0C0D0E0F10',
      type: 'SQL_USER',
      defaultDatabase: 'master',
      roles: ['db_datareader'],
      serverRoles: [],
    });
    const path = newPath();
    await sqlServer.backUp(request('run_moved', path), {});
    const elsewhere = await startPlace();
    const moved = `RESTORE DATABASE Sample FROM DISK = @path WITH MOVE N'Sample' TO N'${elsewhere.directory}/s.mdf', MOVE N'Sample_log' TO N'${elsewhere.directory}/s.ldf'`;
    await elsewhere.query(moved, { path });
    const other = sqlServerTds({ connectionString: elsewhere.connectionString(), stallSeconds: 60 });
    const user = (await other.logins('Sample')).find(({ user }) => user === 'app');
    expect(user).toMatchObject({ login: null, roles: ['db_datareader'] });
    await other.close();
    await elsewhere.stop();
  });
});

describe('a backup that does not end well', () => {
  test('full disk, and the piece that is left is known for one', async () => {
    place.server.faults.diskFullAtPercent = 50;
    const { path, ...rest } = request('run_full');
    expect(await codeOf(sqlServer.backUp({ path, ...rest }, {}))).toBe('DatabaseDiskFull');
    expect(await codeOf(sqlServer.readHeader(path))).toBe('BackupIncomplete');
    expect(await codeOf(sqlServer.verifyBackup(path, {}))).toBe('BackupIncomplete');
  });

  test('the connection breaks and the work with it', async () => {
    place.server.faults.dropAtPercent = 50;
    expect(await codeOf(sqlServer.backUp(request('run_cut'), {}))).toBe('DatabaseConnectionLost');
    place.server.faults.dropAtPercent = null;
    await expect.poll(() => codeOf(sqlServer.backUp(request('run_cut'), {}))).toBe('none');
  });

  test('the connection breaks and SQL Server goes on: the history decides', async () => {
    Object.assign(place.server.faults, { dropAtPercent: 50, isWorkKeptAfterDrop: true });
    const { path, ...rest } = request('run_kept');
    const result = await sqlServer.backUp({ path, ...rest }, {});
    place.server.faults.dropAtPercent = null;
    expect(await sqlServer.readHeader(path)).toMatchObject(result);
  });

  test('somebody kills the session', async () => {
    place.server.faults.killAtPercent = 50;
    expect(await codeOf(sqlServer.backUp(request('run_killed'), {}))).toBe('BackupStopped');
  });

  test('cancelled by us: seen while it runs, stopped in SQL Server', async () => {
    place.server.faults.stallAtPercent = 40;
    const reason = new Error('cancelled');
    const cancel = new AbortController();
    const halfway = Promise.withResolvers<void>();
    const work = sqlServer.backUp(request('run_cancelled'), {
      signal: cancel.signal,
      onProgress: (percent) => percent >= 40 && halfway.resolve(),
    });
    await halfway.promise;
    expect(await sqlServer.isBackingUp({ database: 'Sample', name: 'run_cancelled' })).toBe(true);
    expect(await codeOf(sqlServer.backUp(request('run_second'), {}))).toBe('DatabaseBusy');
    cancel.abort(reason);
    await expect(work).rejects.toBe(reason);
    expect(await sqlServer.isBackingUp({ database: 'Sample', name: 'run_cancelled' })).toBe(false);
    place.server.faults.stallAtPercent = null;
    expect(await codeOf(sqlServer.backUp(request('run_after'), {}))).toBe('none');
  });

  test('no progress: stopped after the limit, and said so', async () => {
    place.server.faults.stallAtPercent = 40;
    const impatient = sqlServerTds({
      connectionString: place.connectionString(),
      stallSeconds: 600,
      clock: jumpingClock(),
    });
    expect(await codeOf(impatient.backUp(request('run_stalled'), {}))).toBe('DatabaseStalled');
    expect(await impatient.isBackingUp({ database: 'Sample', name: 'run_stalled' })).toBe(false);
    await impatient.close();
  });

  test('a page damaged on its way is found by verification', async () => {
    place.server.faults.damagedPage = 12;
    const { path, ...rest } = request('run_damaged');
    await sqlServer.backUp({ path, ...rest }, {});
    expect(await codeOf(sqlServer.verifyBackup(path, {}))).toBe('BackupDamaged');
  });
});

describe('a restore that does not end well', () => {
  const SCRATCH = 'octo_run_scratch';
  afterEach(async () => {
    Object.assign(place.server.faults, noFaults());
    await sqlServer.drop(SCRATCH);
  });
  const restore = (path: string, watch = {}) =>
    sqlServer.restore({ path, database: SCRATCH, name: 'run_restore load' }, watch);
  const backedUp = async (): Promise<string> => {
    const { path, ...rest } = request('run_for_restore');
    await sqlServer.backUp({ path, ...rest }, {});
    return path;
  };
  const stateOf = async () => (await sqlServer.database(SCRATCH))?.state ?? null;

  test('the connection breaks and the work with it: the next attempt goes over what is left', async () => {
    const path = await backedUp();
    place.server.faults.dropAtPercent = 50;
    expect(await codeOf(restore(path))).toBe('DatabaseConnectionLost');
    expect(await stateOf()).toBe('RESTORING');
    place.server.faults.dropAtPercent = null;
    await expect.poll(() => codeOf(restore(path))).toBe('none');
    expect(await stateOf()).toBe('ONLINE');
  });

  test('the connection breaks and SQL Server goes on: the database decides', async () => {
    const path = await backedUp();
    Object.assign(place.server.faults, { dropAtPercent: 50, isWorkKeptAfterDrop: true });
    await restore(path);
    expect(await stateOf()).toBe('ONLINE');
  });

  test('somebody kills the session', async () => {
    const path = await backedUp();
    place.server.faults.killAtPercent = 50;
    expect(await codeOf(restore(path))).toBe('BackupStopped');
  });

  test('cancelled by us: seen while it runs, stopped in SQL Server, and its piece can be dropped', async () => {
    const path = await backedUp();
    place.server.faults.stallAtPercent = 40;
    const cancel = new AbortController();
    const halfway = Promise.withResolvers<void>();
    const onProgress = (percent: number) => percent >= 40 && halfway.resolve();
    const work = restore(path, { signal: cancel.signal, onProgress });
    await halfway.promise;
    expect(await sqlServer.isRestoring({ name: 'run_restore load' })).toBe(true);
    expect(await codeOf(sqlServer.drop(SCRATCH))).toBe('DatabaseInUse');
    cancel.abort(new Error('cancelled'));
    await expect(work).rejects.toThrow('cancelled');
    expect(await sqlServer.isRestoring({ name: 'run_restore load' })).toBe(false);
    await sqlServer.drop(SCRATCH);
    expect(await stateOf()).toBeNull();
  });

  test('no progress: stopped after the limit', async () => {
    const path = await backedUp();
    place.server.faults.stallAtPercent = 40;
    const impatient = sqlServerTds({
      connectionString: place.connectionString(),
      stallSeconds: 600,
      clock: jumpingClock(),
    });
    const work = impatient.restore({ path, database: SCRATCH, name: 'run_stalled load' }, {});
    expect(await codeOf(work)).toBe('DatabaseStalled');
    await impatient.close();
  });

  test('a damaged page', async () => {
    place.server.faults.damagedPage = 12;
    const path = await backedUp();
    expect(await codeOf(restore(path))).toBe('BackupDamaged');
  });

  test('not enough room on the volume, said before anything is written', async () => {
    const path = await backedUp();
    place.server.faults.freeBytes = 100_000;
    expect(await sqlServer.freeBytes()).toEqual({ data: 100_000, log: 100_000 });
    expect(await codeOf(restore(path))).toBe('DatabaseDiskFull');
    expect(await stateOf()).toBeNull();
  });

  test('a backup of a newer SQL Server', async () => {
    const newer = await startPlace({ majorVersion: 17 });
    await newer.query('CREATE DATABASE Younger');
    const path = newPath();
    await newer.query('BACKUP DATABASE Younger TO DISK = @path WITH COPY_ONLY, CHECKSUM, FORMAT, INIT', { path });
    await newer.stop();
    expect(await codeOf(restore(path))).toBe('BackupNewer');
    expect(await stateOf()).toBeNull();
  });

  test('damage that DBCC CHECKDB finds', async () => {
    await restore(await backedUp());
    place.server.faults.corruptPrefix = SCRATCH;
    await expect(sqlServer.checkDatabase(SCRATCH, {})).rejects.toMatchObject({
      code: 'DatabaseDamaged',
      facts: { number: 8939 },
    });
    expect(await codeOf(sqlServer.checkDatabase('octo_run_none', {}))).toBe('DatabaseUnknown');
  });

  test('a login without rights', async () => {
    const path = await backedUp();
    const weak = open(`Server=127.0.0.1,${place.server.port};User Id=weak;Password=weak;Encrypt=false`);
    const work = weak.restore({ path, database: SCRATCH, name: 'x' }, {});
    expect(await codeOf(work)).toBe('DatabaseRightsMissing');
    expect(await weak.freeBytes()).toEqual({ data: null, log: null });
    await weak.close();
  });
});

describe('a rename that does not end well', () => {
  const [ONE, OTHER] = ['octo_one', 'octo_other'];
  let guid: string;
  beforeEach(async () => {
    await place.query(`CREATE DATABASE ${ONE}`);
    guid = (await sqlServer.database(ONE))!.guid;
  });
  afterEach(async () => {
    await place.query('USE master');
    for (const name of [ONE, OTHER]) await sqlServer.drop(name);
  });
  const accessOf = async (name: string): Promise<unknown> =>
    (
      await place.query<{ access: string }>(
        `SELECT user_access_desc AS access FROM sys.databases WHERE name = '${name}'`,
      )
    ).recordset[0]?.access;

  test('others at work in it are ended', async () => {
    const user = await new mssql.ConnectionPool(`${place.connectionString().reveal()};Database=${ONE}`).connect();
    await sqlServer.rename({ from: ONE, to: OTHER, guid });
    expect(await accessOf(OTHER)).toBe('MULTI_USER');
    await user.close();
  });

  test('killed after single-user mode, or after the rename: called again it is done, and open to all', async () => {
    await place.query(`ALTER DATABASE ${ONE} SET SINGLE_USER WITH ROLLBACK IMMEDIATE`);
    await sqlServer.rename({ from: ONE, to: OTHER, guid });
    expect(await accessOf(OTHER)).toBe('MULTI_USER');
    await place.query(`ALTER DATABASE ${OTHER} SET SINGLE_USER WITH ROLLBACK IMMEDIATE`);
    await sqlServer.rename({ from: ONE, to: OTHER, guid });
    expect(await accessOf(OTHER)).toBe('MULTI_USER');
  });

  test.each(['SINGLE_USER', 'MODIFY NAME', 'MULTI_USER'])(
    'the connection breaks after %s: it is open to its users again, and the next call goes on',
    async (words) => {
      place.server.faults.dropAfterWords = words;
      expect(await codeOf(sqlServer.rename({ from: ONE, to: OTHER, guid }))).toBe('DatabaseConnectionLost');
      place.server.faults.dropAfterWords = null;
      const name = words === 'SINGLE_USER' ? ONE : OTHER;
      expect((await sqlServer.database(name))?.guid).toBe(guid);
      expect(await accessOf(name)).toBe('MULTI_USER');
      await sqlServer.rename({ from: ONE, to: OTHER, guid });
      expect((await sqlServer.database(OTHER))?.guid).toBe(guid);
    },
  );

  test('the name is taken in the last moment: it is open to its users again', async () => {
    await place.query(`CREATE DATABASE [${OTHER}]`);
    const late = sqlServerTds({ connectionString: place.connectionString(), stallSeconds: 60 });
    expect(await codeOf(late.rename({ from: ONE, to: OTHER, guid }))).toBe('DatabaseExists');
    expect(await accessOf(ONE)).toBe('MULTI_USER');
    await late.close();
  });
});

describe('users of a restored database', () => {
  const COPY = 'octo_users';
  beforeAll(async () => {
    for (const login of ['dora', 'emil', 'frida']) await place.query(`CREATE LOGIN ${login} WITH PASSWORD = N'x'`);
    await place.query(`CREATE DATABASE ${COPY}; USE ${COPY}`);
    for (const user of ['dora', 'emil', 'gone']) {
      if (user === 'gone') await place.query("CREATE LOGIN gone WITH PASSWORD = N'x'");
      await place.query(`CREATE USER ${user} FOR LOGIN ${user}`);
    }
    await place.query('USE master');
    // As on another server: the same names with other SIDs, and one login that is not there.
    for (const login of ['dora', 'emil']) await place.query(`CREATE LOGIN ${login} WITH PASSWORD = N'x'`);
    await place.query('DROP LOGIN gone');
  });
  afterAll(() => sqlServer.drop(COPY));

  test('are joined with the logins of their names; those without one are named', async () => {
    const repair = await sqlServer.repairUsers(COPY, { ownerLogin: null });
    expect(repair).toEqual({ repaired: ['dora', 'emil'], orphaned: ['gone'], owner: 'not-asked' });
    const again = await sqlServer.repairUsers(COPY, { ownerLogin: null });
    expect(again).toEqual({ repaired: [], orphaned: ['gone'], owner: 'not-asked' });
    const logins = await sqlServer.logins(COPY);
    expect(logins.filter(({ user }) => user !== 'dbo').map(({ login }) => login)).toEqual(['dora', 'emil', null]);
  });

  test('the login of the server is made db_owner: as a user that is there, or as a new one', async () => {
    for (const ownerLogin of ['dora', 'frida']) {
      expect((await sqlServer.repairUsers(COPY, { ownerLogin })).owner).toBe('granted');
      expect((await sqlServer.repairUsers(COPY, { ownerLogin })).owner).toBe('was');
      expect((await sqlServer.logins(COPY)).find(({ login }) => login === ownerLogin)?.roles).toContain('db_owner');
    }
    expect((await sqlServer.repairUsers(COPY, { ownerLogin: 'octo' })).owner).toBe('was');
    expect(await codeOf(sqlServer.repairUsers(COPY, { ownerLogin: 'nobody' }))).toBe('OwnerNotGranted');
  });

  test('a login that is a user in it does not become its owner', async () => {
    const wanted = { owner: 'emil', isTrustworthy: false, isBrokerEnabled: false };
    expect(await codeOf(sqlServer.configure(COPY, wanted))).toBe('DatabaseOwnerRefused');
    await sqlServer.configure(COPY, { ...wanted, owner: 'sa' });
    expect((await sqlServer.database(COPY))?.owner).toBe('sa');
  });
});

describe('error numbers', () => {
  const thrown = (...errors: [number: number, message: string][]) => {
    const all = errors.map(([number, message]) => Object.assign(new Error(message), { number }));
    return Object.assign(all.at(-1) ?? new Error('none'), { precedingErrors: all.slice(0, -1) });
  };

  test('at least 25 have a code of their own', () => {
    expect(new Set(knownNumbers).size).toBe(knownNumbers.length);
    expect(knownNumbers.length).toBeGreaterThanOrEqual(25);
    for (const number of knownNumbers) {
      const error = translated(thrown([number, 'text'], [3013, 'terminating']), { what: 'backup' });
      expect(['DatabaseError', 'Bug']).not.toContain(error.code);
      expect(error.facts).toEqual({ number });
    }
  });

  test.each([
    ['Operating system error 5(Access is denied.).', 'BackupFolderDenied'],
    ['Betriebssystemfehler 3(Das System kann den Pfad nicht finden.).', 'BackupFolderMissing'],
    ['Write on "D:\\x.bak" failed: 112(There is not enough space on the disk.)', 'DatabaseDiskFull'],
    ['Operating system error 1117(…).', 'BackupDeviceFailed'],
  ])('a device error is told by its operating system number: %s', (message, code) => {
    expect(translated(thrown([3201, message], [3013, 'terminating']), { what: 'backup' }).code).toBe(code);
  });

  test('an unknown number is named, and is never 3013 when there is another', () => {
    const error = translated(thrown([4711, 'strange'], [3013, 'terminating']), { what: 'backup' });
    expect(error).toMatchObject({ code: 'DatabaseError', message: 'backup failed: strange', facts: { number: 4711 } });
  });
});
