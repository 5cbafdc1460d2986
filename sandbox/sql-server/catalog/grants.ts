/** Who may do what: server roles and database roles of the stand-in's logins. A sysadmin may do everything. */
import type { Session } from '../session.ts';

/** What a role may do in a database; `db_owner` may do all. */
const GRANTS: Record<string, string[]> = {
  'BACKUP DATABASE': ['db_owner', 'db_backupoperator'],
  SELECT: ['db_owner', 'db_datareader'],
  CONNECT: ['db_owner', 'db_backupoperator', 'db_datareader', 'public'],
};

const SERVER_GRANTS: Record<string, string[]> = {
  'VIEW SERVER STATE': ['sysadmin', '##MS_ServerStateReader##'],
  'VIEW ANY DATABASE': ['sysadmin', 'public'],
  'CREATE ANY DATABASE': ['sysadmin', 'dbcreator'],
  'ALTER ANY DATABASE': ['sysadmin', 'dbcreator'],
  'CONTROL SERVER': ['sysadmin'],
};

/** May the session do `permission` in `database`, or on the server when that is null? */
export const isGranted = ({ session }: { session: Session }, permission: string, database: string | null): boolean => {
  if (session.isSysadmin) return true;
  if (database === null) return (SERVER_GRANTS[permission] ?? []).some((role) => session.serverRoles.includes(role));
  const roles = new Set([...(session.principalIn(database)?.roles ?? []), 'public']);
  return roles.has('db_owner') || (GRANTS[permission] ?? []).some((role) => roles.has(role));
};
