/** The commands of the `Octopus.Server` program that need no more than a few lines each; `show-configuration` is apart. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMasterKey } from '../data/cipher.ts';
import {
  createInstance,
  deleteInstance,
  findInstance,
  listInstances,
  protect,
  readConfiguration,
  unprotect,
} from '../machine/machine.ts';
import type { Arguments, Command, Program } from './command.ts';
import {
  booleanOf,
  changeConfiguration,
  ControlledFailure,
  DEFAULT_INSTANCE,
  instanceOf,
  withDatabase,
} from './command.ts';
import { showConfiguration } from './show-configuration.ts';
import { changeSetting, readFolders } from '../node/running-node.ts';
import { apiKeyRow } from '../seed/infrastructure.ts';
import { configurationIds, OCTOPUS_VERSION } from '../seed/settings.ts';
import { requestService } from '../machine/service.ts';

const SERVICE_TIMEOUT_MS = 30_000;

const showMasterKey: Command = {
  options: { format: 'value' },
  run: (program, given) => {
    if (program.faults.isOld && given.has('format'))
      throw new ControlledFailure('Unrecognized command line arguments: --format');
    const wrapped = readConfiguration(instanceOf(program, given).configurationPath)['Octopus.Storage.MasterKey'];
    if (wrapped === undefined || program.faults.isKeyUnreadable)
      throw new ControlledFailure('The master key could not be read.');
    let masterKey: string;
    try {
      masterKey = unprotect(program.machine, wrapped);
    } catch {
      throw new ControlledFailure('The master key could not be decrypted on this machine.');
    }
    program.print(
      given.get('format')?.toLowerCase() === 'json' ? JSON.stringify({ MasterKey: masterKey }, null, 2) : masterKey,
    );
  },
};

const setMasterKey: Command = {
  options: { masterKey: 'value' },
  run: (program, given) => {
    changeConfiguration(instanceOf(program, given), { 'Octopus.Storage.MasterKey': wrappedKey(program, given) });
    program.print('The master key has been updated.');
  },
};

const wrappedKey = (program: Program, given: Arguments): string => {
  const masterKey = given.get('masterKey') ?? '';
  if (!isMasterKey(masterKey)) throw new ControlledFailure('The master key is not 128 or 256 bits of base64.');
  return protect(program.machine, masterKey);
};

const database: Command = {
  options: {
    connectionString: 'value',
    masterKey: 'value',
    create: 'flag',
    upgrade: 'flag',
    grant: 'value',
    skipLicenseCheck: 'flag',
    skipDatabaseCompatibilityCheck: 'flag',
  },
  run: async (program, given) => {
    const instance = instanceOf(program, given);
    if (given.has('masterKey'))
      changeConfiguration(instance, { 'Octopus.Storage.MasterKey': wrappedKey(program, given) });
    const connectionString = given.get('connectionString');
    if (connectionString !== undefined) {
      changeConfiguration(instance, { 'Octopus.Storage.ExternalDatabaseConnectionString': connectionString });
    }
    if (given.has('create') || given.has('upgrade')) {
      await withDatabase(instance, async (open) => open.query('SELECT COUNT(*) AS Total FROM [SchemaVersions]'));
      program.print('The database exists and is up to date.');
    }
  },
};

const node: Command = {
  options: { drain: 'value', wait: 'value', 'cancel-tasks': 'flag', taskCap: 'value' },
  run: async (program, given) => {
    const instance = instanceOf(program, given);
    const drain = given.get('drain');
    const isDraining = drain === undefined ? null : booleanOf('drain', drain);
    if (isDraining !== true && (given.has('wait') || given.has('cancel-tasks'))) {
      throw new ControlledFailure('--wait and --cancel-tasks can only be used with --drain=true.');
    }
    const id = `OctopusServerNodes-${readConfiguration(instance.configurationPath)['Octopus.Server.NodeName'] ?? ''}`;
    await withDatabase(instance, async (open) => {
      if (given.has('taskCap')) {
        const cap = Number(given.get('taskCap'));
        await open.execute('UPDATE [OctopusServerNode] SET MaxConcurrentTasks = @cap WHERE Id = @id', { id, cap });
      }
      if (isDraining === null) return;
      const changed = await open.execute(
        'UPDATE [OctopusServerNode] SET IsInMaintenanceMode = @isDraining WHERE Id = @id',
        { id, isDraining },
      );
      if (changed === 0) throw new ControlledFailure(`The node ${id} is not registered.`);
      if (!isDraining) return;
      const givenUpAt = Date.now() + Number(given.get('wait') ?? 0) * 1000;
      const running = "FROM [ServerTask] WHERE ServerNodeId = @id AND State IN ('Executing', 'Cancelling')";
      const isBusy = async (): Promise<boolean> =>
        (await open.query(`SELECT TOP (1) Id ${running}`, { id })).length > 0;
      while (Date.now() < givenUpAt && (await isBusy())) await sleep(250);
      if (given.has('cancel-tasks')) {
        await open.execute(
          "UPDATE [ServerTask] SET State = 'Cancelling', HasPendingInterruptions = @no WHERE ServerNodeId = @id AND State = 'Executing'",
          { id, no: false },
        );
      }
    });
    if (isDraining !== null) program.print(`Node ${id} is ${isDraining ? '' : 'no longer '}draining tasks.`);
  },
};

const service: Command = {
  options: { start: 'flag', stop: 'flag', restart: 'flag' },
  run: async (program, given) => {
    const { name } = instanceOf(program, given);
    const acts = (['start', 'stop', 'restart'] as const).filter((act) => given.has(act));
    if (acts.length !== 1) throw new ControlledFailure('Exactly one of --start, --stop and --restart is needed.');
    const states = { start: ['running'], stop: ['stopped'], restart: ['stopped', 'running'] } as const;
    for (const state of states[acts[0] ?? 'start']) {
      const status = await requestService(program.machine, name, { state, timeoutMs: SERVICE_TIMEOUT_MS });
      if (status?.state !== state)
        throw new ControlledFailure(
          `The service is not ${state}: ${status?.reason ?? 'no answer from the service manager'}`,
        );
      program.print(`Service ${state === 'running' ? 'started' : 'stopped'}`);
    }
  },
};

const license: Command = {
  options: { licenseBase64: 'value', licenseFile: 'value', skipLicenseCheck: 'flag' },
  run: async (program, given) => {
    const base64 = given.get('licenseBase64');
    const file = given.get('licenseFile');
    if ((base64 === undefined) === (file === undefined))
      throw new ControlledFailure('One of --licenseBase64 and --licenseFile is needed.');
    const text =
      base64 === undefined ? readFileSync(file ?? '', 'utf8') : Buffer.from(base64, 'base64').toString('utf8');
    if (!text.includes('<License ')) throw new ControlledFailure('The text is not a license.');
    await withDatabase(instanceOf(program, given), async (open) =>
      changeSetting({ database: open }, configurationIds.license, { LicenseText: text }),
    );
  },
};

const admin: Command = {
  options: { username: 'value', email: 'value', password: 'value', apiKey: 'value', wait: 'value' },
  run: async (program, given) => {
    const username = given.get('username') ?? '';
    const apiKey = given.get('apiKey');
    await withDatabase(instanceOf(program, given), async (open) => {
      const [user] = await open.query<{ Id: string; JSON: string }>(
        'SELECT Id, JSON FROM [User] WHERE Username = @username',
        { username },
      );
      if (user === undefined) throw new ControlledFailure(`There is no user ${username}.`);
      const document = { ...(JSON.parse(user.JSON) as object), TeamIds: ['teams-administrators', 'teams-everyone'] };
      await open.execute('UPDATE [User] SET JSON = @json WHERE Id = @id', {
        id: user.Id,
        json: JSON.stringify(document),
      });
      if (apiKey === undefined) return;
      const key = apiKeyRow(apiKey, { id: `apikeys-${randomUUID()}`, userId: user.Id, created: new Date() });
      await open.execute('DELETE FROM [ApiKey] WHERE ApiKeyHashed = @hash', { hash: key['ApiKeyHashed'] ?? null });
      await open.insert('ApiKey', [key]);
    });
  },
};

/** Option of `path` to key of the folder settings. */
const PATHS = {
  nugetRepository: 'PackagesDirectory',
  artifacts: 'ArtifactsDirectory',
  taskLogs: 'LogsDirectory',
  eventExports: 'EventExportsDirectory',
  imports: 'ImportsDirectory',
  telemetry: 'TelemetryDirectory',
} as const;

const path: Command = {
  options: Object.fromEntries(Object.keys(PATHS).map((option) => [option, 'value' as const])),
  run: async (program, given) => {
    const changed = Object.entries(PATHS).flatMap(([option, key]) =>
      given.has(option) ? [[key, given.get(option)]] : [],
    );
    await withDatabase(instanceOf(program, given), async (open) => {
      const folders = await readFolders({ database: open });
      await changeSetting({ database: open }, configurationIds.folders, { ...folders, ...Object.fromEntries(changed) });
    });
  },
};

const configure: Command = {
  options: { home: 'value', webListenPrefixes: 'value', commsListenPort: 'value', serverNodeName: 'value' },
  run: (program, given) => {
    const instance = instanceOf(program, given);
    const keys = {
      home: 'Octopus.Home',
      webListenPrefixes: 'Octopus.WebPortal.ListenPrefixes',
      commsListenPort: 'Octopus.Communications.ServicesPort',
      serverNodeName: 'Octopus.Server.NodeName',
    };
    const changed = Object.entries(keys).flatMap(([option, key]) =>
      given.has(option) ? [[key, given.get(option)]] : [],
    );
    changeConfiguration(instance, Object.fromEntries(changed));
  },
};

const newInstance: Command = {
  options: { config: 'value', home: 'value', serverNodeName: 'value' },
  run: (program, given) => {
    const name = given.get('instance') ?? DEFAULT_INSTANCE;
    if (findInstance(program.machine, name) !== null) throw new ControlledFailure(`Instance ${name} exists already.`);
    const home = given.get('home') ?? join(program.machine, 'home');
    const configurationPath = given.get('config') ?? join(home, `OctopusServer-${name}.config`);
    mkdirSync(dirname(configurationPath), { recursive: true });
    const settings = existsSync(configurationPath)
      ? readConfiguration(configurationPath)
      : { 'Octopus.Home': home, 'Octopus.Server.NodeName': given.get('serverNodeName') ?? name };
    createInstance(program.machine, { name, configurationPath, settings });
  },
};

const list: Command = {
  options: { format: 'value' },
  run: (program, given) => {
    const instances = listInstances(program.machine);
    if (given.get('format')?.toLowerCase() === 'json') {
      const named = instances.map(({ name, configurationPath }) => ({
        InstanceName: name,
        ConfigurationFilePath: configurationPath,
      }));
      program.print(JSON.stringify(named, null, 2));
      return;
    }
    for (const { name, configurationPath } of instances)
      program.print(`Instance '${name}' uses configuration '${configurationPath}'.`);
  },
};

export const commands: Readonly<Record<string, Command | undefined>> = {
  admin,
  configure,
  'create-instance': newInstance,
  database,
  'delete-instance': { run: (program, given) => deleteInstance(program.machine, instanceOf(program, given).name) },
  license,
  'list-instances': list,
  node,
  path,
  service,
  'set-master-key': setMasterKey,
  'show-configuration': showConfiguration,
  'show-master-key': showMasterKey,
  version: {
    options: { format: 'value' },
    run: (program, given) =>
      program.print(
        given.get('format') === 'json' ? JSON.stringify({ InformationalVersion: OCTOPUS_VERSION }) : OCTOPUS_VERSION,
      ),
  },
};
