/**
 * The task queue of one node: tasks go from Queued to Executing to an end, first come first served, up to the node's cap.
 *
 * A drained node starts none; in maintenance mode queued tasks still start, as on a real server. A task that waits for a
 * person runs on until someone acts. All state is in the database, so what a backup caught queued starts after a restore.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Row } from '../data/database.ts';
import type { Environment, Project, Release, Task } from '../data/rows.ts';
import { DEFAULT_SPACE, deploymentRow, deploymentTask, packagePath, taskLogPath, taskRow } from '../data/rows.ts';
import type { RunningNode } from './running-node.ts';
import { allocateId, isInMaintenance, readFolders, recordEvent } from './running-node.ts';

type TaskRow = Row & { Id: string; Name: string; Description: string; StartTime: Date | null; SpaceId: string | null };
type OwnTask = TaskRow & { State: 'Executing' | 'Cancelling' };

const REINDEX = 'SynchronizeBuiltInPackageRepositoryIndex';

/** One turn of the queue: heartbeat, ends, starts. */
export const turnQueue = async (node: RunningNode): Promise<void> => {
  await node.database.execute('UPDATE [OctopusServerNode] SET LastSeen = @now WHERE Id = @id', {
    id: node.id,
    now: new Date(),
  });
  const { Cancelling: cancelled = [], Executing: running = [] } = Object.groupBy(
    await ownTasks(node),
    ({ State: state }) => state,
  );
  for (const task of cancelled) await endTask(node, task, 'Canceled');
  const ended = running.filter((task) => hasEnded(node, task));
  for (const task of ended) {
    if (task.Name === REINDEX) await reindexPackages(node, task);
    await endTask(node, task, 'Success');
  }
  await startTasks(node, running.length - ended.length);
};

/** What a node does to tasks it was running when it went down. */
export const cancelOrphans = async (node: RunningNode): Promise<void> => {
  for (const task of await ownTasks(node)) await endTask(node, task, 'Canceled');
};

const ownTasks = async (node: RunningNode): Promise<OwnTask[]> =>
  node.database.query<OwnTask>(
    "SELECT Id, Name, Description, StartTime, SpaceId, State FROM [ServerTask] WHERE ServerNodeId = @node AND State IN ('Executing', 'Cancelling') AND HasPendingInterruptions = @no",
    { node: node.id, no: false },
  );

/** A package without its file vanishes from the feed; one that lies there unlisted is not taken in, as the original would. */
const reindexPackages = async (node: RunningNode, { SpaceId: space }: TaskRow): Promise<void> => {
  const { PackagesDirectory } = await readFolders(node);
  const listed = await node.database.query<{ Id: string; PackageId: string; Version: string; SpaceId: string }>(
    'SELECT Id, PackageId, Version, SpaceId FROM [NuGetPackage] WHERE SpaceId = @space',
    { space },
  );
  for (const { Id: id, PackageId: packageId, Version: version, SpaceId: spaceId } of listed) {
    if (existsSync(join(PackagesDirectory, packagePath({ packageId, version, spaceId })))) continue;
    await node.database.execute('DELETE FROM [NuGetPackage] WHERE Id = @id', { id });
  }
};

/** How long a task takes follows from its id: no state is kept for it. */
const hasEnded = (node: RunningNode, task: TaskRow): boolean => {
  if (node.faults.areTasksEndless || task.StartTime === null) return false;
  const share = createHash('sha256').update(task.Id).digest().readUInt16LE(0) / 0xffff;
  const seconds = node.taskSeconds.min + share * (node.taskSeconds.max - node.taskSeconds.min);
  return Date.now() - task.StartTime.getTime() >= seconds * 1000;
};

const endTask = async (node: RunningNode, task: TaskRow, state: 'Success' | 'Canceled'): Promise<void> => {
  await node.database.execute('UPDATE [ServerTask] SET State = @state, CompletedTime = @now WHERE Id = @id', {
    state,
    now: new Date(),
    id: task.Id,
  });
  await appendTaskLog(node, task.Id, `The task ended: ${state}`);
  const [category, word] =
    state === 'Success' ? ['DeploymentSucceeded', 'succeeded'] : ['TaskCanceled', 'was canceled'];
  await recordEvent(node, {
    category,
    message: `${task.Description} ${word}`,
    spaceId: task.SpaceId,
    relatedIds: [task.Id],
  });
};

const startTasks = async (node: RunningNode, runningCount: number): Promise<void> => {
  const [self] = await node.database.query<{ IsInMaintenanceMode: boolean; MaxConcurrentTasks: number }>(
    'SELECT IsInMaintenanceMode, MaxConcurrentTasks FROM [OctopusServerNode] WHERE Id = @id',
    { id: node.id },
  );
  if (self === undefined || self.IsInMaintenanceMode) return;
  const queued = await node.database.query<TaskRow & { QueueTime: Date }>(
    "SELECT Id, Name, Description, StartTime, SpaceId, QueueTime FROM [ServerTask] WHERE State = 'Queued' ORDER BY QueueTime, Id",
  );
  const due = queued.filter((task) => task.QueueTime.getTime() <= Date.now());
  for (const task of due.slice(0, Math.max(0, self.MaxConcurrentTasks - runningCount))) await startTask(node, task);
};

const startTask = async (node: RunningNode, task: TaskRow): Promise<void> => {
  const taken = await node.database.execute(
    "UPDATE [ServerTask] SET State = 'Executing', ServerNodeId = @node, StartTime = @now WHERE Id = @id AND State = 'Queued'",
    { node: node.id, now: new Date(), id: task.Id },
  );
  if (taken === 0) return;
  await appendTaskLog(node, task.Id, `Task log of: ${task.Description}`);
  await recordEvent(node, {
    category: 'DeploymentStarted',
    message: `${task.Description} started`,
    spaceId: task.SpaceId,
    relatedIds: [task.Id],
  });
};

const appendTaskLog = async (node: RunningNode, taskId: string, text: string): Promise<void> => {
  const { LogsDirectory } = await readFolders(node);
  const suffix = createHash('sha256').update(taskId).digest('hex').slice(0, 10);
  await appendFile(
    join(LogsDirectory, taskLogPath(taskId, suffix)),
    `${new Date().toISOString()} Info     |   ${text}\n`,
  );
};

/** Puts a task into the queue. */
export const queueTask = async (
  node: RunningNode,
  task: Pick<Task, 'name' | 'description' | 'spaceId' | 'arguments'> & { queuedAt?: Date },
): Promise<string> => {
  const id = await allocateId(node, 'ServerTasks');
  await node.database.insert('ServerTask', [taskRow({ queuedAt: new Date(), ...task, id, state: 'Queued' })]);
  return id;
};

/** What goes on by itself: someone deploys something; in maintenance only the system queues its own tasks. */
export const queueSomeWork = async (node: RunningNode): Promise<void> => {
  if (await isInMaintenance(node)) {
    await queueTask(node, {
      name: 'Health',
      description: 'Check health of all deployment targets',
      spaceId: DEFAULT_SPACE,
      arguments: {},
    });
  } else {
    await queueDeployment(node);
  }
};

/** Queues a deployment of some project's newest release for now or later, as a person does from the portal; null without any. */
export const queueDeployment = async (node: RunningNode, createdAt = new Date()): Promise<string | null> => {
  const deployable = await findDeployable(node);
  if (deployable === null) return null;
  const { spaceId } = deployable.release;
  const id = await allocateId(node, 'Deployments');
  const taskId = await allocateId(node, 'ServerTasks');
  const deployment = { id, spaceId, ...deployable, taskId, createdAt, username: 'ana' };
  await node.database.insert('Deployment', [deploymentRow(deployment)]);
  await node.database.insert('ServerTask', [taskRow({ ...deploymentTask(deployment), state: 'Queued' })]);
  return taskId;
};

/** Some projects have no release yet, and some spaces no environment: another one is taken then. */
const findDeployable = async (node: RunningNode): Promise<{ release: Release; environment: Environment } | null> => {
  const projects = await node.database.query<{ Id: string; Name: string; Slug: string; SpaceId: string }>(
    'SELECT Id, Name, Slug, SpaceId FROM [Project]',
  );
  const first = projects.length === 0 ? 0 : projects.indexOf(node.random.pick(projects));
  for (const chosen of [...projects.slice(first), ...projects.slice(0, first)]) {
    const spaceId = chosen.SpaceId;
    const [newest] = await node.database.query<{ Id: string; Version: string; Assembled: Date }>(
      'SELECT TOP (1) Id, Version, Assembled FROM [Release] WHERE ProjectId = @project ORDER BY Assembled DESC',
      { project: chosen.Id },
    );
    const environments = await node.database.query<{ Id: string; Name: string }>(
      'SELECT Id, Name FROM [DeploymentEnvironment] WHERE SpaceId = @space',
      { space: spaceId },
    );
    if (newest === undefined || environments.length === 0) continue;
    const project: Project = { id: chosen.Id, spaceId, name: chosen.Name, slug: chosen.Slug, packageId: '' };
    const release = { id: newest.Id, spaceId, version: newest.Version, project, assembledAt: newest.Assembled };
    const place = node.random.pick(environments);
    return { release, environment: { id: place.Id, spaceId, name: place.Name } };
  }
  return null;
};
