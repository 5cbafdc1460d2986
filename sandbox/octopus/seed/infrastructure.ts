/**
 * What an instance stands on before anything was deployed: spaces, environments, people, machines, projects.
 * Pure and seeded. Secrets, settings and history are in the files beside.
 */
import { hashApiKey } from '../data/cipher.ts';
import type { Row } from '../data/database.ts';
import type { Random } from '../data/random.ts';
import type { Environment, Project } from '../data/rows.ts';
import { DEFAULT_SPACE, idOf, textDocument } from '../data/rows.ts';
import type { TableName } from '../data/schema.ts';

export type Rows = Partial<Record<TableName, Row[]>>;

export type User = { id: string; username: string; displayName: string; isService: boolean; isAdministrator: boolean };

export type Infrastructure = {
  users: User[];
  projects: Project[];
  environments: Environment[];
  rows: Rows;
};

const SPACES = [
  {
    id: DEFAULT_SPACE,
    name: 'Default',
    projects: ['Octo Portal', 'Identity Service', 'Notification Hub', 'Search Indexer'],
  },
  { id: 'Spaces-2', name: 'Payments', projects: ['Payments API', 'Ledger', 'Fraud Scoring', 'Settlement Batch'] },
  { id: 'Spaces-3', name: 'Retail', projects: ['Storefront', 'Checkout', 'Inventory Sync', 'Loyalty'] },
] as const;
const ENVIRONMENTS = ['Development', 'Test', 'Production'] as const;
const PEOPLE = [
  'Ana Duarte',
  'Ben Okafor',
  'Chiara Lindqvist',
  'Dev Patel',
  'Elif Şahin',
  'Finn O’Malley',
  'Grace Kim',
];
const ROLES = ['web-server', 'app-server', 'batch-runner', 'db-client'] as const;
const TENANTS = ['Northwind', 'Contoso', 'Fabrikam', 'Tailspin', 'Wingtip', 'Zürich Filiale'];
const MACHINES_PER_ENVIRONMENT = 4;

export const spaceIds: readonly string[] = SPACES.map((space) => space.id);

const slugOf = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

const users = (): User[] => [
  { id: 'Users-1', username: 'admin', displayName: 'Administrator', isService: false, isAdministrator: true },
  { id: 'Users-2', username: 'octo-keeper', displayName: 'Octo Keeper', isService: true, isAdministrator: true },
  { id: 'Users-3', username: 'dashboard', displayName: 'Dashboard screen', isService: true, isAdministrator: false },
  ...PEOPLE.map((displayName, index) => ({
    id: idOf('Users', index + 4),
    username: slugOf(displayName.split(' ')[0] ?? ''),
    displayName,
    isService: false,
    isAdministrator: index === 0,
  })),
];

const userRow = (user: User): Row => ({
  Id: user.id,
  Username: user.username,
  IsActive: true,
  IsService: user.isService,
  EmailAddress: user.isService ? null : `${user.username}@example.com`,
  ...textDocument({
    DisplayName: user.displayName,
    SecurityGroups: [],
    TeamIds: user.isAdministrator ? ['teams-administrators', 'teams-everyone'] : ['teams-everyone'],
  }),
});

/** A row that lets whoever holds `apiKey` in as `userId`. */
export const apiKeyRow = (apiKey: string, key: { id: string; userId: string; created: Date }): Row => ({
  Id: key.id,
  ApiKeyHashed: hashApiKey(apiKey),
  UserId: key.userId,
  Created: key.created,
  ...textDocument({ Purpose: 'Automation', Expires: null }),
});

const projectsOf = (space: (typeof SPACES)[number], first: number): Project[] =>
  space.projects.map((name, index) => ({
    id: idOf('Projects', first + index),
    spaceId: space.id,
    name,
    slug: slugOf(name),
    packageId: `Acme.${name.replaceAll(' ', '')}`,
  }));

const projectRow = (project: Project): Row => ({
  Id: project.id,
  Name: project.name,
  Slug: project.slug,
  IsDisabled: false,
  VariableSetId: `variableset-${project.id}`,
  SpaceId: project.spaceId,
  ...textDocument({ Description: `Deploys ${project.name}`, ReleaseCreationStrategy: {}, AutoCreateRelease: false }),
});

const triggerRow = (project: Project, number: number): Row => ({
  Id: idOf('ProjectTriggers', number),
  Name: `Nightly ${project.name}`,
  ProjectId: project.id,
  IsDisabled: number % 4 === 0,
  SpaceId: project.spaceId,
  ...textDocument({ Filter: { FilterType: 'OnceDailySchedule' }, Action: { ActionType: 'DeployLatestRelease' } }),
});

const environmentRow = (environment: Environment, sortOrder: number): Row => ({
  Id: environment.id,
  Name: environment.name,
  SortOrder: sortOrder,
  SpaceId: environment.spaceId,
  ...textDocument({ Description: '', UseGuidedFailure: environment.name === 'Production' }),
});

const machineRow = (environment: Environment, machine: { number: number; random: Random }): Row => ({
  Id: idOf('Machines', machine.number),
  Name: `${environment.name.slice(0, 4).toLowerCase()}-${String(machine.number).padStart(3, '0')}`,
  IsDisabled: machine.number % 11 === 0,
  Roles: `|${machine.random.pick(ROLES)}|`,
  EnvironmentIds: `|${environment.id}|`,
  Thumbprint: machine.random.bytes(20).toString('hex').toUpperCase(),
  SpaceId: environment.spaceId,
  ...textDocument({
    Endpoint: { CommunicationStyle: 'TentaclePassive', Uri: `https://10.0.4.${machine.number}:10933/` },
  }),
});

const workerRow = (number: number, random: Random): Row => ({
  Id: idOf('Workers', number),
  Name: `worker-${number}`,
  IsDisabled: false,
  Thumbprint: random.bytes(20).toString('hex').toUpperCase(),
  SpaceId: DEFAULT_SPACE,
  ...textDocument({ WorkerPoolIds: ['WorkerPools-1'], Endpoint: { CommunicationStyle: 'TentacleActive' } }),
});

/** Everything that is there on the first day; `random` decides addresses and thumbprints. */
export const seedInfrastructure = (random: Random): Infrastructure => {
  const people = users();
  const projects = SPACES.flatMap((space, index) => projectsOf(space, index * 4 + 1));
  const environments = SPACES.flatMap((space, index) =>
    ENVIRONMENTS.map((name, position) => ({
      id: idOf('Environments', index * 3 + position + 1),
      spaceId: space.id,
      name,
    })),
  );
  const machineEnvironments = environments.flatMap((environment) =>
    Array.from({ length: MACHINES_PER_ENVIRONMENT }, () => environment),
  );
  return {
    users: people,
    projects,
    environments,
    rows: {
      Space: SPACES.map(({ id, name }) => ({
        Id: id,
        Name: name,
        Slug: slugOf(name),
        IsDefault: id === DEFAULT_SPACE,
        TaskQueueStopped: false,
        ...textDocument({ SpaceManagersTeams: [`teams-spacemanagers-${id}`], SpaceManagersTeamMembers: ['Users-1'] }),
      })),
      User: people.map(userRow),
      DeploymentEnvironment: environments.map((environment, index) => environmentRow(environment, index % 3)),
      Project: projects.map(projectRow),
      ProjectTrigger: projects.map((project, index) => triggerRow(project, index + 1)),
      Machine: machineEnvironments.map((environment, index) => machineRow(environment, { number: index + 1, random })),
      Worker: [1, 2, 3].map((number) => workerRow(number, random)),
      Tenant: TENANTS.map((name, index) => ({
        Id: idOf('Tenants', index + 1),
        Name: name,
        SpaceId: 'Spaces-3',
        ...textDocument({ ProjectEnvironments: { 'Projects-9': ['Environments-9'] }, TenantTags: [] }),
      })),
      Subscription: [
        {
          Id: 'Subscriptions-1',
          Name: 'Failed production deployments',
          IsDisabled: false,
          SpaceId: DEFAULT_SPACE,
          ...textDocument({ Type: 'Event', EventNotificationSubscription: { EmailTeams: ['teams-everyone'] } }),
        },
      ],
    },
  };
};
