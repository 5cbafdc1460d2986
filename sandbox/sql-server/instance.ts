/**
 * The state of one stand-in: its settings, databases, logins and sessions.
 *
 * Each database is one SQLite file of 8 KiB pages beside a log file that stays empty (SQLite's own log is `<file>-wal`).
 * The list of databases is kept in `instance.json`, replaced atomically after each change.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from './session.ts';

export const PAGE_BYTES = 8192;

export type DatabaseFile = { logicalName: string; path: string; type: 'D' | 'L' };

export type DatabaseRecord = {
  id: number;
  name: string;
  guid: string;
  familyGuid: string;
  createdAt: string;
  owner: string;
  recoveryModel: 'SIMPLE' | 'FULL' | 'BULK_LOGGED';
  state: 'ONLINE' | 'RESTORING' | 'OFFLINE';
  userAccess: 'MULTI_USER' | 'SINGLE_USER' | 'RESTRICTED_USER';
  compatibilityLevel: number;
  collation: string;
  isReadOnly: boolean;
  isReadCommittedSnapshotOn: boolean;
  isTrustworthy: boolean;
  isBrokerEnabled: boolean;
  /** Of its Service Broker; that of its family until it gets one of its own. */
  brokerGuid?: string;
  files: DatabaseFile[];
};

/** A login; `sysadmin` unless roles are given. Roles in a database are those of the user mapped to it there. */
export type LoginSettings = { password: string; roles?: string[] };

export type InstanceSettings = {
  directory: string;
  logins: Record<string, LoginSettings>;
  serverName: string;
  majorVersion: number;
  edition: 'Express' | 'Standard' | 'Developer' | 'Enterprise';
  /** The server's clock against UTC: history and headers hold local time without a zone, as SQL Server's do. */
  utcOffsetMinutes: number;
  /** Simulated speed of backup and restore; as fast as the disk when null. */
  bytesPerSecond: number | null;
};

/** What goes wrong on purpose. Changed at any time; each stays until it is set back. */
export type Faults = {
  /** Every login fails with 18456. */
  isLoginRefused: boolean;
  /** No backup file may be written: access is denied by the system. */
  isFolderDenied: boolean;
  /** The client's connection is cut when a backup or restore reaches this percentage. */
  dropAtPercent: number | null;
  /** A cut connection does not stop the work: it goes on to its end unseen. */
  isWorkKeptAfterDrop: boolean;
  /** The disk of the backup file is full at this percentage. */
  diskFullAtPercent: number | null;
  /** The backup makes no progress any more from this percentage on. */
  stallAtPercent: number | null;
  /** The session is killed (596) at this percentage. */
  killAtPercent: number | null;
  /** This page is written wrongly into the next backup. */
  damagedPage: number | null;
  /** So many bytes are free on the volume of the databases, whatever the disk says. */
  freeBytes: number | null;
  /** The client's connection is cut once a statement with these words has been done. */
  dropAfterWords: string | null;
  /** DBCC CHECKDB finds a damaged page in databases whose name starts so. */
  corruptPrefix: string | null;
};

export const noFaults = (): Faults => ({
  isLoginRefused: false,
  isFolderDenied: false,
  dropAtPercent: null,
  isWorkKeptAfterDrop: false,
  diskFullAtPercent: null,
  stallAtPercent: null,
  killAtPercent: null,
  damagedPage: null,
  freeBytes: null,
  dropAfterWords: null,
  corruptPrefix: null,
});

export type Instance = {
  settings: InstanceSettings;
  faults: Faults;
  paths: { data: string; backup: string };
  /** By name in lower case. */
  databases: Map<string, DatabaseRecord>;
  sessions: Map<number, Session>;
  lastSessionId: number;
  /** Security identifiers in hex, by login in lower case. */
  sids: Map<string, string>;
  /** Names of databases that a backup or restore holds. */
  held: Set<string>;
};

type Stored = { databases: DatabaseRecord[]; sids: Record<string, string> };

const storedAt = (directory: string): string => join(directory, 'instance.json');

/** What an earlier run left in the directory, or an instance without databases. */
export const loadInstance = (settings: InstanceSettings): Instance => {
  const paths = { data: join(settings.directory, 'data'), backup: join(settings.directory, 'backup') };
  for (const path of Object.values(paths)) mkdirSync(path, { recursive: true });
  const path = storedAt(settings.directory);
  const stored: Stored = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as Stored)
    : { databases: [], sids: {} };
  const sids = new Map(Object.entries({ sa: '01', ...stored.sids }));
  for (const name of Object.keys(settings.logins).map((login) => login.toLowerCase())) {
    if (!sids.has(name)) sids.set(name, randomBytes(16).toString('hex'));
  }
  const databases = new Map(stored.databases.map((record) => [record.name.toLowerCase(), record]));
  return {
    settings,
    faults: noFaults(),
    paths,
    databases,
    sessions: new Map(),
    lastSessionId: 50,
    sids,
    held: new Set(),
  };
};

export const saveInstance = ({ settings, databases, sids }: Instance): void => {
  const content: Stored = { databases: [...databases.values()], sids: Object.fromEntries(sids) };
  const path = storedAt(settings.directory);
  writeFileSync(`${path}.new`, JSON.stringify(content, null, 2));
  renameSync(`${path}.new`, path);
};

export const sidOf = ({ sids }: Instance, login: string): Buffer =>
  Buffer.from(sids.get(login.toLowerCase()) ?? '', 'hex');

export const dataFileOf = (record: DatabaseRecord): string => record.files[0]?.path ?? '';

/** What is left on the volume of the databases. */
export const freeBytesOf = ({ paths, faults }: Pick<Instance, 'paths' | 'faults'>): number => {
  const { bavail, bsize } = statfsSync(paths.data);
  return faults.freeBytes ?? bavail * bsize;
};

/** A moment as the server's own clock shows it, in the form that values of type datetime are stored in. */
export const localTime = ({ settings }: Pick<Instance, 'settings'>, moment: Date | string): string =>
  new Date(new Date(moment).getTime() + settings.utcOffsetMinutes * 60_000)
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '');

export const versionText = ({ settings: { majorVersion, edition } }: Instance): string => {
  const years: Record<number, number> = { 13: 2016, 14: 2017, 15: 2019, 16: 2022, 17: 2025 };
  const product = `Microsoft SQL Server ${years[majorVersion] ?? majorVersion} (stand-in)`;
  return `${product} - ${majorVersion}.0.4000.1 ${edition} Edition`;
};
