/** Routes of the server itself: root, maintenance, license, status, configuration, certificate, users, spaces. */
import { memoryUsage } from 'node:process';
import type { Row } from '../data/database.ts';
import type { Answer, Call, Route } from './rest.ts';
import { collection, RestError, selectPage } from './rest.ts';
import type { RunningNode } from '../node/running-node.ts';
import { changeSetting, isInMaintenance, readFolders, readSetting } from '../node/running-node.ts';
import { configurationIds, OCTOPUS_VERSION } from '../seed/settings.ts';

const links = (self: string, others: Record<string, string> = {}): object => ({ Links: { Self: self, ...others } });

const root = async (node: RunningNode): Promise<Answer> => {
  const identity = await readSetting<{ InstallationId: string }>(node, configurationIds.identity);
  return {
    body: {
      Application: 'Octopus Deploy',
      Version: OCTOPUS_VERSION,
      ApiVersion: '3.0.0',
      InstallationId: identity.InstallationId,
      HasLongTermSupport: false,
      ...links('/api', {
        CurrentLicense: '/api/licenses/licenses-current',
        CurrentUser: '/api/users/me',
        MaintenanceConfiguration: '/api/maintenanceconfiguration',
        OctopusServerClusterSummary: '/api/octopusservernodes/summary',
        OctopusServerNodes: '/api/octopusservernodes{/id}{?skip,take,ids,partialName}',
        ServerStatus: '/api/serverstatus',
        Tasks:
          '/api/tasks{/id}{?skip,active,environment,tenant,runbook,project,name,node,running,states,hasPendingInterruptions,hasWarningsOrErrors,take,ids,partialName,spaces,includeSystem}',
      }),
    },
  };
};

const getMaintenance = async (node: RunningNode): Promise<Answer> => ({
  body: {
    Id: 'maintenance',
    IsInMaintenanceMode: await isInMaintenance(node),
    ...links('/api/maintenanceconfiguration'),
  },
});

/** The vendor's own samples send the flag as a boolean or as the text "true". */
export const flagOf = (value: unknown, name: string): boolean => {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw new RestError(400, 'There was a problem with your request.', [
    `${name} is required and must be true or false.`,
  ]);
};

const putMaintenance = async (node: RunningNode, call: Call): Promise<Answer> => {
  const flag = flagOf(call.body['IsInMaintenanceMode'], 'IsInMaintenanceMode');
  if (!node.faults.isMaintenanceIgnored) {
    await changeSetting(node, configurationIds.maintenance, { IsInMaintenanceMode: flag });
  }
  return getMaintenance(node);
};

type License = { LicenseText: string; SerialNumber: string };

const getLicense = async (node: RunningNode): Promise<Answer> => {
  const license = await readSetting<License>(node, configurationIds.license);
  return { body: { Id: 'licenses-current', ...license, ...links('/api/licenses/licenses-current') } };
};

const putLicense = async (node: RunningNode, call: Call): Promise<Answer> => {
  const text = call.body['LicenseText'];
  if (typeof text !== 'string' || !/^\s*<License\s[^>]*Signature="[^"]+"/.test(text)) {
    throw new RestError(400, 'There was a problem with your request.', ['The license text is not a signed license.']);
  }
  await changeSetting(node, configurationIds.license, { LicenseText: text });
  return getLicense(node);
};

const getLicenseStatus = async (node: RunningNode): Promise<Answer> => {
  const { LicenseText, SerialNumber } = await readSetting<License>(node, configurationIds.license);
  const expires = /<MaintenanceExpires>([^<]+)</.exec(LicenseText)?.[1] ?? null;
  const days = expires === null ? 0 : Math.ceil((Date.parse(expires) - Date.now()) / 86_400_000);
  return {
    body: {
      IsCompliant: days > 0,
      ComplianceSummary: days > 0 ? 'Your license is compliant.' : 'Your license has expired.',
      HostingEnvironment: 'SelfHosted',
      EffectiveExpiryDate: expires,
      DaysToEffectiveExpiryDate: days,
      IsTrial: false,
      SerialNumber,
      Messages: [],
      Limits: [],
    },
  };
};

const serverStatus = async (node: RunningNode): Promise<Answer> => ({
  body: {
    IsDatabaseEncrypted: false,
    IsInMaintenanceMode: await isInMaintenance(node),
    IsMajorMinorUpgrade: false,
    IsPotentialClone: false,
    IsUpgradeAvailable: false,
    ...links('/api/serverstatus', { Health: '/api/serverstatus/health', SystemInfo: '/api/serverstatus/system-info' }),
  },
});

const health = async (node: RunningNode): Promise<Answer> => {
  const nodes = await node.database.query<{ IsInMaintenanceMode: boolean }>(
    'SELECT IsInMaintenanceMode FROM [OctopusServerNode]',
  );
  return {
    body: {
      IsOperatingNormally: true,
      Description: 'Octopus is operating normally.',
      IsEntireClusterReadOnly: await isInMaintenance(node),
      IsEntireClusterDrainingTasks: nodes.every((row) => row.IsInMaintenanceMode),
      IsCompliantWithLicense: true,
    },
  };
};

const timeSpan = (ms: number): string => {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const seconds = ms / 1000;
  const days = Math.floor(seconds / 86_400);
  return `${days > 0 ? `${days}.` : ''}${two((seconds / 3600) % 24)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
};

const systemInfo = (node: RunningNode): Promise<Answer> =>
  Promise.resolve({
    body: {
      Version: OCTOPUS_VERSION,
      OSVersion: 'Unix 6.1',
      ClrVersion: '8.0.11',
      WorkingSetBytes: memoryUsage.rss(),
      ThreadCount: 42,
      Uptime: timeSpan(Date.now() - node.startedAt.getTime()),
    },
  });

const COUNTED = {
  Global: { Spaces: 'Space', Users: 'User' },
  Infrastructure: {
    DeploymentTargets: 'Machine',
    Environments: 'DeploymentEnvironment',
    Tenants: 'Tenant',
    Workers: 'Worker',
  },
  Library: { Certificates: 'Certificate', Packages: 'NuGetPackage', VariableSets: 'VariableSet' },
  Project: { Projects: 'Project', Releases: 'Release', Deployments: 'Deployment' },
} as const;

const countRows = async (node: RunningNode, table: string): Promise<number> => {
  const [row] = await node.database.query<{ Total: number }>(`SELECT COUNT(*) AS Total FROM [${table}]`);
  return row?.Total ?? 0;
};

const counts = async (node: RunningNode): Promise<Answer> => {
  const body: Record<string, Record<string, number>> = {};
  for (const [group, tables] of Object.entries(COUNTED)) {
    const numbers: Record<string, number> = {};
    for (const [name, table] of Object.entries(tables)) numbers[name] = await countRows(node, table);
    body[group] = numbers;
  }
  return { body };
};

const feedStats = async (node: RunningNode): Promise<Answer> => ({
  body: { TotalPackages: await countRows(node, 'NuGetPackage') },
});

const certificate = async (node: RunningNode): Promise<Answer> => {
  const [row] = await node.database.query<{ Name: string; Thumbprint: string; JSON: string }>(
    "SELECT Name, Thumbprint, JSON FROM [Certificate] WHERE Id = 'certificate-global'",
  );
  if (row === undefined) throw new RestError(404, "The resource 'certificate-global' was not found.");
  const { SignatureAlgorithm } = JSON.parse(row.JSON) as { SignatureAlgorithm: string };
  const self = '/api/configuration/certificates/certificate-global';
  const { Name, Thumbprint } = row;
  return { body: { Id: 'certificate-global', Name, Thumbprint, SignatureAlgorithm, ...links(self) } };
};

const callerOf = (call: Call): NonNullable<Call['caller']> => {
  if (call.caller === null) throw new RestError(401, 'You must be logged in to request this resource.');
  return call.caller;
};

const me = (_node: RunningNode, call: Call): Promise<Answer> => {
  const caller = callerOf(call);
  return Promise.resolve({
    body: {
      Id: caller.id,
      Username: caller.username,
      DisplayName: caller.displayName,
      IsActive: true,
      IsRequestor: true,
      Identities: [],
      ...links(`/api/users/${caller.id}`, {
        Permissions: `/api/users/${caller.id}/permissions{?spaces,includeSystem}`,
      }),
    },
  });
};

const permissions = (_node: RunningNode, call: Call): Promise<Answer> => {
  const caller = callerOf(call);
  const id = call.names['id'] ?? '';
  if (id !== caller.id && !caller.isAdministrator) {
    throw new RestError(403, 'You do not have permission to perform this action. Missing permission: UserView');
  }
  if (id !== caller.id) throw new RestError(404, `The resource '${id}' was not found.`);
  const everyone = ['SpaceView', 'UserView'];
  return Promise.resolve({
    body: {
      Id: `userpermissions-${id}`,
      SpacePermissions: { TaskView: [], EventView: [] },
      SystemPermissions: caller.isAdministrator ? ['AdministerSystem', 'ConfigureServer', ...everyone] : everyone,
      Teams: [],
      IsPermissionsComplete: true,
      IsTeamsComplete: true,
      ...links(`/api/users/${id}/permissions`),
    },
  });
};

const spaceResource = (row: Row): object => ({
  Id: row['Id'],
  Name: row['Name'],
  Slug: row['Slug'],
  IsDefault: row['IsDefault'],
  TaskQueueStopped: row['TaskQueueStopped'],
  ...links(`/api/spaces/${String(row['Id'])}`),
});

const allSpaces = async (node: RunningNode): Promise<Answer> => ({
  body: (await node.database.query('SELECT * FROM [Space] ORDER BY Id')).map(spaceResource),
});

const listSpaces = async (node: RunningNode, call: Call): Promise<Answer> => {
  const page = await selectPage(node.database, call, { table: 'Space', where: '1 = 1', order: 'Id', parameters: {} });
  return { body: collection(call, { itemType: 'Space', items: page.rows.map(spaceResource), total: page.total }) };
};

const features = async (node: RunningNode): Promise<Answer> => ({
  body: {
    Id: 'features',
    ...(await readSetting(node, configurationIds.features)),
    ...links('/api/featuresconfiguration'),
  },
});

const ADMINISTER = 'AdministerSystem';
const guessed = 'the permission it needs is not published; the strictest is asked for';

export const systemRoutes: readonly Route[] = [
  { method: 'GET', path: '/api', needs: 'nothing', note: 'a few of the links', answer: root },
  { method: 'GET', path: '/api/maintenanceconfiguration', needs: 'key', answer: getMaintenance },
  { method: 'PUT', path: '/api/maintenanceconfiguration', needs: ADMINISTER, answer: putMaintenance },
  { method: 'GET', path: '/api/licenses/licenses-current', needs: ADMINISTER, note: guessed, answer: getLicense },
  {
    method: 'PUT',
    path: '/api/licenses/licenses-current',
    needs: ADMINISTER,
    note: 'the signature is not checked',
    answer: putLicense,
  },
  {
    method: 'GET',
    path: '/api/licenses/licenses-current-status',
    needs: 'key',
    note: 'no limits',
    answer: getLicenseStatus,
  },
  { method: 'GET', path: '/api/serverstatus', needs: 'key', answer: serverStatus },
  { method: 'GET', path: '/api/serverstatus/health', needs: 'key', answer: health },
  { method: 'GET', path: '/api/serverstatus/system-info', needs: ADMINISTER, answer: systemInfo },
  {
    method: 'GET',
    path: '/api/serverstatus/counts',
    needs: 'key',
    note: 'what the stand-in has tables for',
    answer: counts,
  },
  { method: 'GET', path: '/api/feeds/stats', needs: 'key', answer: feedStats },
  {
    method: 'GET',
    path: '/api/configuration/server-folders/values',
    needs: ADMINISTER,
    note: guessed,
    answer: async (node) => ({ body: await readFolders(node) }),
  },
  { method: 'GET', path: '/api/configuration/certificates/certificate-global', needs: 'key', answer: certificate },
  { method: 'GET', path: '/api/featuresconfiguration', needs: 'key', answer: features },
  { method: 'GET', path: '/api/users/me', needs: 'key', answer: me },
  { method: 'GET', path: '/api/users/{id}/permissions', needs: 'key', note: "the caller's own", answer: permissions },
  { method: 'GET', path: '/api/spaces', needs: 'key', answer: listSpaces },
  { method: 'GET', path: '/api/spaces/all', needs: 'key', answer: allSpaces },
];
