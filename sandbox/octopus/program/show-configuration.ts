/**
 * `show-configuration`: settings of the machine and of the database in one output, the password in clear, no master key.
 * Some booleans are booleans and some are the texts "True" and "False", as the original has them.
 */
import { writeFileSync } from 'node:fs';
import { escapeXml, readConfiguration } from '../machine/machine.ts';
import type { Command } from './command.ts';
import { instanceOf, ControlledFailure, withDatabase } from './command.ts';
import { readFolders, readSetting } from '../node/running-node.ts';
import { configurationIds } from '../seed/settings.ts';

type Setting = string | number | boolean | null;
type Tree = { [name: string]: Setting | Tree };

export const showConfiguration: Command = {
  options: { format: 'value', file: 'value' },
  run: async (program, given) => {
    const instance = instanceOf(program, given);
    const own = readConfiguration(instance.configurationPath);
    const nodeId = `OctopusServerNodes-${own['Octopus.Server.NodeName'] ?? ''}`;
    const settings = await withDatabase(instance, async (database) => {
      const folders = await readFolders({ database });
      const license = await readSetting<{ LicenseText: string }>({ database }, configurationIds.license);
      const [node] = await database.query<{ MaxConcurrentTasks: number; IsInMaintenanceMode: boolean }>(
        'SELECT MaxConcurrentTasks, IsInMaintenanceMode FROM [OctopusServerNode] WHERE Id = @nodeId',
        { nodeId },
      );
      return {
        'Octopus.Storage.ExternalDatabaseConnectionString':
          own['Octopus.Storage.ExternalDatabaseConnectionString'] ?? '',
        'Octopus.Server.NodeName': own['Octopus.Server.NodeName'] ?? '',
        'Octopus.Server.TaskCap': node?.MaxConcurrentTasks ?? null,
        'Octopus.Server.MaintenanceMode': node?.IsInMaintenanceMode === true ? 'True' : 'False',
        'Octopus.Server.License': license.LicenseText,
        'Octopus.Home': own['Octopus.Home'] ?? '',
        'Octopus.Folders.LogDirectory': folders.LogsDirectory,
        'Octopus.Folders.ArtifactsDirectory': folders.ArtifactsDirectory,
        'Octopus.Folders.PackagesDirectory': folders.PackagesDirectory,
        'Octopus.Communications.ServicesPort': Number(own['Octopus.Communications.ServicesPort'] ?? 0),
        'Octopus.WebPortal.ListenPrefixes': own['Octopus.WebPortal.ListenPrefixes'] ?? '',
        'Octopus.WebPortal.ForceSSL': false,
        'Octopus.Watchdog.Enabled': false,
        'Octopus.Smtp.SmtpPassword': null,
      };
    });
    const text = render(settings, given.get('format') ?? 'XML');
    const file = given.get('file');
    if (file === undefined) program.print(text);
    else writeFileSync(file, text, { mode: 0o600 });
  },
};

const render = (settings: Record<string, Setting>, format: string): string => {
  if (format === 'json') return JSON.stringify(settings, null, 2);
  if (format === 'json-hierarchical') return JSON.stringify(treeOf(settings), null, 2);
  if (format.toUpperCase() !== 'XML') throw new ControlledFailure(`The format '${format}' is not supported.`);
  const lines = Object.entries(settings).map(
    ([key, value]) => `  <set key="${key}">${escapeXml(String(value ?? ''))}</set>`,
  );
  return ['<?xml version="1.0" encoding="utf-8"?>', '<octopus-settings>', ...lines, '</octopus-settings>'].join('\n');
};

/** `Octopus.Server.TaskCap` becomes `{ Octopus: { Server: { TaskCap } } }`. */
const treeOf = (settings: Record<string, Setting>): Tree => {
  const tree: Tree = {};
  for (const [key, value] of Object.entries(settings)) {
    const parts = key.split('.');
    const last = parts.pop() ?? key;
    let place = tree;
    for (const part of parts) place = (place[part] ??= {}) as Tree;
    place[last] = value;
  }
  return tree;
};
