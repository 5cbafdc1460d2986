/**
 * The calls that bring a restored server to work again: tasks ended and started, triggers and subscriptions switched,
 * files asked for. Routes are those of the vendor's clients. @see https://github.com/OctopusDeploy/go-octopusdeploy
 */
import * as z from 'zod';
import { isOctoError } from '../../domain/errors.ts';
import type { OctopusApi, ServedFile, Sleeper } from '../../ports/octopus.ts';
import type { OctopusRequests } from './octopus-requests.ts';

const Task = z.object({
  Id: z.string(),
  State: z.string(),
  IsCompleted: z.boolean(),
  ErrorMessage: z.string().nullish(),
});
/** Whatever else it says goes back to the server as it came. */
const Resource = z.looseObject({ Id: z.string(), IsDisabled: z.boolean() });
const Spaces = z.array(z.object({ Id: z.string() }));

/** The one that a task of a space must name; what the vendor's own clients queue after a move. */
const REINDEX = {
  Name: 'SynchronizeBuiltInPackageRepositoryIndex',
  Description: 'Re-index the built-in package repository',
  Arguments: {},
};

type Work = Pick<OctopusApi, 'cancelTask' | 'reindexPackages' | 'spaces' | 'task' | 'setDisabled' | 'serves'>;

export const octopusWork = (requests: OctopusRequests): Work => {
  const task = async (id: string): ReturnType<OctopusApi['task']> => {
    const { State, IsCompleted, ErrorMessage } = await requests.get(`/api/tasks/${encodeURIComponent(id)}`, Task);
    return { state: State, isCompleted: IsCompleted, errorMessage: ErrorMessage || null };
  };
  return {
    task,
    cancelTask: async (id) => {
      try {
        await requests.post(`/api/tasks/${encodeURIComponent(id)}/cancel`, {}, z.unknown());
      } catch (thrown) {
        // A task that has ended meanwhile cannot be cancelled.
        if (!isOctoError(thrown, 'OctopusRejected') || !(await task(id)).isCompleted) throw thrown;
      }
    },
    spaces: async () => (await requests.get('/api/spaces/all', Spaces)).map(({ Id }) => Id),
    reindexPackages: async (spaceId = null) => {
      const body = { ...REINDEX, ...(spaceId !== null && { SpaceId: spaceId }) };
      return (await requests.post(`${spacePath(spaceId)}/tasks`, body, Task)).Id;
    },
    setDisabled: async (sleeper, isDisabled) => {
      const path = pathOfSleeper(sleeper);
      const found = await requests.get(path, Resource);
      if (found.IsDisabled !== isDisabled) await requests.put(path, { ...found, IsDisabled: isDisabled });
    },
    serves: async (file) => ({ sizeBytes: await requests.length(pathOfFile(file)) }),
  };
};

const spacePath = (spaceId: string | null): string =>
  spaceId === null ? '/api' : `/api/${encodeURIComponent(spaceId)}`;

const COLLECTIONS = { trigger: 'projecttriggers', subscription: 'subscriptions' } as const;

const pathOfSleeper = ({ kind, id, spaceId }: Pick<Sleeper, 'kind' | 'id' | 'spaceId'>): string =>
  `${spacePath(spaceId)}/${COLLECTIONS[kind]}/${encodeURIComponent(id)}`;

const FILES = {
  package: ['packages', 'raw'],
  artifact: ['artifacts', 'content'],
  'task-log': ['tasks', 'raw'],
} as const;

const pathOfFile = ({ kind, id, spaceId }: ServedFile): string => {
  const [collection, content] = FILES[kind];
  return `${spacePath(spaceId)}/${collection}/${encodeURIComponent(id)}/${content}`;
};
