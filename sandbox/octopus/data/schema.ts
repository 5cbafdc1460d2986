/**
 * The tables of an Octopus database that the stand-in keeps: a key, a few columns to search by, and a document.
 *
 * A document lies in `JSON` as text or in `JSONBlob` as gzip of UTF-16; a table that has both may use either, row by
 * row. The real schema has many more tables and columns; names here are the real ones.
 */
const DOCUMENT = { JSON: 'nvarchar(max) NULL' } as const;
const MIXED_DOCUMENT = { ...DOCUMENT, JSONBlob: 'varbinary(max) NULL' } as const;
const ID = { Id: 'nvarchar(150) NOT NULL PRIMARY KEY' } as const;
const NAMED = { ...ID, Name: 'nvarchar(200) NOT NULL' } as const;
const SPACE = { SpaceId: 'nvarchar(50) NULL' } as const;
const REFERENCE = 'nvarchar(150) NULL';
const TEXT = 'nvarchar(max) NULL';
const WHEN = 'datetimeoffset NULL';
const FLAG = 'bit NOT NULL';
const NUMBER = 'int NOT NULL';

/** Column name to column type, by table. */
export const tables = {
  Space: { ...NAMED, Slug: 'nvarchar(50) NULL', IsDefault: FLAG, TaskQueueStopped: FLAG, ...DOCUMENT },
  User: {
    ...ID,
    Username: 'nvarchar(200) NOT NULL',
    IsActive: FLAG,
    IsService: FLAG,
    EmailAddress: 'nvarchar(400) NULL',
    ...DOCUMENT,
  },
  ApiKey: { ...ID, ApiKeyHashed: 'nvarchar(200) NOT NULL', UserId: REFERENCE, Created: WHEN, ...DOCUMENT },
  DeploymentEnvironment: { ...NAMED, SortOrder: NUMBER, ...SPACE, ...DOCUMENT },
  Tenant: { ...NAMED, ...SPACE, ...DOCUMENT },
  Project: {
    ...NAMED,
    Slug: 'nvarchar(210) NULL',
    IsDisabled: FLAG,
    VariableSetId: REFERENCE,
    ...SPACE,
    ...DOCUMENT,
  },
  Release: {
    ...ID,
    Version: 'nvarchar(100) NOT NULL',
    Assembled: WHEN,
    ProjectId: REFERENCE,
    ChannelId: REFERENCE,
    ...SPACE,
    ...MIXED_DOCUMENT,
  },
  Deployment: {
    ...NAMED,
    Created: WHEN,
    EnvironmentId: REFERENCE,
    ProjectId: REFERENCE,
    ReleaseId: REFERENCE,
    TenantId: REFERENCE,
    TaskId: REFERENCE,
    DeployedBy: 'nvarchar(200) NULL',
    ...SPACE,
    ...DOCUMENT,
  },
  Machine: {
    ...NAMED,
    IsDisabled: FLAG,
    Roles: TEXT,
    EnvironmentIds: TEXT,
    Thumbprint: 'nvarchar(50) NULL',
    ...SPACE,
    ...DOCUMENT,
  },
  Worker: { ...NAMED, IsDisabled: FLAG, Thumbprint: 'nvarchar(50) NULL', ...SPACE, ...DOCUMENT },
  VariableSet: { ...ID, OwnerId: REFERENCE, Version: NUMBER, IsFrozen: FLAG, ...SPACE, ...MIXED_DOCUMENT },
  Certificate: { ...NAMED, Thumbprint: 'nvarchar(128) NULL', ...SPACE, ...DOCUMENT },
  Account: { ...NAMED, AccountType: 'nvarchar(50) NOT NULL', ...SPACE, ...DOCUMENT },
  Feed: { ...NAMED, FeedType: 'nvarchar(50) NOT NULL', FeedUri: 'nvarchar(512) NULL', ...SPACE, ...DOCUMENT },
  NuGetPackage: {
    ...ID,
    PackageId: 'nvarchar(100) NOT NULL',
    Version: 'nvarchar(349) NOT NULL',
    VersionMajor: NUMBER,
    VersionMinor: NUMBER,
    VersionBuild: NUMBER,
    VersionRevision: NUMBER,
    VersionSpecial: 'nvarchar(250) NULL',
    ...SPACE,
    ...DOCUMENT,
  },
  Artifact: {
    ...ID,
    Filename: 'nvarchar(200) NOT NULL',
    Created: WHEN,
    ProjectId: REFERENCE,
    EnvironmentId: REFERENCE,
    ServerTaskId: REFERENCE,
    ...SPACE,
    ...DOCUMENT,
  },
  ServerTask: {
    ...NAMED,
    Description: TEXT,
    QueueTime: WHEN,
    StartTime: WHEN,
    CompletedTime: WHEN,
    ErrorMessage: TEXT,
    State: 'nvarchar(50) NOT NULL',
    ServerNodeId: REFERENCE,
    ProjectId: REFERENCE,
    EnvironmentId: REFERENCE,
    TenantId: REFERENCE,
    HasPendingInterruptions: FLAG,
    HasWarningsOrErrors: FLAG,
    ...SPACE,
    ...DOCUMENT,
  },
  Event: {
    ...ID,
    AutoId: 'bigint NOT NULL',
    RelatedDocumentIds: TEXT,
    Category: 'nvarchar(50) NOT NULL',
    UserId: REFERENCE,
    Username: 'nvarchar(200) NULL',
    Occurred: WHEN,
    Message: TEXT,
    ...SPACE,
    ...DOCUMENT,
  },
  OctopusServerNode: {
    ...NAMED,
    LastSeen: WHEN,
    Rank: 'nvarchar(50) NOT NULL',
    MaxConcurrentTasks: NUMBER,
    IsInMaintenanceMode: FLAG,
    ...DOCUMENT,
  },
  ProjectTrigger: { ...NAMED, ProjectId: REFERENCE, IsDisabled: FLAG, ...SPACE, ...DOCUMENT },
  Subscription: { ...NAMED, IsDisabled: FLAG, ...SPACE, ...DOCUMENT },
  ExtensionConfiguration: { ...ID, ExtensionAuthor: 'nvarchar(1000) NULL', ...DOCUMENT },
  Configuration: { ...ID, ...DOCUMENT },
  KeyAllocation: { CollectionName: 'nvarchar(50) NOT NULL PRIMARY KEY', Allocated: NUMBER },
  SchemaVersions: { Id: 'int NOT NULL PRIMARY KEY', ScriptName: 'nvarchar(255) NOT NULL', Applied: WHEN },
  OctopusServerInstallationHistory: {
    ...ID,
    Node: 'nvarchar(200) NOT NULL',
    Version: 'nvarchar(50) NULL',
    Installed: WHEN,
    ...DOCUMENT,
  },
} as const satisfies Record<string, Record<string, string>>;

export type TableName = keyof typeof tables;

/** The statement that makes `table`. */
export const createTableStatement = (table: TableName): string => {
  const columns = Object.entries(tables[table]).map(([name, type]) => `[${name}] ${type}`);
  return `CREATE TABLE [${table}] (${columns.join(', ')})`;
};
