/**
 * The Octopus REST API over `fetch`: which calls answer what the port asks, and the shapes we rely on in their answers.
 *
 * Every answer is checked, because the address may be a proxy's or a login page's. Transport, retries and refusals are in
 * `octopus-requests.ts`. Permissions and routes follow the generated reference of the API.
 * @see https://octopus.com/docs/octopus-rest-api
 */
import * as z from 'zod';
import { OctoError } from '../domain/errors.ts';
import { Secret } from '../domain/secrets/secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { OctopusApi, OctopusNode, OctopusTask, ServerFolder } from '../ports/octopus.ts';
import type { OctopusRequests } from './octopus/octopus-requests.ts';
import { octopusRequests } from './octopus/octopus-requests.ts';
import { octopusWork } from './octopus/octopus-work.ts';

export type OctopusHttpOptions = {
  /** The node's own address, with its virtual directory if it has one. */
  url: string;
  apiKey: Secret;
  /** For each try of each call. */
  timeoutSeconds?: number;
  clock: Clock;
};

const Maintenance = z.object({ IsInMaintenanceMode: z.boolean() });
const Root = z.object({ Version: z.string(), InstallationId: z.string() });
const User = z.object({ Id: z.string(), Username: z.string(), DisplayName: z.string() });
const Permissions = z.object({ SystemPermissions: z.array(z.string()) });
const License = z.object({ LicenseText: z.string().min(1) });
const Certificate = z.object({ Thumbprint: z.string().min(1) });
const Folders = z.record(z.string(), z.unknown());
const Counts = z.record(z.string(), z.record(z.string(), z.number()));
const Cluster = z.object({
  Nodes: z.array(
    z.object({
      Id: z.string(),
      Name: z.string(),
      MaxConcurrentTasks: z.number(),
      IsInMaintenanceMode: z.boolean(),
      IsOffline: z.boolean(),
      RunningTaskCount: z.number(),
      Version: z.string().nullish(),
      LastSeen: z.string(),
    }),
  ),
});
const ACTIVE_STATES = ['New', 'Queued', 'Executing', 'Cancelling'] as const;
const Task = z.object({
  Id: z.string(),
  Name: z.string(),
  Description: z.string(),
  State: z.enum([...ACTIVE_STATES, 'Success', 'Failed', 'Canceled', 'TimedOut']),
  SpaceId: z.string().nullish(),
  ServerNode: z.string().nullish(),
  QueueTime: z.string(),
  StartTime: z.string().nullish(),
  HasPendingInterruptions: z.boolean(),
});

/** Keys of the folder settings; `Imports` and `Telemetry` are read where a server names them. */
const FOLDER_KEYS = {
  PackagesDirectory: 'packages',
  ArtifactsDirectory: 'artifacts',
  LogsDirectory: 'task-logs',
  EventExportsDirectory: 'event-exports',
  ImportsDirectory: 'imports',
  TelemetryDirectory: 'telemetry',
} as const;

/** Without spaces and system, the answer holds the default space's tasks only. */
const ACTIVE_TASKS = '/api/tasks?active=true&spaces=all&includeSystem=true&take=100';
const MAINTENANCE = '/api/maintenanceconfiguration';

/** The API of the node at `url`. */
export const octopusHttp = (options: OctopusHttpOptions): OctopusApi => {
  const requests = octopusRequests(options);
  const me = async (): ReturnType<OctopusApi['me']> => {
    const user = await requests.get('/api/users/me', User);
    return { id: user.Id, username: user.Username, displayName: user.DisplayName };
  };
  return {
    root: async () => {
      const root = await requests.get('/api', Root);
      return { version: root.Version, installationId: root.InstallationId };
    },
    me,
    isInMaintenance: async () => (await requests.get(MAINTENANCE, Maintenance)).IsInMaintenanceMode,
    setMaintenance: async (isOn) => requests.put(MAINTENANCE, { Id: 'maintenance', IsInMaintenanceMode: isOn }),
    nodes: async () => (await requests.get('/api/octopusservernodes/summary', Cluster)).Nodes.map(nodeOf),
    setDraining: async ({ id, maxConcurrentTasks }, isDraining) =>
      requests.put(`/api/octopusservernodes/${encodeURIComponent(id)}`, {
        Id: id,
        IsInMaintenanceMode: isDraining,
        MaxConcurrentTasks: maxConcurrentTasks,
      }),
    activeTasks: async () => activeTasks(requests),
    license: async () => new Secret((await requests.get('/api/licenses/licenses-current', License)).LicenseText),
    serverFolders: async () => foldersOf(await requests.get('/api/configuration/server-folders/values', Folders)),
    counts: async () => countsOf(await requests.get('/api/serverstatus/counts', Counts)),
    canAdministerSystem: async () => {
      const path = `/api/users/${encodeURIComponent((await me()).id)}/permissions?includeSystem=true`;
      return (await requests.get(path, Permissions)).SystemPermissions.includes('AdministerSystem');
    },
    certificate: async () => {
      const path = '/api/configuration/certificates/certificate-global';
      return { thumbprint: (await requests.get(path, Certificate)).Thumbprint };
    },
    ...octopusWork(requests),
  };
};

const nodeOf = (node: z.output<typeof Cluster>['Nodes'][number]): OctopusNode => ({
  id: node.Id,
  name: node.Name,
  maxConcurrentTasks: node.MaxConcurrentTasks,
  isDraining: node.IsInMaintenanceMode,
  isOffline: node.IsOffline,
  runningTaskCount: node.RunningTaskCount,
  version: node.Version ?? '',
  lastSeen: node.LastSeen,
});

/** Tasks start and end while the list is read, which moves the others: one met twice is taken once, an ended one is not. */
const activeTasks = async (requests: OctopusRequests): Promise<OctopusTask[]> => {
  const tasks = new Map<string, OctopusTask>();
  for await (const task of requests.pages(ACTIVE_TASKS, Task)) {
    const state = ACTIVE_STATES.find((active) => active === task.State);
    if (state === undefined) continue;
    tasks.set(task.Id, {
      id: task.Id,
      name: task.Name,
      description: task.Description,
      state,
      spaceId: task.SpaceId ?? null,
      node: task.ServerNode ?? null,
      queuedAt: task.QueueTime,
      startedAt: task.StartTime ?? null,
      hasPendingInterruptions: task.HasPendingInterruptions,
    });
  }
  return [...tasks.values()];
};

const foldersOf = (values: Record<string, unknown>): ServerFolder[] => {
  const folders = Object.entries(FOLDER_KEYS).flatMap(([key, role]) => {
    const path = values[key];
    return typeof path === 'string' && path !== '' ? [{ role, path }] : [];
  });
  if (folders.length > 0) return folders;
  throw new OctoError('OctopusAnswerInvalid', 'the server names none of its folders', {
    facts: { keys: Object.keys(values) },
  });
};

/** `{ Project: { Releases: 480 } }` becomes `{ releases: 480 }`. */
const countsOf = (groups: z.output<typeof Counts>): Record<string, number> =>
  Object.fromEntries(
    Object.values(groups).flatMap((group) =>
      Object.entries(group).map(([name, count]) => [`${name.charAt(0).toLowerCase()}${name.slice(1)}`, count]),
    ),
  );
