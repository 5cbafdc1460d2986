/** Views of the whole instance: databases, logins, sessions and what they run. */
import { sidOf } from '../instance.ts';
import type { DatabaseRecord, Instance } from '../instance.ts';
import { findDatabase } from '../records.ts';
import type { Session } from '../session.ts';
import type { SqlValue } from '../tds/values.ts';
import { isGranted } from './grants.ts';
import { bit, columnsOf, sysTime } from './view.ts';
import type { Around, Row, View } from './view.ts';

const STATES: Record<DatabaseRecord['state'], number> = { ONLINE: 0, RESTORING: 1, OFFLINE: 6 };
const RECOVERY_MODELS: Record<DatabaseRecord['recoveryModel'], number> = { FULL: 1, BULK_LOGGED: 2, SIMPLE: 3 };

const databaseRow = (instance: Instance, record: DatabaseRecord): Row => ({
  name: record.name,
  database_id: record.id,
  create_date: sysTime(record.createdAt),
  compatibility_level: record.compatibilityLevel,
  collation_name: record.collation,
  user_access_desc: record.userAccess,
  is_read_only: bit(record.isReadOnly),
  state: STATES[record.state],
  state_desc: record.state,
  recovery_model: RECOVERY_MODELS[record.recoveryModel],
  recovery_model_desc: record.recoveryModel,
  is_read_committed_snapshot_on: bit(record.isReadCommittedSnapshotOn),
  is_trustworthy_on: bit(record.isTrustworthy),
  is_broker_enabled: bit(record.isBrokerEnabled),
  owner_sid: sidOf(instance, record.owner),
  replica_id: null,
  group_database_id: null,
  is_encrypted: 0,
});

const databases: View = {
  columns: columnsOf(`name: name, database_id: int, create_date: datetime, compatibility_level: tinyint
    collation_name: name, user_access_desc: nvarchar(60), is_read_only: bit, state: tinyint, state_desc: nvarchar(60)
    recovery_model: tinyint, recovery_model_desc: nvarchar(60), is_read_committed_snapshot_on: bit
    is_trustworthy_on: bit, is_broker_enabled: bit, owner_sid: varbinary(85), replica_id: uniqueidentifier
    group_database_id: uniqueidentifier, is_encrypted: bit`),
  rows: ({ instance }) => [...instance.databases.values()].map((record) => databaseRow(instance, record)),
};

const recoveryStatus: View = {
  columns: columnsOf('database_id: int, database_guid: uniqueidentifier, family_guid: uniqueidentifier'),
  rows: ({ instance }) =>
    [...instance.databases.values()].map(({ id, guid, familyGuid }) => ({
      database_id: id,
      database_guid: guid,
      family_guid: familyGuid,
    })),
};

const SERVER_ROLES = ['public', 'sysadmin', 'securityadmin', 'dbcreator', 'processadmin'];
const FIRST_LOGIN_ID = 260;

const principalRows = ({ instance }: Pick<Around, 'instance'>): Row[] => {
  const logins = [...instance.sids].map(([name, sid], i) => ({
    name,
    principal_id: name === 'sa' ? 1 : FIRST_LOGIN_ID + i,
    sid: Buffer.from(sid, 'hex'),
    type: 'S',
    type_desc: 'SQL_LOGIN',
    default_database_name: 'master',
  }));
  const roles = SERVER_ROLES.map((name, i) => ({
    name,
    principal_id: 2 + i,
    sid: Buffer.from([2 + i]),
    type: 'R',
    type_desc: 'SERVER_ROLE',
    default_database_name: null,
  }));
  return [...logins, ...roles].map((principal) => ({ ...principal, is_disabled: 0 }));
};

/** Everybody is in `public`, and nobody is listed there. */
const roleMembers: View = {
  columns: columnsOf('role_principal_id: int, member_principal_id: int'),
  rows: ({ instance }) => {
    const principals = principalRows({ instance });
    const idOf = (name: string): SqlValue =>
      principals.find((principal) => principal['name'] === name)?.['principal_id'] ?? null;
    return Object.entries(instance.settings.logins).flatMap(([name, { roles = ['sysadmin'] }]) =>
      roles
        .filter((role) => role !== 'public')
        .map((role) => ({ role_principal_id: idOf(role), member_principal_id: idOf(name.toLowerCase()) })),
    );
  },
};

/** Without VIEW SERVER STATE a session sees itself only. */
const visibleSessions = ({ instance, session }: Around): Session[] =>
  isGranted({ session }, 'VIEW SERVER STATE', null) ? [...instance.sessions.values()] : [session];

const sessions: View = {
  columns: columnsOf(`session_id: smallint, login_time: datetime, host_name: name, program_name: name, login_name: name
    status: nvarchar(30), database_id: smallint, is_user_process: bit`),
  rows: (around) =>
    visibleSessions(around).map(({ id, startedAt, login, state }) => ({
      session_id: id,
      login_time: sysTime(startedAt),
      host_name: login.hostName,
      program_name: login.appName,
      login_name: login.user,
      status: state.request === null ? 'sleeping' : 'running',
      database_id: findDatabase(around.instance, state.database).id,
      is_user_process: 1,
    })),
};

const requests: View = {
  columns: columnsOf(`session_id: smallint, request_id: int, start_time: datetime, status: nvarchar(30)
    command: nvarchar(32), database_id: smallint, percent_complete: real, wait_type: nvarchar(60)`),
  rows: (around) =>
    visibleSessions(around).flatMap(({ id, state: { request } }) =>
      request === null
        ? []
        : [
            {
              session_id: id,
              request_id: 0,
              start_time: sysTime(request.startedAt),
              status: 'running',
              command: request.command,
              database_id: around.instance.databases.get(request.database.toLowerCase())?.id ?? 1,
              percent_complete: request.percent,
              wait_type: null,
            },
          ],
    ),
};

export const serverViews: Record<string, View> = {
  'sys.databases': databases,
  'sys.database_recovery_status': recoveryStatus,
  'sys.server_principals': {
    columns: columnsOf(`name: name, principal_id: int, sid: varbinary(85), type: char(1), type_desc: nvarchar(60)
      is_disabled: bit, default_database_name: name`),
    rows: principalRows,
  },
  'sys.server_role_members': roleMembers,
  'sys.dm_exec_sessions': sessions,
  'sys.dm_exec_requests': requests,
};
