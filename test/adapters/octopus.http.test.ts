import { readdirSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { octopusHttp } from '../../lib/adapters/octopus.http.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { Row } from '../../sandbox/octopus/data/database.ts';
import { artifactPath, packagePath, taskRow } from '../../sandbox/octopus/data/rows.ts';
import type { OctopusApi } from '../../lib/ports/octopus.ts';
import { jumpingClock } from '../clock.ts';
import { errorOf, octopusApiContract, type OctopusApiPlace } from '../contracts/octopus.ts';
import type { OctopusPlace } from '../sandbox/octopus-place.ts';
import { openPlace } from '../sandbox/octopus-place.ts';

const apiOf = (url: string, apiKey: string): OctopusApi =>
  octopusHttp({ url, apiKey: new Secret(apiKey), clock: jumpingClock() });

octopusApiContract('over HTTP, against the stand-in', async () => {
  const place = await openPlace();
  let queued = 0;
  const { url } = place.octopus;
  const license = await place.call('/api/licenses/licenses-current');
  return {
    api: apiOf(url, place.instance.apiKey),
    readerApi: apiOf(url, place.instance.readerApiKey),
    strangerApi: apiOf(url, 'API-UNKNOWN'),
    absentApi: apiOf('http://127.0.0.1:9', place.instance.apiKey),
    apiKey: place.instance.apiKey,
    licenseText: String(license.body['LicenseText']),
    queueTasks: async (count) => {
      const spaces = ['Spaces-1', 'Spaces-2', 'Spaces-3', null];
      const tasks = Array.from({ length: count }, (_, index) => ({
        id: `ServerTasks-${9000 + (queued += 1)}`,
        name: 'Health',
        description: `check ${index}`,
        spaceId: spaces[index % spaces.length] ?? null,
        state: 'Queued' as const,
        queuedAt: new Date(),
        arguments: {},
      }));
      await place.database.insert('ServerTask', tasks.map(taskRow));
      return tasks.map((task) => task.id);
    },
    sleepers: [
      { kind: 'trigger', id: 'ProjectTriggers-1', spaceId: 'Spaces-1' },
      { kind: 'subscription', id: 'Subscriptions-1', spaceId: null },
    ],
    isDisabled: async ({ kind, id }) => {
      const table = kind === 'trigger' ? 'ProjectTrigger' : 'Subscription';
      const sql = `SELECT IsDisabled FROM [${table}] WHERE Id = @id`;
      return (await place.database.query<{ IsDisabled: boolean }>(sql, { id }))[0]!.IsDisabled;
    },
    files: await filesOf(place),
    close: async () => place.close(),
  };
});

/** The first row of each kind that has a file, with what lies on the disk. */
const filesOf = async ({ database, instance }: OctopusPlace): Promise<OctopusApiPlace['files']> => {
  const first = async <T extends Row>(sql: string): Promise<T> => (await database.query<T>(sql))[0]!;
  const sizeOf = (...path: string[]): number => statSync(join(instance.home, ...path)).size;
  type Package = { Id: string; PackageId: string; Version: string; SpaceId: string };
  const item = await first<Package>('SELECT TOP (1) * FROM [NuGetPackage]');
  const artifact = await first<{ Id: string; Filename: string; SpaceId: string }>('SELECT TOP (1) * FROM [Artifact]');
  const task = await first<{ Id: string; SpaceId: string }>(
    'SELECT TOP (1) * FROM [ServerTask] WHERE SpaceId IS NOT NULL',
  );
  const log = readdirSync(join(instance.home, 'TaskLogs')).find((name) =>
    name.startsWith(`${task.Id.toLowerCase()}_`),
  )!;
  const packaged = packagePath({ packageId: item.PackageId, version: item.Version, spaceId: item.SpaceId });
  const kept = artifactPath({ id: artifact.Id, fileName: artifact.Filename, spaceId: artifact.SpaceId });
  return [
    { file: { kind: 'package', id: item.Id, spaceId: item.SpaceId }, sizeBytes: sizeOf('Packages', packaged) },
    { file: { kind: 'artifact', id: artifact.Id, spaceId: artifact.SpaceId }, sizeBytes: sizeOf('Artifacts', kept) },
    { file: { kind: 'task-log', id: task.Id, spaceId: task.SpaceId }, sizeBytes: sizeOf('TaskLogs', log) },
  ];
};

describe('a server with troubles', () => {
  let place: OctopusPlace;
  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(async () => place.close());

  const opened = (timeoutSeconds?: number): { api: OctopusApi; slept: number[] } => {
    const clock = jumpingClock();
    const apiKey = new Secret(place.instance.apiKey);
    const limit = timeoutSeconds === undefined ? {} : { timeoutSeconds };
    return { api: octopusHttp({ url: place.octopus.url, apiKey, clock, ...limit }), slept: clock.slept };
  };

  it('repeats reads and flag writes that meet a failure of the server, then gives up', async () => {
    const { api, slept } = opened();
    place.octopus.faults.status = 503;
    expect((await errorOf(api.me())).code).toBe('OctopusUnavailable');
    expect((await errorOf(api.setMaintenance(true))).code).toBe('OctopusUnavailable');
    place.octopus.faults.status = null;
    expect(slept).toEqual([500, 2000, 5000, 500, 2000, 5000]);
  });

  it('does not repeat what was refused', async () => {
    for (const [status, code] of [
      [400, 'OctopusRejected'],
      [409, 'OctopusRejected'],
      [403, 'OctopusForbidden'],
    ] as const) {
      const { api, slept } = opened();
      place.octopus.faults.status = status;
      expect((await errorOf(api.setMaintenance(true))).code).toBe(code);
      expect(slept).toEqual([]);
    }
    place.octopus.faults.status = null;
  });

  it('goes on when the failure has passed', async () => {
    let left = 2;
    const clock = jumpingClock();
    const api = octopusHttp({
      url: place.octopus.url,
      apiKey: new Secret(place.instance.apiKey),
      clock: {
        ...clock,
        sleep: async (ms) => {
          left -= 1;
          if (left === 0) place.octopus.faults.status = null;
          return clock.sleep(ms);
        },
      },
    });
    place.octopus.faults.status = 500;
    expect(await api.isInMaintenance()).toBe(false);
    expect(clock.slept).toEqual([500, 2000]);
  });

  it('does not wait for a silent server for ever', async () => {
    const { api } = opened(0.05);
    place.octopus.faults.isSilent = true;
    const { code, everything } = await errorOf(api.isInMaintenance());
    place.octopus.faults.isSilent = false;
    expect(code).toBe('OctopusUnavailable');
    expect(everything).not.toContain(place.instance.apiKey);
  });

  it('takes a proxy’s page for what it is', async () => {
    const { api } = opened();
    place.octopus.faults.proxyPageStatus = 200;
    expect((await errorOf(api.root())).code).toBe('OctopusAnswerInvalid');
    place.octopus.faults.proxyPageStatus = 502;
    expect((await errorOf(api.root())).code).toBe('OctopusUnavailable');
    place.octopus.faults.proxyPageStatus = null;
  });
});

/** A server that answers as `handle` says; `keys` are the API keys it was sent. */
const withServer = async (
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  use: (url: string, keys: string[]) => Promise<void>,
): Promise<void> => {
  const keys: string[] = [];
  const server = createServer((request, response) => {
    keys.push(String(request.headers['x-octopus-apikey']));
    handle(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys);
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
};

describe('a peer that is not what it should be', () => {
  it('is not followed to another host, by redirect or by page link', async () => {
    await withServer(
      (_request, response) => json(response, {}),
      async (elsewhere, keysElsewhere) => {
        await withServer(
          (request, response) => {
            if (request.url?.startsWith('/api/tasks'))
              json(response, { Items: [], Links: { 'Page.Next': `${elsewhere}/api/tasks` } });
            else response.writeHead(302, { Location: `${elsewhere}/api` }).end();
          },
          async (url) => {
            const api = apiOf(url, 'API-SECRET');
            expect((await errorOf(api.root())).code).toBe('OctopusAnswerInvalid');
            expect((await errorOf(api.activeTasks())).code).toBe('OctopusAnswerInvalid');
            expect(keysElsewhere).toEqual([]);
          },
        );
      },
    );
  });

  it('may answer with any part of an error body missing', async () => {
    const bodies: unknown[] = [{}, null, [], 'no', { ErrorMessage: null, Errors: ['too late'] }, { ErrorMessage: 5 }];
    await withServer(
      (_request, response) => json(response, bodies.shift(), 400),
      async (url) => {
        const api = apiOf(url, 'API-SECRET');
        while (bodies.length > 0) expect((await errorOf(api.root())).code).toBe('OctopusRejected');
      },
    );
  });

  it('may answer with JSON that is not the API’s', async () => {
    await withServer(
      (request, response) =>
        json(response, request.url?.startsWith('/api/tasks') ? { Items: [{ Id: 1 }] } : { Version: 3 }),
      async (url) => {
        const api = apiOf(url, 'API-SECRET');
        for (const call of [api.root(), api.activeTasks(), api.serverFolders(), api.license(), api.isInMaintenance()]) {
          expect((await errorOf(call)).code).toBe('OctopusAnswerInvalid');
        }
      },
    );
  });

  it('may live in a virtual directory', async () => {
    const paths: string[] = [];
    await withServer(
      (request, response) => {
        paths.push(request.url ?? '');
        const next = paths.length === 1 ? { Links: { 'Page.Next': '/octopus/api/tasks?skip=100' } } : {};
        json(response, { Items: [], ...next });
      },
      async (url) => {
        expect(await apiOf(`${url}/octopus`, 'API-SECRET').activeTasks()).toEqual([]);
        expect(paths.map((path) => path.split('?')[0])).toEqual(['/octopus/api/tasks', '/octopus/api/tasks']);
      },
    );
  });

  it('is not believed when a file breaks off', async () => {
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'Content-Length': '1000' });
        response.write('x'.repeat(400));
        setTimeout(() => response.destroy(), 20);
      },
      async (url) => {
        const file = { kind: 'package', id: 'packages-Acme.1.0.0', spaceId: 'Spaces-1' } as const;
        expect((await errorOf(apiOf(url, 'API-SECRET').serves(file))).code).toBe('OctopusUnavailable');
      },
    );
  });

  it.each([
    [true, 'none'],
    [false, 'OctopusRejected'],
  ])('takes a refusal to cancel for an answer only when the task has ended: %s', async (isCompleted, code) => {
    await withServer(
      (request, response) => {
        const body = { Id: 'ServerTasks-1', State: 'x', IsCompleted: isCompleted, ErrorMessage: 'cannot be cancelled' };
        json(response, body, request.method === 'POST' ? 400 : 200);
      },
      async (url) => {
        const call = apiOf(url, 'API-SECRET').cancelTask('ServerTasks-1');
        const ended = await call.then(
          () => 'none',
          (thrown: { code: string }) => thrown.code,
        );
        expect(ended).toBe(code);
      },
    );
  });
});
