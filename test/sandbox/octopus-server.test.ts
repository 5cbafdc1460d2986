import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createInstance,
  protect,
  readConfiguration,
  writeConfiguration,
} from '../../sandbox/octopus/machine/machine.ts';
import { losePackage } from '../../sandbox/octopus/folder-faults.ts';
import { readStatus, requestService } from '../../sandbox/octopus/machine/service.ts';
import { foldersBelow } from '../../sandbox/octopus/seed.ts';
import { serves, startOctopus } from '../../sandbox/octopus/server.ts';
import type { OctopusPlace } from './octopus-place.ts';
import { openPlace } from './octopus-place.ts';

const NODE = 'OctopusServerNodes-prod-1';
const ALL = 'spaces=all&includeSystem=true';
const untilSoon = { timeout: 20_000, interval: 30 };

let place: OctopusPlace;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(async () => place.close());

const setMaintenance = async (isOn: boolean): Promise<unknown> =>
  place.call('/api/maintenanceconfiguration', {
    method: 'PUT',
    body: { Id: 'maintenance', IsInMaintenanceMode: isOn },
  });
const setNode = async (change: object): Promise<{ status: number }> =>
  place.call(`/api/octopusservernodes/${NODE}`, {
    method: 'PUT',
    body: { Id: NODE, MaxConcurrentTasks: 5, IsInMaintenanceMode: false, ...change },
  });
const taskOf = async (id: string): Promise<Record<string, unknown>> => (await place.call(`/api/tasks/${id}`)).body;
const untilState = async (id: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect((await taskOf(id))['State']).toBe(state), untilSoon);
/** Waits until the queue has turned so many times: each turn renews the node's heartbeat. */
const untilTurned = async (times: number): Promise<void> => {
  const seen = new Set<unknown>();
  await vi.waitFor(async () => {
    seen.add((await place.call('/api/octopusservernodes/ping')).body['LastSeen']);
    expect(seen.size).toBeGreaterThan(times);
  }, untilSoon);
};
const queue = async (task: object, space = ''): Promise<string> => {
  const body = { Name: 'Health', Description: 'check', ...task };
  return String((await place.call(`/api${space}/tasks`, { method: 'POST', body })).body['Id']);
};
const ids = (body: Record<string, unknown>): string[] => (body['Items'] as { Id: string }[]).map((item) => item.Id);

afterEach(async () => {
  place.octopus.faults.areTasksEndless = false;
  await setMaintenance(false);
  await setNode({});
});

/** A resource of the kind that the path speaks of. */
const idFor = async (path: string): Promise<string> => {
  const kinds = { packages: 'NuGetPackage', artifacts: 'Artifact', projecttriggers: 'ProjectTrigger' };
  const table = Object.entries(kinds).find(([kind]) => path.includes(kind))?.[1];
  if (table !== undefined)
    return (await place.database.query<{ Id: string }>(`SELECT TOP (1) Id FROM [${table}]`))[0]!.Id;
  if (path.includes('subscriptions')) return 'Subscriptions-1';
  if (path.includes('users')) return 'Users-2';
  return path.includes('nodes') ? NODE : 'ServerTasks-1';
};

/** Also of an answer that is no JSON. */
const statusOf = async (
  path: string,
  { method, body }: { method: string; body?: object | undefined },
): Promise<number> => {
  const response = await fetch(`${place.octopus.url}${path}`, {
    method,
    headers: { 'X-Octopus-ApiKey': place.instance.apiKey },
    body: body === undefined ? null : JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
};

describe('the table of operations', () => {
  it('is what is served', async () => {
    for (const { operation, extent } of serves) {
      const [method = '', path = ''] = operation.split(' ');
      const concrete = path.replace('{id}', await idFor(path));
      const status = await statusOf(concrete, { method, body: method === 'GET' ? undefined : {} });
      const allowed = extent === 'none' ? [404, 405] : [200, 201, 400];
      expect({ operation, isAllowed: allowed.includes(status) }).toEqual({ operation, isAllowed: true });
    }
  });
});

type Refused = {
  what: string;
  path: string;
  as?: 'nobody' | 'stranger' | 'reader';
  method?: string;
  body?: object;
  status: number;
};

const refusals: Refused[] = [
  { what: 'no key', path: '/api/users/me', as: 'nobody', status: 401 },
  { what: 'an unknown key', path: '/api/tasks', as: 'stranger', status: 401 },
  { what: 'no permission', path: '/api/maintenanceconfiguration', method: 'PUT', body: {}, as: 'reader', status: 403 },
  { what: 'a reader who wants the license', path: '/api/licenses/licenses-current', as: 'reader', status: 403 },
  { what: 'an unknown route', path: '/api/backupconfiguration', status: 404 },
  { what: 'an unknown task', path: '/api/tasks/ServerTasks-0', status: 404 },
  { what: 'another method', path: '/api/serverstatus', method: 'DELETE', status: 405 },
  { what: 'no flag', path: '/api/maintenanceconfiguration', method: 'PUT', body: {}, status: 400 },
  { what: 'an odd page', path: '/api/tasks?skip=-1', status: 400 },
  { what: 'an unknown state', path: '/api/tasks?states=Sleeping', status: 400 },
  {
    what: 'a task nobody may queue',
    path: '/api/tasks',
    method: 'POST',
    body: { Name: 'Backup', Description: '' },
    status: 400,
  },
];

describe('refusals', () => {
  it.each(refusals)('answers $what in the API’s own form', async ({ path, as, status, ...request }) => {
    const { apiKey, readerApiKey } = place.instance;
    const key = as === undefined ? apiKey : { nobody: null, stranger: 'API-NONE', reader: readerApiKey }[as];
    const answer = await place.call(path, { ...request, apiKey: key });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ ErrorMessage: expect.any(String), Errors: expect.any(Array) });
  });

  it('let the root and ping pass without a key', async () => {
    expect((await place.call('/api', { apiKey: null })).body).toMatchObject({
      Version: expect.any(String),
      ApiVersion: '3.0.0',
    });
    expect((await place.call('/api/octopusservernodes/ping', { apiKey: null })).status).toBe(200);
  });
});

describe('collections', () => {
  it('lead from page to page until the last', async () => {
    const found: string[] = [];
    let path: string | undefined = `/api/tasks?${ALL}&take=20`;
    while (path !== undefined) {
      const { body } = await place.call(path);
      found.push(...ids(body));
      path = (body['Links'] as Record<string, string>)['Page.Next'];
    }
    const { body } = await place.call(`/api/tasks?${ALL}&take=1000`);
    expect(body['TotalResults']).toBe(found.length);
    expect(found).toEqual(ids(body));
  });

  it('hold the default space only, unless spaces and system are asked for', async () => {
    await setNode({ IsInMaintenanceMode: true });
    const here = await queue({});
    const there = await queue({}, '/Spaces-2');
    const nowhere = await queue({ SpaceId: null });
    const listed = async (query: string): Promise<string[]> => {
      const active = ids((await place.call(`/api/tasks?active=true&take=500${query}`)).body);
      return [here, there, nowhere].filter((id) => active.includes(id));
    };
    expect(await listed('')).toEqual([here]);
    expect(await listed('&includeSystem=true')).toEqual([here, nowhere]);
    expect(await listed('&spaces=all')).toEqual([here, there]);
    expect(await listed(`&${ALL}`)).toEqual([here, there, nowhere]);
  });
});

describe('the task queue', () => {
  it('takes a task from queued to success, with log and events', async () => {
    const id = await place.octopus.deploy();
    await untilState(id, 'Success');
    const logs = readdirSync(foldersBelow(place.instance.home).LogsDirectory);
    expect(logs.filter((name) => name.startsWith(`${id.toLowerCase()}_`))).toHaveLength(1);
    await vi.waitFor(async () => {
      const { body } = await place.call(`/api/events?${ALL}&take=20`);
      const events = body['Items'] as { RelatedDocumentIds: string[] }[];
      expect(events.filter((event) => event.RelatedDocumentIds.includes(id))).toHaveLength(2);
    }, untilSoon);
  });

  it('starts none on a drained node, and does in maintenance mode', async () => {
    await setMaintenance(true);
    await setNode({ IsInMaintenanceMode: true });
    expect((await place.call('/api/octopusservernodes/ping')).status).toBe(418);
    const first = await queue({});
    await untilTurned(3);
    expect((await taskOf(first))['State']).toBe('Queued');
    await setNode({});
    await untilState(first, 'Success');
  });

  it('starts no more than the cap, and scheduled tasks when they are due', async () => {
    place.octopus.faults.areTasksEndless = true;
    await setNode({ MaxConcurrentTasks: 2 });
    const queued = [await queue({}), await queue({}), await queue({})];
    await vi.waitFor(async () => {
      const states = await Promise.all(queued.map(async (id) => (await taskOf(id))['State']));
      expect(states).toEqual(['Executing', 'Executing', 'Queued']);
    }, untilSoon);
    place.octopus.faults.areTasksEndless = false;
    await untilState(queued[2] ?? '', 'Success');
    const later = await place.octopus.deploy({ afterSeconds: 3600 });
    const sooner = await place.octopus.deploy();
    await untilState(sooner, 'Success');
    expect((await taskOf(later))['State']).toBe('Queued');
  });

  it('lets a task that waits for a person wait, and cancels when asked', async () => {
    const { body } = await place.call(`/api/tasks?${ALL}&running=true&hasPendingInterruptions=true`);
    const [waiting = ''] = ids(body);
    expect((await taskOf(waiting))['State']).toBe('Executing');
    await place.call(`/api/tasks/${waiting}/cancel`, { method: 'POST', body: {} });
    await untilState(waiting, 'Canceled');
  });

  it('forgets a package whose file is gone, once the space is indexed again', async () => {
    const { path, mend } = losePackage(join(place.instance.home, 'Packages', 'Spaces-1'));
    const listed = async (): Promise<number> =>
      (await place.database.query("SELECT Id FROM [NuGetPackage] WHERE SpaceId = 'Spaces-1'")).length;
    const before = await listed();
    const body = { Name: 'SynchronizeBuiltInPackageRepositoryIndex', Description: 'index' };
    const task = await place.call('/api/Spaces-1/tasks', { method: 'POST', body });
    await untilState(String(task.body['Id']), 'Success');
    expect(await listed()).toBe(before - 1);
    expect(path).toMatch(/\.nupkg$/);
    mend();
  });

  it('gives other users no way in while maintenance is on', async () => {
    await setMaintenance(true);
    const request = { method: 'POST', body: { Name: 'Health', Description: 'x' }, apiKey: place.instance.readerApiKey };
    expect((await place.call('/api/tasks', request)).status).toBe(400);
  });

  it('takes flags without a word when told to ignore them', async () => {
    place.octopus.faults.isDrainIgnored = true;
    place.octopus.faults.isMaintenanceIgnored = true;
    expect((await setNode({ IsInMaintenanceMode: true })).status).toBe(200);
    await setMaintenance(true);
    expect((await place.call('/api/maintenanceconfiguration')).body['IsInMaintenanceMode']).toBe(false);
    expect((await place.call('/api/octopusservernodes/ping')).body['IsInMaintenanceMode']).toBe(false);
    place.octopus.faults.isDrainIgnored = false;
    place.octopus.faults.isMaintenanceIgnored = false;
  });
});

describe('the service', () => {
  const name = 'OctopusServer';
  const ask = async (state: 'running' | 'stopped'): Promise<unknown> =>
    requestService(place.directory, name, { state, timeoutMs: 20_000 });

  it('keeps flags and tasks in the database, and cancels what was running when it went down', async () => {
    place.octopus.faults.areTasksEndless = true;
    const id = await place.octopus.deploy();
    await untilState(id, 'Executing');
    await setMaintenance(true);
    expect(await ask('stopped')).toMatchObject({ state: 'stopped' });
    await expect(fetch(`${place.octopus.url}/api`)).rejects.toThrow('fetch failed');
    expect(await ask('running')).toMatchObject({ state: 'running' });
    expect((await place.call('/api/maintenanceconfiguration')).body['IsInMaintenanceMode']).toBe(true);
    expect((await taskOf(id))['State']).toBe('Canceled');
  });

  it('does not start under a key that does not open the database', async () => {
    const path = join(place.instance.home, `OctopusServer-${name}.config`);
    const settings = readConfiguration(path);
    await ask('stopped');
    const wrong = protect(place.directory, Buffer.alloc(32, 9).toString('base64'));
    writeConfiguration(path, { ...readConfiguration(path), 'Octopus.Storage.MasterKey': wrong });
    expect(await ask('running')).toMatchObject({ state: 'failed', reason: expect.stringContaining('master key') });
    expect(place.octopus.isRunning()).toBe(false);
    writeConfiguration(path, settings);
    expect(await ask('running')).toMatchObject({ state: 'running' });
  });

  it('says at once when it cannot start, and takes another port where its last one is taken', async () => {
    const { directory } = place;
    await expect(startOctopus({ directory, instanceName: 'none' })).rejects.toThrow('has no instance none');
    const settings = readConfiguration(join(place.instance.home, `OctopusServer-${name}.config`));
    const configurationPath = join(place.instance.home, 'OctopusServer-other.config');
    createInstance(directory, { name: 'other', configurationPath, settings });
    const other = { directory, instanceName: 'other', workEverySeconds: null };
    const nowhere = 'Server=127.0.0.1,9;Database=Octopus;User Id=octo;Password=x';
    await expect(startOctopus({ ...other, connectionString: nowhere })).rejects.toThrow('did not start');
    const node = await startOctopus({ ...other, connectionString: place.connectionString });
    expect(node.url).not.toBe(place.octopus.url);
    expect((await fetch(`${node.url}/api`)).status).toBe(200);
    await node.close();
  });

  it('stays stopped when the sandbox starts again', async () => {
    await ask('stopped');
    await place.octopus.close();
    const again = await startOctopus({ directory: place.directory, workEverySeconds: null });
    expect(again.isRunning()).toBe(false);
    expect(await ask('running')).toMatchObject({ state: 'running' });
    expect(again.url).toBe(place.octopus.url);
    await again.close();
    expect(readStatus(place.directory, name)).toBeNull();
    place.octopus = await startOctopus({
      directory: place.directory,
      workEverySeconds: null,
      queueMs: 30,
      taskSeconds: { min: 0.1, max: 0.2 },
    });
  });
});

describe('a second node', () => {
  it('joins the cluster on the same database and takes tasks the first one leaves', async () => {
    const path = join(place.instance.home, 'OctopusServer-second.config');
    const settings = { ...readConfiguration(join(place.instance.home, 'OctopusServer-OctopusServer.config')) };
    const own = {
      'Octopus.Server.NodeName': 'prod-2',
      'Octopus.WebPortal.ListenPrefixes': 'http://localhost:0/',
    } as const;
    createInstance(place.directory, { name: 'second', configurationPath: path, settings: { ...settings, ...own } });
    const second = await startOctopus({
      directory: place.directory,
      instanceName: 'second',
      workEverySeconds: null,
      queueMs: 30,
    });
    try {
      const { body } = await place.call('/api/octopusservernodes/summary');
      expect((body['Nodes'] as { Name: string; IsOffline: boolean }[]).map((node) => node.Name)).toEqual([
        'prod-1',
        'prod-2',
      ]);
      await setNode({ IsInMaintenanceMode: true });
      const id = await queue({});
      await vi.waitFor(
        async () => expect((await taskOf(id))['ServerNode']).toBe('OctopusServerNodes-prod-2'),
        untilSoon,
      );
    } finally {
      await second.close();
    }
    expect(readFileSync(path, 'utf8')).toContain('prod-2');
  });
});
