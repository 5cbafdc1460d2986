/**
 * An instance's own settings: maintenance flag, folder places, features, license, identity, schema journal, node rows.
 * Ids of `Configuration` rows beyond `upgradeavailability` are this stand-in's.
 */
import { join } from 'node:path';
import type { Row } from '../data/database.ts';
import { escapeXml } from '../machine/machine.ts';
import type { Random } from '../data/random.ts';
import { textDocument } from '../data/rows.ts';
import type { Rows } from './infrastructure.ts';

/** The version the stand-in says it is. */
export const OCTOPUS_VERSION = '2024.4.7106';

/** `Configuration` rows the server reads and writes. */
export const configurationIds = {
  maintenance: 'maintenance',
  folders: 'server-folders',
  features: 'features',
  license: 'licenses-current',
  identity: 'upgradeavailability',
  mail: 'smtp',
} as const;

/** Keys of the folder settings, and the folders' names below the home directory. */
export const FOLDERS = {
  PackagesDirectory: 'Packages',
  ArtifactsDirectory: 'Artifacts',
  LogsDirectory: 'TaskLogs',
  EventExportsDirectory: 'EventExports',
  ImportsDirectory: 'Imports',
  TelemetryDirectory: 'Telemetry',
} as const;
export type FolderKey = keyof typeof FOLDERS;

const DAY_MS = 86_400_000;
const PREVIOUS_VERSION = '2024.3.12899';
const SCRIPT_COUNT = 240;

/** The license text; its signature covers it byte for byte. */
const licenseText = (random: Random, now: Date): string => {
  const day = (offset: number): string => new Date(now.getTime() + offset * DAY_MS).toISOString().slice(0, 10);
  const fields = {
    LicensedTo: 'Acme & Sons GmbH',
    LicenseKey: random
      .bytes(20)
      .toString('hex')
      .toUpperCase()
      .replaceAll(/(.{5})(?=.)/g, '$1-'),
    Version: '2.0',
    ValidFrom: day(-200),
    MaintenanceExpires: day(165),
    ProjectLimit: 'Unlimited',
    MachineLimit: '100',
    UserLimit: 'Unlimited',
    NodeLimit: '2',
  };
  const lines = Object.entries(fields).map(([name, value]) => `  <${name}>${escapeXml(value)}</${name}>`);
  return [`<License Signature="${random.bytes(128).toString('base64')}">`, ...lines, '</License>'].join('\n');
};

const configurationRow = (id: string, document: object): Row => ({ Id: id, ...textDocument(document) });

const uuidOf = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const upgradeScripts = (now: Date): Row[] =>
  Array.from({ length: SCRIPT_COUNT }, (_, index) => ({
    Id: index + 1,
    ScriptName: `Octopus.Core.UpgradeScripts.Script${String(index + 1).padStart(4, '0')} - Schema step.sql`,
    Applied: new Date(now.getTime() - (SCRIPT_COUNT - index) * DAY_MS),
  }));

/** A node as it registers itself. */
export const nodeRow = (name: string, lastSeen: Date): Row => ({
  Id: `OctopusServerNodes-${name}`,
  Name: name,
  LastSeen: lastSeen,
  Rank: 'Leader',
  MaxConcurrentTasks: 5,
  IsInMaintenanceMode: false,
  ...textDocument({ Version: OCTOPUS_VERSION }),
});

/** A line in the history of installed versions. */
export const installationRow = (id: number, installation: { node: string; version: string; at: Date }): Row => ({
  Id: `OctopusServerInstallationHistory-${id}`,
  Node: installation.node,
  Version: installation.version,
  Installed: installation.at,
  ...textDocument({}),
});

/** The rows of an instance whose home directory is `home`. */
export const seedSettings = (random: Random, instance: { home: string; nodeName: string; now: Date }): Rows => {
  const { home, nodeName, now } = instance;
  const folders = Object.entries(FOLDERS).map(([key, name]) => [key, join(home, name)]);
  return {
    Configuration: [
      configurationRow(configurationIds.maintenance, { IsInMaintenanceMode: false }),
      configurationRow(configurationIds.folders, Object.fromEntries(folders)),
      configurationRow(configurationIds.features, {
        IsBuiltInWorkerEnabled: true,
        IsCommunityActionTemplatesEnabled: true,
      }),
      configurationRow(configurationIds.license, { LicenseText: licenseText(random, now), SerialNumber: '4711' }),
      configurationRow(configurationIds.mail, {
        SmtpHost: 'mail.example.com',
        SmtpPort: 587,
        SendEmailFrom: 'octopus@example.com',
        EnableSsl: true,
      }),
      configurationRow(configurationIds.identity, {
        InstallationId: uuidOf(random.bytes(16)),
        ShowNotifications: true,
      }),
    ],
    OctopusServerNode: [nodeRow(nodeName, now)],
    OctopusServerInstallationHistory: [
      installationRow(1, { node: nodeName, version: PREVIOUS_VERSION, at: new Date(now.getTime() - 120 * DAY_MS) }),
      installationRow(2, { node: nodeName, version: OCTOPUS_VERSION, at: new Date(now.getTime() - 30 * DAY_MS) }),
    ],
    SchemaVersions: upgradeScripts(now),
  };
};
