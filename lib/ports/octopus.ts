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
  /** Asks for the task's end; it may go on for a while. A task that has ended already is no error. */
  cancelTask(id: string): Promise<void>;
  /** Ids of all spaces. */
  spaces(): Promise<string[]>;
  /**
   * Starts a task that reads the folder of a space's built-in feed again, and gives its id. Each space has a feed of its
   * own; without one named it is the default space.
   */
  reindexPackages(spaceId?: string | null): Promise<string>;
  /** The state of any task, e.g. `Success`, and what it said when it failed. */
  task(id: string): Promise<{ state: string; isCompleted: boolean; errorMessage: string | null }>;
  /** Switches a trigger or a subscription on or off. */
  setDisabled(sleeper: Pick<Sleeper, 'kind' | 'id' | 'spaceId'>, isDisabled: boolean): Promise<void>;
  /** Does the server hand out this file, whole? Bytes are counted, not kept. @throws OctopusNotFound */
  serves(file: ServedFile): Promise<{ sizeBytes: number }>;
};

/** What acts by itself in an Octopus server: a project trigger, or a subscription that calls out. */
export type Sleeper = { kind: 'trigger' | 'subscription'; id: string; name: string; spaceId: string | null };

/** A file as the API serves it, by the id that its row has in the database: `GET …/packages/{id}/raw`, `…/artifacts/{id}/content`, `…/tasks/{id}/raw`. */
export type ServedFile = { kind: 'package' | 'artifact' | 'task-log'; id: string; spaceId: string | null };

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
  /**
   * `database --masterKey=…`, or `set-master-key` where that is what the version wants: the key of this node.
   * One of the two calls that take a secret as an argument, because the program knows no other way.
   */
  setMasterKey(key: Secret): Promise<void>;
  /** `database --connectionString=…`: the other one. */
  setConnectionString(connectionString: Secret): Promise<void>;
  /** `path --nugetRepository=…` and so on: tells the database where the shared folders are. The server is stopped. */
  setFolders(folders: readonly ServerFolder[]): Promise<void>;
  /** `admin --username=… --apiKey=…`: gives an existing administrator this API key. */
  setApiKey(username: string, apiKey: Secret): Promise<void>;
};

/** What `host.json` keeps of a node's configuration, and the one part of it that is secret. */
export type HostConfiguration = {
  connectionString: Secret;
  /** Flattened with dots, e.g. `Octopus.WebPortal.ListenPrefixes`; without keys, passwords, license, connection string. */
  settings: Record<string, string | number | boolean | null>;
};
