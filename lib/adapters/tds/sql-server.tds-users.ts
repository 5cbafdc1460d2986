/**
 * The users of a restored database joined with the logins of this server again.
 *
 * A user keeps the SID of its login; a login of the same name on another server has another one. Only equal names are
 * joined, and only logins that have no user there yet. @see https://learn.microsoft.com/sql/sql-server/failover-clusters/troubleshoot-orphaned-users-sql-server
 */
import type { config, ConnectionPool } from 'mssql';
import { OctoError } from '../../domain/errors.ts';
import type { UserRepair } from '../../ports/sql-server.ts';
import { bracketed, NVarChar, openPool, rowsOf } from './tds-connection.ts';

const APP_NAME = 'octo-keeper users';
const REQUEST_SECONDS = 60;

type Opened = { pool: ConnectionPool; database: string };

export const repairUsers = async (
  settings: config,
  database: string,
  { ownerLogin }: { ownerLogin: string | null },
): Promise<UserRepair> => {
  const pool = await openPool(settings, { database, appName: APP_NAME, max: 1, requestSeconds: REQUEST_SECONDS });
  const opened = { pool, database };
  try {
    const orphans = await orphansIn(opened);
    const repaired = orphans.filter(({ login }) => login !== null);
    for (const { user, login } of repaired) {
      await change(opened, `ALTER USER ${bracketed(user)} WITH LOGIN = ${bracketed(login!)}`);
    }
    const owner = ownerLogin === null ? 'not-asked' : await grantOwner(opened, ownerLogin);
    const left = await orphansIn(opened);
    return { repaired: repaired.map(({ user }) => user), orphaned: left.map(({ user }) => user), owner };
  } finally {
    await pool.close();
  }
};

/** Users without their login; `login` is the one of the same name that no other user has. */
const ORPHANS = `SELECT u.name AS [user], l.name AS login FROM sys.database_principals u
  LEFT JOIN sys.server_principals own ON own.sid = u.sid
  LEFT JOIN sys.server_principals l ON l.name = u.name AND l.type = u.type AND l.type = 'S'
    AND NOT EXISTS (SELECT 1 FROM sys.database_principals taken WHERE taken.sid = l.sid)
  WHERE u.type IN ('S', 'U', 'G') AND u.sid IS NOT NULL AND own.sid IS NULL AND u.authentication_type_desc <> N'NONE'
    AND u.authentication_type_desc <> N'DATABASE' AND u.name NOT IN (N'dbo', N'guest', N'sys', N'INFORMATION_SCHEMA') ORDER BY u.name`;

const orphansIn = ({ pool, database }: Opened) =>
  rowsOf<{ user: string; login: string | null }>(
    pool,
    { sql: ORPHANS },
    { what: `looking for orphaned users in "${database}"` },
  );

const grantOwner = async (opened: Opened, login: string): Promise<UserRepair['owner']> => {
  const found = await standingOf(opened, login);
  if (found.isOwner) return 'was';
  if (!found.isLogin) throw notGranted(opened, login, 'there is no such login');
  const user = found.user ?? login;
  if (found.user === null) await change(opened, `CREATE USER ${bracketed(user)} FOR LOGIN ${bracketed(login)}`);
  await change(opened, `ALTER ROLE db_owner ADD MEMBER ${bracketed(user)}`);
  if ((await standingOf(opened, login)).isOwner) return 'granted';
  throw notGranted(opened, login, 'SQL Server took the change and does not show it');
};

const notGranted = ({ database }: Opened, login: string, why: string): OctoError =>
  new OctoError('OwnerNotGranted', `login "${login}" is not db_owner of "${database}": ${why}`, {
    facts: { database, login },
  });

/** A login owns a database as db_owner, as its owner, or as an administrator of the server. */
const STANDING = `SELECT l.name AS login, u.name AS [user],
  CASE WHEN d.owner_sid = l.sid
    OR EXISTS (SELECT 1 FROM sys.server_role_members m JOIN sys.server_principals r ON r.principal_id = m.role_principal_id
      WHERE m.member_principal_id = l.principal_id AND r.name = N'sysadmin')
    OR EXISTS (SELECT 1 FROM sys.database_role_members m JOIN sys.database_principals r ON r.principal_id = m.role_principal_id
      WHERE m.member_principal_id = u.principal_id AND r.name = N'db_owner') THEN 1 ELSE 0 END AS isOwner
  FROM sys.server_principals l LEFT JOIN sys.database_principals u ON u.sid = l.sid
  LEFT JOIN sys.databases d ON d.name = @database WHERE l.name = @login`;

const standingOf = async ({ pool, database }: Opened, login: string) => {
  const parameters = { login: [NVarChar(128), login], database: [NVarChar(128), database] } as const;
  const [row] = await rowsOf<{ user: string | null; isOwner: number }>(
    pool,
    { sql: STANDING, parameters },
    { what: `reading the rights of "${login}" in "${database}"` },
  );
  return { isLogin: row !== undefined, user: row?.user ?? null, isOwner: row?.isOwner === 1 };
};

const change = async ({ pool, database }: Opened, sql: string): Promise<void> =>
  void (await rowsOf(pool, { sql }, { what: `${sql} in "${database}"` }));
