import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { octopusHttp } from '../../lib/adapters/octopus.http.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { taskRow } from '../../sandbox/octopus/data/rows.ts';
import type { OctopusApi } from '../../lib/ports/octopus.ts';
import { jumpingClock } from '../clock.ts';
import { errorOf, octopusApiContract } from '../contracts/octopus.ts';
import type { OctopusPlace } from '../sandbox/octopus-place.ts';
import { openPlace } from '../sandbox/octopus-place.ts';

const apiOf = (url: string, apiKey: string): OctopusApi =>
  octopusHttp({ url, apiKey: new Secret(apiKey), clock: jumpingClock() });

octopusApiContract('over HTTP, against the stand-in', async () => {
  const place = await openPlace();
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
        id: `ServerTasks-${9000 + index}`,
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
    close: async () => place.close(),
  };
});

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
});
