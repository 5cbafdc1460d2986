/**
 * What we need of an Octopus Deploy server: its REST API, and the `Octopus.Server` program on its host.
 *
 * The answer of a changing call decides nothing: callers read back. Every call is bounded in time.
 * Errors an adapter must tell apart: `OctopusUnauthorized` (401), `OctopusForbidden` (403), `OctopusUnavailable`
 * (no answer, 5xx; retry), `OctopusRejected` (400/409), `OctopusNotFound` (404), `OctopusAnswerInvalid` (something else
 * answered), `OctopusProgramMissing`, `OctopusProgramFailed` (non-zero exit), `OctopusProgramStalled` (no end in time; retry).
 */
import type { Secret } from '../domain/secrets/secret.ts';

/** One node's REST API, at that node's own address. @see https://octopus.com/docs/octopus-rest-api */
export type OctopusApi = {
  /** `GET /api`: answers without a key. */
  root(): Promise<{ version: string; installationId: string }>;
  /** The user behind the API key. */
  me(): Promise<{ id: string; username: string; displayName: string }>;
  isInMaintenance(): Promise<boolean>;
  setMaintenance(isOn: boolean): Promise<void>;
  nodes(): Promise<OctopusNode[]>;
  /** Sets the node's drain flag; sends its present task cap back with it, as the API requires. */
  setDraining(node: Pick<OctopusNode, 'id' | 'maxConcurrentTasks'>, isDraining: boolean): Promise<void>;
  /** Tasks in New, Queued, Executing or Cancelling, of every space and of the system. */
  activeTasks(): Promise<OctopusTask[]>;
  /** The license as XML text, byte for byte: it is signed. */
  license(): Promise<Secret>;
  /** Where the server keeps its shared folders, in its own path notation; a folder it does not name is absent. */
  serverFolders(): Promise<ServerFolder[]>;
  /** Document counts by kind, e.g. `{ projects: 12, releases: 480 }`. */
  counts(): Promise<Record<string, number>>;
  /** Can the key enter and leave maintenance mode (AdministerSystem)? */
  canAdministerSystem(): Promise<boolean>;
  /** The server certificate that Tentacles trust. */
  certificate(): Promise<{ thumbprint: string }>;
};

export type OctopusNode = {
  id: string;
  name: string;
  maxConcurrentTasks: number;
  /** Draining: the API calls it `IsInMaintenanceMode` of the node. */
  isDraining: boolean;
  isOffline: boolean;
  runningTaskCount: number;
  version: string;
  lastSeen: string;
};

export type OctopusTask = {
  id: string;
  name: string;
  description: string;
  state: 'New' | 'Queued' | 'Executing' | 'Cancelling';
  spaceId: string | null;
  node: string | null;
  queuedAt: string;
  startedAt: string | null;
  /** Waits for a person (manual intervention): it will not end by itself. */
  hasPendingInterruptions: boolean;
};

export const FOLDER_ROLES = ['packages', 'artifacts', 'task-logs', 'event-exports', 'imports', 'telemetry'] as const;
export type FolderRole = (typeof FOLDER_ROLES)[number];
export type ServerFolder = { role: FolderRole; path: string };

/** The `Octopus.Server` program beside one node. @see https://octopus.com/docs/octopus-rest-api/octopus.server.exe-command-line */
export type OctopusProgram = {
  version(): Promise<string>;
  /** `show-master-key --format=json`: base64 of 16 or 32 bytes. @throws MasterKeyUnreadable */
  showMasterKey(): Promise<Secret>;
  /** `list-instances --format=json` */
  listInstances(): Promise<{ name: string; configurationPath: string }[]>;
  /** `show-configuration --format=json-hierarchical`; holds the connection string in clear, so all of it is secret. */
  showConfiguration(): Promise<HostConfiguration>;
  /** `node --drain=…`: the way to drain when the API does not answer. */
  setDraining(isDraining: boolean): Promise<void>;
  startService(): Promise<void>;
  stopService(): Promise<void>;
};

/** What `host.json` keeps of a node's configuration, and the one part of it that is secret. */
export type HostConfiguration = {
  connectionString: Secret;
  /** Flattened with dots, e.g. `Octopus.WebPortal.ListenPrefixes`; without keys, passwords, license, connection string. */
  settings: Record<string, string | number | boolean | null>;
};
