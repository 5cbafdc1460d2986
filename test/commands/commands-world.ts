/**
 * A world for commands that look at stored things: real stores in a directory, a clock that stands still, an Octopus server
 * that only says where its folders are.
 */
import { join } from 'node:path';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { directorySecretStore } from '../../lib/adapters/secret-store.directory.ts';
import { perform } from '../../lib/commands/index.ts';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { archiveIdFloor, archiveKeys } from '../../lib/domain/names.ts';
import type { Reply } from '../../lib/domain/reply.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { OctopusApi } from '../../lib/ports/octopus.ts';
import type { World } from '../../lib/ports/world.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { testClock } from '../clock.ts';
import { temporaryDirectory } from '../worker/support.ts';

const NOW = '2026-03-04T12:00:00.000Z';
const HOUR_MS = 3_600_000;

/** The id of an archive that was asked for so many hours ago. */
export const archiveAged = (hours: number): string =>
  `${archiveIdFloor(new Date(Date.parse(NOW) - hours * HOUR_MS))}_7F3K9Q2M`;

export type CommandsWorld = {
  world: World;
  directory: string;
  /** Types a command as a person. */
  type: (text: string, person?: string) => Promise<Reply>;
  /** Seals an archive of that age; what it shares with others is up to `changes`. */
  seal: (hours: number, changes?: Partial<Manifest>) => Promise<Manifest>;
};

export const commandsWorld = (): CommandsWorld => {
  const directory = temporaryDirectory();
  const world = {
    clock: testClock(NOW),
    state: directoryObjectStore({ directory: join(directory, 'state') }),
    archives: directoryObjectStore({ directory: join(directory, 'archives') }),
    secretStore: directorySecretStore({
      directory: join(directory, 'secrets'),
      passphrase: new Secret('correct horse'),
    }),
    instanceNames: () => ['prod'],
    policy: { people: ['ana', 'ben'], groups: {}, statements: [] },
    instance: (name: string) => {
      if (name !== 'prod') throw new OctoError('InstanceUnknown', `there is no instance "${name}"`);
      return {
        name,
        isProduction: true,
        hosts: [{ name: 'prod-1' }],
        database: { name: 'OctopusDeploy' },
        extraFolders: [],
      };
    },
    octopusApi: async () =>
      ({
        serverFolders: async () => [
          { role: 'packages', path: '/octopus/packages' },
          { role: 'telemetry', path: '/octopus/telemetry' },
        ],
      }) as Partial<OctopusApi>,
  } as unknown as World;
  let typed = 0;
  return {
    world,
    directory,
    type: (text, person = 'ana') =>
      perform(world, text, { by: { door: 'slack', person, channel: null }, requestKey: `typed ${(typed += 1)}` }),
    seal: async (hours, changes = {}) => {
      const manifest = { ...manifestOf({ archiveId: archiveAged(hours), word: 'good' }), ...changes };
      const key = archiveKeys.manifest('prod', manifest.archiveId);
      await world.archives.create(key, Buffer.from(JSON.stringify(manifest)));
      return manifest;
    },
  };
};
