/**
 * Rows as an Octopus server writes them: one function a kind of document, used by the seed, by a day's work and by the
 * running server alike. Pure: times, ids and randomness come in.
 */
import { gzipSync } from 'node:zlib';
import type { Row } from './database.ts';

export const DEFAULT_SPACE = 'Spaces-1';

/** A document as text. */
export const textDocument = (document: object): Row => ({ JSON: JSON.stringify(document) });
/** A document where the table knows both forms: as text, or as UTF-16 compressed by gzip, the default of the server's mapper. */
export const mixedDocument = (document: object, isCompressed: boolean): Row =>
  isCompressed
    ? { JSON: null, JSONBlob: gzipSync(Buffer.from(JSON.stringify(document), 'utf16le')) }
    : { JSON: JSON.stringify(document), JSONBlob: null };

/** `Projects` + 12: `Projects-12`. */
export const idOf = (collection: string, number: number): string => `${collection}-${number}`;

export type Placed = { id: string; spaceId: string };
export type Project = Placed & { name: string; slug: string; packageId: string };
export type Release = Placed & { version: string; project: Project; assembledAt: Date };
export type Environment = Placed & { name: string };

export type Task = Pick<Placed, 'id'> & {
  name: string;
  description: string;
  /** `null` for a task of the system. */
  spaceId: string | null;
  state: 'Queued' | 'Executing' | 'Success' | 'Failed' | 'Canceled' | 'Cancelling' | 'TimedOut';
  queuedAt: Date;
  startedAt?: Date;
  completedAt?: Date;
  nodeId?: string;
  projectId?: string;
  environmentId?: string;
  hasPendingInterruptions?: boolean;
  arguments: Record<string, unknown>;
};

export const taskRow = (task: Task): Row => ({
  Id: task.id,
  Name: task.name,
  Description: task.description,
  QueueTime: task.queuedAt,
  StartTime: task.startedAt ?? null,
  CompletedTime: task.completedAt ?? null,
  ErrorMessage: null,
  State: task.state,
  ServerNodeId: task.nodeId ?? null,
  ProjectId: task.projectId ?? null,
  EnvironmentId: task.environmentId ?? null,
  TenantId: null,
  HasPendingInterruptions: task.hasPendingInterruptions ?? false,
  HasWarningsOrErrors: task.state === 'Failed',
  SpaceId: task.spaceId,
  ...textDocument({
    Arguments: task.arguments,
    QueueTimeExpiry: null,
    LastUpdatedTime: task.startedAt ?? task.queuedAt,
  }),
});

export const releaseRow = (release: Release, isCompressed: boolean): Row => ({
  Id: release.id,
  Version: release.version,
  Assembled: release.assembledAt,
  ProjectId: release.project.id,
  ChannelId: release.project.id.replace('Projects', 'Channels'),
  SpaceId: release.spaceId,
  ...mixedDocument(
    {
      ReleaseNotes: `Changes in ${release.project.name} ${release.version}`,
      SelectedPackages: [{ ActionName: 'Deploy package', Version: release.version }],
      ProjectVariableSetSnapshotId: `variableset-${release.project.id}-snapshot-${release.version}`,
    },
    isCompressed,
  ),
});

export type Deployment = Placed & {
  release: Release;
  environment: Environment;
  taskId: string;
  createdAt: Date;
  username: string;
};

export const deploymentRow = (deployment: Deployment): Row => ({
  Id: deployment.id,
  Name: `Deploy to ${deployment.environment.name}`,
  Created: deployment.createdAt,
  EnvironmentId: deployment.environment.id,
  ProjectId: deployment.release.project.id,
  ReleaseId: deployment.release.id,
  TenantId: null,
  TaskId: deployment.taskId,
  DeployedBy: deployment.username,
  SpaceId: deployment.spaceId,
  ...textDocument({ Comments: '', ForcePackageDownload: false, DeployedToMachineIds: [] }),
});

/** The words Octopus uses for a deployment's task. */
export const deploymentDescription = (release: Release, environment: Environment): string =>
  `Deploy ${release.project.name} release ${release.version} to ${environment.name}`;

export const deploymentTask = (deployment: Deployment): Omit<Task, 'state'> => ({
  id: deployment.taskId,
  name: 'Deploy',
  description: deploymentDescription(deployment.release, deployment.environment),
  spaceId: deployment.spaceId,
  queuedAt: deployment.createdAt,
  projectId: deployment.release.project.id,
  environmentId: deployment.environment.id,
  arguments: { DeploymentId: deployment.id },
});

export type Package = { packageId: string; version: string; spaceId: string; publishedAt: Date; sizeBytes: number };

export const packageRow = (item: Package): Row => {
  const [major = 0, minor = 0, build = 0] = item.version.split('.').map(Number);
  return {
    Id: `packages-${item.packageId}.${item.version}`,
    PackageId: item.packageId,
    Version: item.version,
    VersionMajor: major,
    VersionMinor: minor,
    VersionBuild: build,
    VersionRevision: 0,
    VersionSpecial: null,
    SpaceId: item.spaceId,
    ...textDocument({ FileExtension: '.nupkg', PackageSizeBytes: item.sizeBytes, Published: item.publishedAt }),
  };
};

/** Where a package lies below the packages folder. */
export const packagePath = (item: Pick<Package, 'packageId' | 'version' | 'spaceId'>): string =>
  `${item.spaceId}/feeds-builtin/${item.packageId}/${item.packageId}.${item.version}.nupkg`;

export type Artifact = Placed & {
  fileName: string;
  taskId: string;
  release: Release;
  environmentId: string;
  createdAt: Date;
};

export const artifactRow = (artifact: Artifact): Row => ({
  Id: artifact.id,
  Filename: artifact.fileName,
  Created: artifact.createdAt,
  ProjectId: artifact.release.project.id,
  EnvironmentId: artifact.environmentId,
  ServerTaskId: artifact.taskId,
  SpaceId: artifact.spaceId,
  ...textDocument({ Source: null, LogCorrelationId: artifact.taskId }),
});

/** Where an artifact lies below the artifacts folder. The real rule is not published; this is the stand-in's. */
export const artifactPath = (artifact: Pick<Artifact, 'id' | 'fileName' | 'spaceId'>): string =>
  `${artifact.spaceId}/${artifact.id.toLowerCase()}_${artifact.fileName}`;

/** Name of a task's log: the task's id in lower case, an underscore, and what makes it unguessable. */
export const taskLogPath = (taskId: string, suffix: string): string => `${taskId.toLowerCase()}_${suffix}.txt`;

export type AuditEvent = {
  number: number;
  category: string;
  user: { id: string; username: string };
  occurredAt: Date;
  message: string;
  spaceId: string | null;
  relatedIds: string[];
};

export const eventRow = (event: AuditEvent): Row => ({
  Id: idOf('Events', event.number),
  AutoId: event.number,
  RelatedDocumentIds: `|${event.relatedIds.join('|')}|`,
  Category: event.category,
  UserId: event.user.id,
  Username: event.user.username,
  Occurred: event.occurredAt,
  Message: event.message,
  SpaceId: event.spaceId,
  ...textDocument({ IdentityEstablishedWith: 'Session cookie', UserAgent: 'OctopusClient', ChangeDetails: {} }),
});
