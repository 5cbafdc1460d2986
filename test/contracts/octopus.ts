/** What every `OctopusApi` and every `OctopusProgram` keeps: one body for the adapters, over a stand-in or a real server. */
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOctoError } from '../../lib/domain/errors.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { OctopusApi, OctopusProgram, ServedFile, Sleeper } from '../../lib/ports/octopus.ts';

export type OctopusApiPlace = {
  api: OctopusApi;
  /** The same server through a key that may only look, a key it does not know, and an address where nobody listens. */
  readerApi: OctopusApi;
  strangerApi: OctopusApi;
  absentApi: OctopusApi;
  /** The key's text, to make sure that no error holds it. */
  apiKey: string;
  licenseText: string;
  /** Queues tasks in several spaces and in the system, and returns their ids. */
  queueTasks(count: number): Promise<string[]>;
  /** A trigger and a subscription, and whether one is off. */
  sleepers: Pick<Sleeper, 'kind' | 'id' | 'spaceId'>[];
  isDisabled(sleeper: Pick<Sleeper, 'kind' | 'id'>): Promise<boolean>;
  /** One file of each kind, and how long it is. */
  files: { file: ServedFile; sizeBytes: number }[];
  close(): Promise<void>;
};

/** The error of a call that must fail. */
export const errorOf = async (call: Promise<unknown>): Promise<{ code: string; everything: string }> => {
  try {
    await call;
  } catch (thrown) {
    if (!isOctoError(thrown)) throw thrown;
    return {
      code: thrown.code,
      everything: `${inspect(thrown, { depth: null, showHidden: true })} ${JSON.stringify(thrown)}`,
    };
  }
  throw new Error('the call did not fail');
};

export const octopusApiContract = (name: string, open: () => Promise<OctopusApiPlace>): void => {
  describe(`octopus API: ${name}`, () => {
    let place: OctopusApiPlace;
    beforeAll(async () => {
      place = await open();
    });
    afterAll(async () => place.close());

    it('tells the version and the identity without a key', async () => {
      const root = await place.strangerApi.root();
      expect(root.version).toMatch(/^\d+\.\d+\.\d+/);
      expect(root.installationId).toMatch(/^[0-9a-f-]{36}$/);
      expect(await place.api.root()).toEqual(root);
    });

    it('tells whose key it is and whether that user administers the system', async () => {
      const [me, reader] = [await place.api.me(), await place.readerApi.me()];
      expect(me.id).toMatch(/^Users-\d+$/);
      expect(reader.id).not.toBe(me.id);
      expect(await place.api.canAdministerSystem()).toBe(true);
      expect(await place.readerApi.canAdministerSystem()).toBe(false);
    });

    it('sets the maintenance flag, and setting it again changes nothing', async () => {
      for (const isOn of [true, true, false, false]) {
        await place.api.setMaintenance(isOn);
        expect(await place.api.isInMaintenance()).toBe(isOn);
      }
    });

    it('drains a node and keeps its task cap', async () => {
      const [before] = await place.api.nodes();
      expect(before).toBeDefined();
      for (const isDraining of [true, true, false]) {
        await place.api.setDraining(before!, isDraining);
        const [node] = await place.api.nodes();
        expect(node).toMatchObject({ id: before!.id, isDraining, maxConcurrentTasks: before!.maxConcurrentTasks });
      }
    });

    it('lists active tasks of every space and of the system, over several pages, each once', async () => {
      const nodes = await place.api.nodes();
      for (const node of nodes) await place.api.setDraining(node, true);
      const queued = await place.queueTasks(120);
      const tasks = await place.api.activeTasks();
      const ids = tasks.map((task) => task.id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toEqual(expect.arrayContaining(queued));
      const mine = tasks.filter((task) => queued.includes(task.id));
      expect(new Set(mine.map((task) => task.spaceId)).size).toBeGreaterThan(2);
      expect(mine.every((task) => task.state === 'Queued' && task.startedAt === null)).toBe(true);
    });

    it('cancels a task, and one that has ended without an error', async () => {
      const [id = ''] = await place.queueTasks(1);
      expect(await place.api.task(id)).toEqual({ state: 'Queued', isCompleted: false, errorMessage: null });
      for (let times = 0; times < 2; times += 1) {
        await place.api.cancelTask(id);
        expect(await place.api.task(id)).toMatchObject({ state: 'Canceled', isCompleted: true });
      }
      expect((await errorOf(place.api.cancelTask('ServerTasks-0'))).code).toBe('OctopusNotFound');
    });

    it('queues an index of each space', async () => {
      const spaces = await place.api.spaces();
      expect(spaces.length).toBeGreaterThan(0);
      const queued = new Map<string, string>();
      for (const space of spaces) queued.set(await place.api.reindexPackages(space), space);
      expect(queued.size).toBe(spaces.length);
      const active = (await place.api.activeTasks()).filter(({ id }) => queued.has(id));
      expect(active.every(({ id, spaceId }) => queued.get(id) === spaceId)).toBe(true);
      for (const id of queued.keys()) await place.api.cancelTask(id);
    });

    it('switches triggers and subscriptions, and again changes nothing', async () => {
      expect(new Set(place.sleepers.map(({ kind }) => kind)).size).toBe(2);
      for (const sleeper of place.sleepers) {
        for (const isDisabled of [true, true, false, false]) {
          await place.api.setDisabled(sleeper, isDisabled);
          expect(await place.isDisabled(sleeper)).toBe(isDisabled);
        }
        const unknown = { ...sleeper, id: `${sleeper.id}0000` };
        expect((await errorOf(place.api.setDisabled(unknown, true))).code).toBe('OctopusNotFound');
      }
    });

    it('hands out packages, artifacts and task logs whole, and says which are not there', async () => {
      expect(place.files.map(({ file }) => file.kind).toSorted()).toEqual(['artifact', 'package', 'task-log']);
      for (const { file, sizeBytes } of place.files) {
        expect(await place.api.serves(file)).toEqual({ sizeBytes });
        const unknown = { ...file, id: `${file.id}-none` };
        expect((await errorOf(place.api.serves(unknown))).code).toBe('OctopusNotFound');
      }
    });

    it('gives the license byte for byte', async () => {
      expect((await place.api.license()).reveal()).toBe(place.licenseText);
    });

    it('names the folders, the document counts and the server certificate', async () => {
      const folders = await place.api.serverFolders();
      expect(folders.map((folder) => folder.role)).toEqual(
        expect.arrayContaining(['packages', 'artifacts', 'task-logs']),
      );
      const counts = await place.api.counts();
      expect(counts).toMatchObject({
        projects: expect.any(Number),
        releases: expect.any(Number),
        users: expect.any(Number),
      });
      expect((await place.api.certificate()).thumbprint).toMatch(/^[0-9A-F]{40}/);
    });

    it('tells refusals apart, and no error holds the key', async () => {
      const [node] = await place.api.nodes();
      const errors = {
        unauthorized: await errorOf(place.strangerApi.me()),
        forbidden: await errorOf(place.readerApi.setMaintenance(true)),
        unknownNode: await errorOf(place.api.setDraining({ ...node!, id: 'OctopusServerNodes-none' }, true)),
        rejected: await errorOf(place.api.setDraining({ ...node!, maxConcurrentTasks: -1 }, true)),
        absent: await errorOf(place.absentApi.root()),
      };
      expect(Object.fromEntries(Object.entries(errors).map(([what, { code }]) => [what, code]))).toEqual({
        unauthorized: 'OctopusUnauthorized',
        forbidden: 'OctopusForbidden',
        unknownNode: 'OctopusNotFound',
        rejected: 'OctopusRejected',
        absent: 'OctopusUnavailable',
      });
      for (const { everything } of Object.values(errors)) expect(everything).not.toContain(place.apiKey);
      expect(await place.api.isInMaintenance()).toBe(false);
    });
  });
};

export type OctopusProgramPlace = {
  program: OctopusProgram;
  api: OctopusApi;
  /** The same server through another key. */
  apiWith(apiKey: Secret): OctopusApi;
  masterKey: string;
  /** The password in the connection string. */
  password: string;
  instanceName: string;
  close(): Promise<void>;
};

export const octopusProgramContract = (name: string, open: () => Promise<OctopusProgramPlace>): void => {
  describe(`octopus program: ${name}`, () => {
    let place: OctopusProgramPlace;
    beforeAll(async () => {
      place = await open();
    });
    afterAll(async () => place.close());

    it('tells the version the API tells', async () => {
      expect(await place.program.version()).toBe((await place.api.root()).version);
    });

    it('shows the master key', async () => {
      const key = await place.program.showMasterKey();
      expect(key.reveal()).toBe(place.masterKey);
      expect(inspect(key)).not.toContain(place.masterKey);
    });

    it('lists the instances with their configuration files', async () => {
      const instances = await place.program.listInstances();
      expect(instances.find((one) => one.name === place.instanceName)?.configurationPath).toMatch(/\.config$/);
    });

    it('parts the configuration into its secret and settings without secrets', async () => {
      const { connectionString, settings } = await place.program.showConfiguration();
      expect(connectionString.reveal()).toContain(place.password);
      expect(settings).toMatchObject({
        'Octopus.Server.NodeName': expect.any(String),
        'Octopus.Home': expect.any(String),
      });
      const text = JSON.stringify(settings);
      for (const secret of [place.password, place.masterKey, '<License']) expect(text).not.toContain(secret);
    });

    it('drains its node without the API', async () => {
      for (const isDraining of [true, false]) {
        await place.program.setDraining(isDraining);
        expect((await place.api.nodes()).some((node) => node.isDraining)).toBe(isDraining);
      }
    });

    it('sets the master key, also to the one it has', async () => {
      const other = new Secret(Buffer.alloc(32, 7).toString('base64'));
      for (const key of [other, other, new Secret(place.masterKey)]) {
        await place.program.setMasterKey(key);
        expect((await place.program.showMasterKey()).equals(key)).toBe(true);
      }
    });

    it('refuses a master key that is none, and no error holds it', async () => {
      const { code, everything } = await errorOf(place.program.setMasterKey(new Secret('no key at all')));
      expect(code).toBe('OctopusProgramFailed');
      expect(everything).not.toContain('no key at all');
      expect((await place.program.showMasterKey()).reveal()).toBe(place.masterKey);
    });

    it('sets the connection string', async () => {
      const { connectionString } = await place.program.showConfiguration();
      const other = new Secret(`${connectionString.reveal()};Connect Timeout=31`);
      for (const value of [other, connectionString]) {
        await place.program.setConnectionString(value);
        expect((await place.program.showConfiguration()).connectionString.equals(value)).toBe(true);
      }
    });

    it('gives a user an API key, twice over', async () => {
      const apiKey = new Secret('API-ONETIME0123456789ABCDEFGHIJK');
      const { username } = await place.api.me();
      for (let times = 0; times < 2; times += 1) await place.program.setApiKey(username, apiKey);
      expect((await place.apiWith(apiKey).me()).username).toBe(username);
      const { everything } = await errorOf(place.program.setApiKey('nobody', apiKey));
      expect(everything).not.toContain(apiKey.reveal());
    });

    it('stops and starts the service; asking for what is already so is no error', async () => {
      await place.program.stopService();
      await place.program.stopService();
      expect((await errorOf(place.api.root())).code).toBe('OctopusUnavailable');
      await place.program.startService();
      await place.program.startService();
      expect((await place.api.root()).version).toMatch(/^\d/);
    });
  });
};
