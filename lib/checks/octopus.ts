/** Can the bot do its work on the Octopus server: its API, its program, its folders? */
import { access, constants } from 'node:fs/promises';
import type { World } from '../ports/world.ts';
import { fail, look, ok, warn, type Finding } from './finding.ts';

type OctopusWorld = Pick<World, 'octopusApi' | 'octopusProgram' | 'instance'>;

export const checkOctopus = async (world: OctopusWorld, instance: string): Promise<Finding[]> =>
  Promise.all([
    look('Octopus API', async () => {
      const api = await world.octopusApi(instance);
      const [{ version }, { username }] = await Promise.all([api.root(), api.me()]);
      return ok('Octopus API', `version ${version}, key of ${username}`);
    }),
    look('API key rights', async () =>
      (await (await world.octopusApi(instance)).canAdministerSystem())
        ? ok('API key rights', 'may enter and leave maintenance mode')
        : fail('API key rights', 'lacks AdministerSystem', 'Give the user of the API key the Octopus Manager role.'),
    ),
    look('maintenance mode', async () =>
      (await (await world.octopusApi(instance)).isInMaintenance())
        ? warn(
            'maintenance mode',
            'on',
            'A run at work has it on (`/octo status`). If none is and nobody means it to be on, switch it off: the bot leaves it as it finds it.',
          )
        : ok('maintenance mode', 'off'),
    ),
    look('Octopus.Server program', async () => {
      const [program, root] = await Promise.all([
        world.octopusProgram(instance).version(),
        (await world.octopusApi(instance)).root(),
      ]);
      return program === root.version
        ? ok('Octopus.Server program', `version ${program}`)
        : warn(
            'Octopus.Server program',
            `version ${program}, but the server that answers is ${root.version}`,
            'Check that program and url of this host name the same installation.',
          );
    }),
    look('master key', async () => {
      const key = await world.octopusProgram(instance).showMasterKey();
      return ok('master key', `readable, ${Buffer.from(key.reveal(), 'base64').length * 8} bit`);
    }),
    look('server folders', () => checkFolders(world, instance)),
  ]);

const checkFolders = async (world: OctopusWorld, instance: string): Promise<Finding> => {
  const named = await (await world.octopusApi(instance)).serverFolders();
  const paths = [...named, ...world.instance(instance).extraFolders].map(({ path }) => path);
  const unreadable = await filterAsync(paths, (path) => isDenied(path, constants.R_OK | constants.X_OK));
  return unreadable.length === 0
    ? ok('server folders', `${paths.length} readable`)
    : fail(
        'server folders',
        `cannot read ${unreadable.join(', ')}`,
        'Run the worker on a machine that sees these paths, as an account that may read them.',
      );
};

const isDenied = async (path: string, mode: number): Promise<boolean> => {
  try {
    await access(path, mode);
    return false;
  } catch {
    return true;
  }
};

const filterAsync = async <T>(items: T[], keep: (item: T) => Promise<boolean>): Promise<T[]> => {
  const kept = await Promise.all(items.map(keep));
  return items.filter((_, at) => kept[at]);
};
