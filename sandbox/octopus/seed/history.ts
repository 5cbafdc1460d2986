/**
 * What happened on an instance: releases with their packages, deployments with their tasks, logs and artifacts, events.
 * Pure and seeded. It gives rows for the database and a list of the files that belong to them, so that both agree.
 */
import type { Random } from '../data/random.ts';
import type { Artifact, AuditEvent, Deployment, Environment, Package, Project, Release, Task } from '../data/rows.ts';
import {
  artifactPath,
  artifactRow,
  deploymentRow,
  deploymentTask,
  DEFAULT_SPACE,
  eventRow,
  idOf,
  packagePath,
  packageRow,
  releaseRow,
  taskLogPath,
  taskRow,
} from '../data/rows.ts';
import type { Infrastructure, Rows, User } from './infrastructure.ts';
import type { FolderKey } from './settings.ts';

export type PlannedFile = {
  folder: FolderKey;
  /** Below that folder, with forward slashes. */
  path: string;
  sizeBytes: number;
  content: 'package' | 'binary' | 'log' | 'events';
  title: string;
  at: Date;
};

/** The last number given out in each collection. */
export type Numbers = Record<'Releases' | 'Deployments' | 'ServerTasks' | 'Events' | 'Artifacts', number>;
export const noNumbers = (): Numbers => ({ Releases: 0, Deployments: 0, ServerTasks: 0, Events: 0, Artifacts: 0 });

export type Period = {
  from: Date;
  until: Date;
  releaseCount: number;
  sizeBytes: number;
  numbers: Numbers;
  nodeId: string;
};

export type History = { rows: Rows; files: PlannedFile[]; numbers: Numbers; newestRelease: Release | null };

type Author = { random: Random; infrastructure: Infrastructure; period: Period; numbers: Numbers };
type Story = {
  packages: Package[];
  releases: Release[];
  deployments: Deployment[];
  tasks: Task[];
  artifacts: Artifact[];
  events: AuditEvent[];
  files: PlannedFile[];
};

/** How the bytes are spread over the kinds of files. */
const SHARES = { package: 0.65, binary: 0.15, log: 0.18, events: 0.02 } as const;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SYSTEM_TASKS = [
  ['Health', 'Check health of all deployment targets'],
  ['Retention', 'Apply retention policies'],
  ['UpdateCalamari', 'Update Calamari on deployment targets'],
] as const;

/** Everything that happened in `period`, continuing after `period.numbers`. */
export const writeHistory = (random: Random, infrastructure: Infrastructure, period: Period): History => {
  const author: Author = { random, infrastructure, period, numbers: { ...period.numbers } };
  const story: Story = { packages: [], releases: [], deployments: [], tasks: [], artifacts: [], events: [], files: [] };
  const stepMs = (period.until.getTime() - period.from.getTime()) / period.releaseCount;
  for (let index = 0; index < period.releaseCount; index += 1) {
    const at = new Date(period.from.getTime() + index * stepMs);
    const release = tellRelease(author, story, at);
    for (const environment of infrastructure.environments) {
      if (environment.spaceId === release.spaceId) tellDeployment(author, story, { release, environment });
    }
    if (index % 3 === 0) tellSystemTask(author, story, at);
    if (index % 50 === 0) tellEventExport(author, story, at);
  }
  spreadBytes(story.files, period.sizeBytes);
  const newestRelease = story.releases.at(-1) ?? null;
  return { rows: rowsOf(author, story), files: story.files, numbers: author.numbers, newestRelease };
};

const next = (author: Author, collection: keyof Numbers): string => idOf(collection, ++author.numbers[collection]);

const tellRelease = (author: Author, story: Story, assembledAt: Date): Release => {
  const project: Project = author.random.pick(author.infrastructure.projects);
  const id = next(author, 'Releases');
  const serial = author.numbers.Releases;
  const version = `3.${Math.floor(serial / 20)}.${serial % 20}`;
  const release = { id, spaceId: project.spaceId, version, project, assembledAt };
  const item = {
    packageId: project.packageId,
    version,
    spaceId: project.spaceId,
    publishedAt: assembledAt,
    sizeBytes: 0,
  };
  story.releases.push(release);
  story.packages.push(item);
  const title = `${item.packageId} ${version}`;
  plan(author, story, {
    folder: 'PackagesDirectory',
    path: packagePath(item),
    content: 'package',
    title,
    at: assembledAt,
  });
  const message = `Release ${version} of ${project.name} was created`;
  tellEvent(author, story, {
    category: 'Created',
    at: assembledAt,
    message,
    about: [project.id, id],
    in: release.spaceId,
  });
  return release;
};

const tellDeployment = (author: Author, story: Story, to: { release: Release; environment: Environment }): void => {
  const { release, environment } = to;
  const { random } = author;
  if (environment.name === 'Production' && random.chance(0.4)) return;
  const createdAt = new Date(release.assembledAt.getTime() + random.int(1, 40) * MINUTE_MS);
  const username = personIn(author).username;
  const id = next(author, 'Deployments');
  const deployment = {
    id,
    spaceId: release.spaceId,
    release,
    environment,
    taskId: next(author, 'ServerTasks'),
    createdAt,
    username,
  };
  story.deployments.push(deployment);
  const task = tellTask(author, story, deploymentTask(deployment));
  const about = [release.project.id, release.id, environment.id, id];
  const message = `${task.description} ${task.state === 'Success' ? 'succeeded' : 'failed'}`;
  const category = task.state === 'Success' ? 'DeploymentSucceeded' : 'DeploymentFailed';
  for (const step of ['DeploymentQueued', 'DeploymentStarted', category]) {
    tellEvent(author, story, {
      category: step,
      at: task.completedAt ?? createdAt,
      message,
      about,
      in: release.spaceId,
    });
  }
  if (environment.name === 'Production' && random.chance(0.5)) tellArtifact(author, story, deployment);
};

const tellTask = (author: Author, story: Story, queued: Omit<Task, 'state'>): Task => {
  const startedAt = new Date(queued.queuedAt.getTime() + author.random.int(1, 30) * 1000);
  const completedAt = new Date(startedAt.getTime() + author.random.int(20, 900) * 1000);
  const state = author.random.chance(0.06) ? 'Failed' : 'Success';
  const task: Task = { ...queued, state, startedAt, completedAt, nodeId: author.period.nodeId };
  story.tasks.push(task);
  const path = taskLogPath(task.id, author.random.word(10));
  plan(author, story, { folder: 'LogsDirectory', path, content: 'log', title: task.description, at: completedAt });
  return task;
};

const tellArtifact = (author: Author, story: Story, deployment: Deployment): void => {
  const { release, environment, taskId, createdAt, spaceId } = deployment;
  const fileName = author.random.pick(['coverage.zip', 'migration-report.html', 'smoke-test.png', 'Übersicht.pdf']);
  const id = next(author, 'Artifacts');
  const artifact = { id, spaceId, fileName, taskId, release, environmentId: environment.id, createdAt };
  story.artifacts.push(artifact);
  const path = artifactPath(artifact);
  plan(author, story, { folder: 'ArtifactsDirectory', path, content: 'binary', title: fileName, at: createdAt });
};

const tellSystemTask = (author: Author, story: Story, queuedAt: Date): void => {
  const [name, description] = author.random.pick(SYSTEM_TASKS);
  const spaceId = name === 'Health' ? DEFAULT_SPACE : null;
  tellTask(author, story, { id: next(author, 'ServerTasks'), name, description, spaceId, queuedAt, arguments: {} });
};

const tellEventExport = (author: Author, story: Story, at: Date): void => {
  const day = at.toISOString().slice(0, 10);
  const path = `archived-events-${day}-${author.random.word(4)}.jsonl`;
  plan(author, story, { folder: 'EventExportsDirectory', path, content: 'events', title: day, at });
};

type Telling = { category: string; at: Date; message: string; about: string[]; in: string | null };

const tellEvent = (author: Author, story: Story, event: Telling): void => {
  author.numbers.Events += 1;
  story.events.push({
    number: author.numbers.Events,
    category: event.category,
    user: personIn(author),
    occurredAt: event.at,
    message: event.message,
    spaceId: event.in,
    relatedIds: event.about,
  });
};

const personIn = (author: Author): User =>
  author.random.pick(author.infrastructure.users.filter((user) => !user.isService));

/** Sizes are drawn as weights first: a long tail, as real packages and logs have. */
const plan = (author: Author, story: Story, file: Omit<PlannedFile, 'sizeBytes'>): void => {
  story.files.push({ ...file, sizeBytes: 2 ** (author.random.int(0, 60) / 10) });
};

const spreadBytes = (files: PlannedFile[], totalBytes: number): void => {
  for (const [content, share] of Object.entries(SHARES)) {
    const kind = files.filter((file) => file.content === content);
    const weights = kind.reduce((sum, file) => sum + file.sizeBytes, 0);
    for (const file of kind) file.sizeBytes = Math.round((file.sizeBytes / weights) * totalBytes * share);
  }
};

const rowsOf = (author: Author, story: Story): Rows => {
  const sizes = new Map(story.files.map((file) => [file.path, file.sizeBytes]));
  return {
    Release: story.releases.map((release, index) => releaseRow(release, index % 2 === 0)),
    NuGetPackage: story.packages.map((item) => packageRow({ ...item, sizeBytes: sizes.get(packagePath(item)) ?? 0 })),
    Deployment: story.deployments.map(deploymentRow),
    ServerTask: story.tasks.map(taskRow),
    Artifact: story.artifacts.map(artifactRow),
    Event: story.events.map(eventRow),
  };
};

/** How many hours a period of `releaseCount` releases spans on a believable instance. */
export const believableSpanMs = (releaseCount: number): number => releaseCount * 10 * HOUR_MS;
