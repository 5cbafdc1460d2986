import { createHash } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import mssql from 'mssql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serves, startSqlServer } from '../../sandbox/sql-server/server.ts';
import { makeSample, PASSWORD, ROWS, startPlace, sumOf } from './sql-server-place.ts';
import type { Place } from './sql-server-place.ts';

let place: Place;
beforeAll(async () => {
  place = await startPlace();
  await makeSample(place);
});
afterAll(() => place.stop());

const at = (name: string): string => join(place.directory, name);
const backUp = (name: string, options = 'COPY_ONLY, CHECKSUM, FORMAT, INIT') =>
  place.query(`BACKUP DATABASE Sample TO DISK = @path WITH ${options}`, { path: at(name) });
const restore = (path: string, rest = 'WITH REPLACE'): string =>
  `RESTORE DATABASE Sample FROM DISK = N'${path}' ${rest}`;

describe('what it serves', () => {
  test.each(serves)('$extent: $operation', async ({ example, extent, error }) => {
    await backUp('serves.bak');
    const failed = await place.errorsOf(example.replaceAll('{backup}', at('serves.bak')));
    expect(failed).toEqual(error === undefined ? [] : [error]);
    expect(extent === 'none' && error === undefined).toBe(false);
  });
});

describe('values', () => {
  const types: [string, unknown, unknown][] = [
    ['nvarchar(50)', 'Grüße 🐙', 'Grüße 🐙'],
    ['nvarchar(max)', 'x'.repeat(100_000), 'x'.repeat(100_000)],
    ['varbinary(max)', Buffer.alloc(70_000, 7), Buffer.alloc(70_000, 7)],
    ['int', -5, -5],
    ['bigint', '9007199254740993', '9007199254740993'],
    ['bit', true, true],
    ['float', 1.25, 1.25],
    ['uniqueidentifier', '6F9619FF-8B86-D011-B42D-00C04FC964FF', '6F9619FF-8B86-D011-B42D-00C04FC964FF'],
    ['datetime', new Date('2026-03-04T02:03:04.120Z'), new Date('2026-03-04T02:03:04.120Z')],
    ['datetimeoffset', new Date('2026-03-04T02:03:04.123Z'), new Date('2026-03-04T02:03:04.123Z')],
  ];

  test.each(types)('%s comes back, and so does its null', async (type, value, expected) => {
    await place.query(`CREATE TABLE Sample.dbo.Typed (Id int PRIMARY KEY, Value ${type} NULL)`);
    await place.query('INSERT INTO Sample.dbo.Typed VALUES (1, @value), (2, NULL)', { value });
    const { recordset } = await place.query<{ Value: unknown }>('SELECT Value FROM Sample.dbo.Typed ORDER BY Id');
    expect(recordset.map((row) => row.Value)).toEqual([expected, null]);
    await place.query('DROP TABLE Sample.dbo.Typed');
  });

  test('counts have the types of their functions', async () => {
    const { recordset } = await place.query('SELECT COUNT(*) AS a, COUNT_BIG(*) AS b FROM Sample.dbo.Thing');
    expect(recordset[0]).toEqual({ a: ROWS, b: String(ROWS) });
  });
});

describe('queries', () => {
  const T = 'Sample.dbo.Thing';
  test.each([
    [`SELECT TOP (1) t.* FROM ${T} t WITH (NOLOCK) WHERE 1 = 0`, []],
    [`SELECT TOP 2 Id * 2 AS twice FROM ${T} ORDER BY Id DESC`, [{ twice: 2 * ROWS }, { twice: 2 * ROWS - 2 }]],
    [`SELECT Id FROM ${T} ORDER BY Id OFFSET 2 ROWS FETCH NEXT 1 ROWS ONLY`, [{ Id: 3 }]],
    [`WITH few (n) AS (SELECT Id FROM ${T} WHERE Id <= 3) SELECT SUM(n) AS total FROM few`, [{ total: 6 }]],
    [`SELECT COUNT(*) AS n FROM ${T} a JOIN ${T} b ON b.Id = a.Id + 1`, [{ n: ROWS - 1 }]],
    [`SELECT N'[' + Name + N']' AS x FROM ${T} WHERE Id = 2`, [{ x: '[thing 1]' }]],
    [`SELECT Name FROM ${T} WHERE Name LIKE N'THING 1' AND Id IN (SELECT Id FROM ${T})`, [{ Name: 'thing 1' }]],
    [`SELECT CASE WHEN EXISTS (SELECT 1 FROM ${T}) THEN 'yes' ELSE 'no' END AS x`, [{ x: 'yes' }]],
    [`SELECT 1 AS a UNION ALL SELECT 2 ORDER BY a`, [{ a: 1 }, { a: 2 }]],
    [
      `SELECT LEN(N'ab ') AS l, LEFT(N'abc', 2) AS h, ISNULL(NULL, 3) AS i, CONVERT(int, N'4') AS c`,
      [{ l: 2, h: 'ab', i: 3, c: 4 }],
    ],
    [`SELECT COUNT(*) AS n FROM ${T} GROUP BY Id % 2 HAVING COUNT(*) > 1`, [{ n: ROWS / 2 }, { n: ROWS / 2 }]],
    [`SELECT name FROM sys.databases WHERE database_id = DB_ID(N'sample')`, [{ name: 'Sample' }]],
    [`SELECT TABLE_NAME FROM Sample.INFORMATION_SCHEMA.TABLES`, [{ TABLE_NAME: 'Thing' }]],
  ])('%.70s', async (sql, rows) => {
    expect((await place.query(sql)).recordset).toEqual(rows);
  });
});

describe('what it refuses', () => {
  test.each([
    ['SELEC 1', 102],
    ['SELECT 1 LIMIT 1', 102],
    ['PRAGMA user_version', 102],
    ["ATTACH DATABASE 'x' AS y", 102],
    ["SELECT 'open", 105],
    ['SELECT @missing', 137],
    ['SELECT substr(Name, 1, 2) FROM Sample.dbo.Thing', 195],
    ['SELECT Nothing FROM Sample.dbo.Thing', 207],
    ['SELECT 1 FROM Nowhere', 208],
    ['SELECT 1 FROM Sample.dbo.__principals', 208],
    ['SELECT 1 FROM Nowhere.dbo.Thing', 911],
    ['INSERT INTO Sample.dbo.Thing (Id) VALUES (1)', 2627],
    ['CREATE DATABASE Sample', 1801],
    ['CREATE TABLE Sample.dbo.Thing (Id int)', 2714],
    [`INSERT INTO Sample.dbo.Thing (Name) VALUES ${Array.from({ length: 1001 }, () => "('x')").join(',')}`, 10738],
    ['COMMIT', 3902],
  ])('%.60s', async (sql, number) => {
    expect(await place.errorsOf(sql)).toEqual([number]);
  });

  test('logins', async () => {
    const login = async (config: Partial<mssql.config>): Promise<string> =>
      new mssql.ConnectionPool({
        server: '127.0.0.1',
        port: place.server.port,
        user: 'octo',
        password: PASSWORD,
        options: { encrypt: false },
        ...config,
      })
        .connect()
        .then(
          () => 'none',
          (error: { code: string }) => error.code,
        );
    expect(await login({ password: 'wrong' })).toBe('ELOGIN');
    expect(await login({ user: 'octO2' })).toBe('ELOGIN');
    expect(await login({ options: { encrypt: true, trustServerCertificate: false } })).toBe('ESOCKET');
    const cryptoCredentialsDetails = { ca: place.server.certificate };
    const trusting = await new mssql.ConnectionPool({
      server: 'localhost',
      port: place.server.port,
      user: 'octo',
      password: PASSWORD,
      options: { encrypt: true, cryptoCredentialsDetails },
    }).connect();
    expect((await trusting.request().query('SELECT 1 AS one')).recordset).toEqual([{ one: 1 }]);
    await trusting.close();
  });
});

describe('transactions', () => {
  test('roll back what they did', async () => {
    const before = await sumOf(place);
    const transaction = new mssql.Transaction(place.pool);
    await transaction.begin();
    await new mssql.Request(transaction).query('DELETE FROM Sample.dbo.Thing');
    await transaction.rollback();
    expect(await sumOf(place)).toEqual(before);
  });

  test('hold back other writers until they end', async () => {
    const transaction = new mssql.Transaction(place.pool);
    await transaction.begin();
    await new mssql.Request(transaction).query("UPDATE Sample.dbo.Thing SET Name = N'first' WHERE Id = 1");
    const second = place.query("UPDATE Sample.dbo.Thing SET Name = N'second' WHERE Id = 1");
    await transaction.commit();
    await second;
    const { recordset } = await place.query('SELECT Name FROM Sample.dbo.Thing WHERE Id = 1');
    expect(recordset).toEqual([{ Name: 'second' }]);
  });

  test('a statement can be cancelled, and the connection stays usable', async () => {
    const request = place.pool.request();
    const waiting = request.query("WAITFOR DELAY '00:10:00'").catch((error: { code: string }) => error.code);
    await place.query('SELECT 1 AS one');
    request.cancel();
    expect(await waiting).toBe('ECANCEL');
    expect((await place.query('SELECT 1 AS one')).recordset).toEqual([{ one: 1 }]);
  });
});

describe('backup and restore', () => {
  test('bring back the rows as they were, while others wrote during the backup', async () => {
    const before = await sumOf(place);
    const request = place.pool.request().input('path', at('live.bak'));
    let isWritten = false;
    const writes: Promise<unknown>[] = [];
    request.on('info', ({ number }: { number: number }) => {
      if (number !== 3211 || isWritten) return;
      isWritten = true;
      writes.push(
        place.query("INSERT INTO Sample.dbo.Thing (Name) VALUES (N'later')"),
        place.query('CHECKPOINT').catch(() => {}),
      );
    });
    await request.query('BACKUP DATABASE Sample TO DISK = @path WITH COPY_ONLY, CHECKSUM, FORMAT, INIT, STATS = 5');
    await Promise.all(writes);
    expect((await sumOf(place))?.n).toBe((before?.n ?? 0) + 1);
    await place.query(restore(at('live.bak')));
    expect(await sumOf(place)).toEqual(before);
    expect(await place.errorsOf('DBCC CHECKDB (Sample) WITH NO_INFOMSGS')).toEqual([]);
  });

  test('a freed extent shifts the rest: most pages of the next dump are found in the one before', async () => {
    await backUp('before.bak');
    await place.query('DELETE FROM Sample.dbo.Thing WHERE Id BETWEEN 5 AND 9');
    await backUp('after.bak');
    const pagesIn = async (name: string): Promise<string[]> => {
      const bytes = await readFile(at(name));
      return Array.from({ length: Math.floor(bytes.length / 8192) }, (_, i) =>
        createHash('sha256')
          .update(bytes.subarray(i * 8192, (i + 1) * 8192))
          .digest('hex'),
      );
    };
    const [before, after] = [await pagesIn('before.bak'), await pagesIn('after.bak')];
    const known = new Set(before);
    expect(after.length).toBeLessThan(before.length);
    expect(after.filter((page) => known.has(page)).length / after.length).toBeGreaterThan(0.9);
    expect(after.filter((page, i) => page !== before[i] && known.has(page)).length).toBeGreaterThan(0);
    await place.query(restore(at('before.bak')));
  });

  test('beside the original, under another name, compressed', async () => {
    await backUp('packed.bak', 'COPY_ONLY, CHECKSUM, FORMAT, INIT, COMPRESSION');
    await place.query(
      `RESTORE DATABASE Beside FROM DISK = N'${at('packed.bak')}' WITH MOVE N'Sample' TO N'${at('beside.mdf')}', MOVE N'Sample_log' TO N'${at('beside.ldf')}'`,
    );
    expect(await sumOf(place, 'Beside')).toEqual(await sumOf(place));
    const { recordset } = await place.query<{ guid: string; family: string }>(
      "SELECT r.database_guid AS guid, r.family_guid AS family FROM sys.database_recovery_status r JOIN sys.databases d ON d.database_id = r.database_id WHERE d.name IN (N'Sample', N'Beside')",
    );
    expect(new Set(recordset.map(({ family }) => family)).size).toBe(1);
    expect(new Set(recordset.map(({ guid }) => guid)).size).toBe(2);
    await place.query('DROP DATABASE Beside');
  });

  test('a copy beside its source keeps nothing that would make the two one', async () => {
    await backUp('broker.bak');
    const move = `MOVE N'Sample' TO N'${at('copy.mdf')}', MOVE N'Sample_log' TO N'${at('copy.ldf')}'`;
    await place.query('ALTER DATABASE Sample SET ENABLE_BROKER');
    await place.query(`RESTORE DATABASE Copied FROM DISK = N'${at('broker.bak')}' WITH ${move}`);
    expect(await place.errorsOf('ALTER DATABASE Copied SET ENABLE_BROKER')).toEqual([9772]);
    expect(await place.errorsOf('ALTER DATABASE Copied SET NEW_BROKER WITH ROLLBACK IMMEDIATE')).toEqual([]);
    await place.query('ALTER DATABASE Copied MODIFY NAME = Renamed');
    expect(await place.errorsOf('ALTER AUTHORIZATION ON DATABASE::Renamed TO nobody')).toEqual([15151]);
    await place.query('DROP DATABASE Renamed; ALTER DATABASE Sample SET DISABLE_BROKER');
  });

  test('no room on the volume, or a file that another database has', async () => {
    await backUp('room.bak');
    const move = (name: string) =>
      `MOVE N'Sample' TO N'${at(`${name}.mdf`)}', MOVE N'Sample_log' TO N'${at(`${name}.ldf`)}'`;
    place.server.faults.freeBytes = 1000;
    const restore = `RESTORE DATABASE Roomy FROM DISK = N'${at('room.bak')}' WITH ${move('roomy')}`;
    expect(await place.errorsOf(restore)).toEqual([3257, 3119, 3013]);
    place.server.faults.freeBytes = null;
    await place.query('CREATE DATABASE Taken; ALTER DATABASE Taken MODIFY NAME = Moved');
    expect(await place.errorsOf('CREATE DATABASE Taken')).toEqual([5170, 1802]);
    await place.query('DROP DATABASE Moved');
  });

  test('are refused as SQL Server refuses them', async () => {
    await backUp('good.bak');
    const bytes = await readFile(at('good.bak'));
    await writeFile(at('empty.bak'), '');
    await writeFile(at('text.bak'), 'not a backup');
    await writeFile(at('short.bak'), bytes);
    await truncate(at('short.bak'), bytes.length - 100_000);
    bytes.fill(0xbd, 8192 * 20, 8192 * 20 + 64);
    await writeFile(at('damaged.bak'), bytes);
    await backUp('unchecked.bak', 'COPY_ONLY, FORMAT, INIT');
    await place.query('CREATE DATABASE Stranger');
    const verify = (name: string): string => `RESTORE VERIFYONLY FROM DISK = N'${at(name)}' WITH CHECKSUM`;
    expect(await place.errorsOf(verify('missing.bak'))).toEqual([3201, 3013]);
    expect(await place.errorsOf(verify('empty.bak'))).toEqual([3254, 3013]);
    expect(await place.errorsOf(verify('text.bak'))).toEqual([3241, 3013]);
    expect(await place.errorsOf(verify('short.bak'))).toEqual([3256, 3013]);
    expect(await place.errorsOf(verify('damaged.bak'))).toEqual([3189, 3013]);
    expect(await place.errorsOf(verify('unchecked.bak'))).toEqual([3187, 3013]);
    expect(await place.errorsOf(restore(at('good.bak'), ''))).toEqual([3159, 3013]);
    expect(await place.errorsOf(restore(at('good.bak'), '').replace('Sample', 'Stranger'))).toEqual([3154, 3013]);
    expect(await place.errorsOf(restore(at('good.bak')).replace('Sample', 'Third'))).toEqual([3156, 3013]);
  });

  test('are refused inside a transaction', async () => {
    const transaction = new mssql.Transaction(place.pool);
    await transaction.begin();
    const work = new mssql.Request(transaction).query("BACKUP DATABASE Sample TO DISK = N'x.bak'");
    await expect(work).rejects.toMatchObject({ number: 3013, precedingErrors: [{ number: 3021 }] });
    await transaction.rollback();
  });

  test('a damaged backup leaves the target RESTORING, and a good one brings it back', async () => {
    const before = await sumOf(place);
    await backUp('whole.bak');
    place.server.faults.damagedPage = 12;
    await backUp('broken.bak');
    place.server.faults.damagedPage = null;
    expect(await place.errorsOf(restore(at('broken.bak')))).toEqual([3183, 3013]);
    expect(await place.errorsOf('SELECT 1 FROM Sample.dbo.Thing')).toEqual([927]);
    await place.query(restore(at('whole.bak')));
    expect(await sumOf(place)).toEqual(before);
  });

  test('a newer version does not restore on an older one, and Express does not compress', async () => {
    await backUp('newer.bak');
    const older = await startPlace({ majorVersion: 15, edition: 'Express' });
    expect(await older.errorsOf(`RESTORE DATABASE Sample FROM DISK = N'${at('newer.bak')}' WITH REPLACE`)).toEqual([
      3169, 3013,
    ]);
    await older.query('CREATE DATABASE Sample');
    expect(await older.errorsOf("BACKUP DATABASE Sample TO DISK = N'x.bak' WITH COMPRESSION")).toEqual([1844, 3013]);
    await older.stop();
  });

  test('need exclusive access', async () => {
    await backUp('exclusive.bak');
    const other = await new mssql.ConnectionPool(
      place.connectionString('Database=Sample;Encrypt=false').reveal(),
    ).connect();
    await other.request().query('SELECT 1 AS one');
    expect(await place.errorsOf(restore(at('exclusive.bak')))).toEqual([3101, 3013]);
    await other.close();
  });
});

describe('a restart', () => {
  test('finds databases and history again', async () => {
    const first = await startPlace();
    await makeSample(first);
    await first.query("BACKUP DATABASE Sample TO DISK = N'kept.bak' WITH COPY_ONLY, CHECKSUM, INIT, NAME = N'kept'");
    const before = await sumOf(first);
    await first.server.close();
    const again = await startSqlServer({ directory: first.directory, logins: { octo: PASSWORD } });
    const pool = await new mssql.ConnectionPool(
      first.connectionString().reveal().replace(String(first.server.port), String(again.port)),
    ).connect();
    const query = async <Row>(sql: string) => pool.request().query<Row>(sql);
    expect(await sumOf({ query })).toEqual(before);
    expect(
      (await query("SELECT type, is_copy_only, has_backup_checksums FROM msdb.dbo.backupset WHERE name = N'kept'"))
        .recordset,
    ).toEqual([{ type: 'D', is_copy_only: true, has_backup_checksums: true }]);
    await pool.close();
    await again.close();
    await first.stop();
  });
});
