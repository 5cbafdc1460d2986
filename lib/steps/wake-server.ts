/**
 * The restored server wakes: tasks that the dump would have gone on with are cancelled, nodes take tasks, packages are
 * indexed again; then comes the point of no return, and only then triggers, subscriptions and people.
 */
import * as z from 'zod';
import { quietSeconds } from '../domain/runs/lease.ts';
import type { RestoreParts } from '../domain/runs/run.ts';
import type { OctopusApi } from '../ports/octopus.ts';
import type { World } from '../ports/world.ts';
import { closeLease } from '../repository/lease/lease.ts';
import { changeJournal, readJournal } from '../repository/restore-journal.ts';
import { requireArchive } from './restoring/restore-of-run.ts';
import { flagsToHave, openToPeople, takeTasks, type Flags } from './restoring/wake.ts';
import { defineStep, type StepContext } from './step.ts';

const Output = z.strictObject({ quietSeconds: z.number(), notes: z.array(z.string()), gaps: z.array(z.string()) });

/** @throws LeaseNotRestored, OctopusUnavailable */
export const step = defineStep(
  { name: 'wake-server', runsOn: 'host', input: z.strictObject({}), output: Output },
  async (world, _input, context) => {
    const { run, beat } = context;
    const restored = await requireArchive(world, run);
    const isLeftAlone = restored.plan.parts === 'folders' && !restored.plan.octopus.isRunning;
    const flags = await flagsToHave(world, run, restored);
    const notes = isLeftAlone ? [] : await makeReady(world, context, { flags, parts: restored.plan.parts });
    await beat({ text: 'point of no return: the restored server is given to its people' });
    const keptAt = world.clock.now().toISOString();
    await changeJournal(world, run.id, (journal) => ({ ...journal, keptAt: journal.keptAt ?? keptAt }));
    const gaps = isLeftAlone ? [] : await openToPeople(world, run, flags);
    const lease = await closeLease(world, run.id);
    return { quietSeconds: lease === null ? 0 : quietSeconds(lease, world.clock.now()), notes, gaps };
  },
);

/** What is not in the folder when it is read again vanishes from the feed and from releases. */
const NOT_INDEXED =
  'packages were not indexed again, as database and folders are not of one archive: what has no file would leave the feed';

/** All of it may be done again, and none of it is seen by people yet. */
const makeReady = async (
  world: World,
  context: StepContext,
  { flags, parts }: { flags: Flags; parts: RestoreParts },
): Promise<string[]> => {
  const api = await world.octopusApi(context.run.instance);
  const cancelled = await cancelUnfinished(world, api, context);
  await takeTasks(world, context.run, flags);
  return [...cancelled, ...(parts === 'all' ? await reindex(world, api, context) : [NOT_INDEXED])];
};

const NAMED_AT_MOST = 5;

const cancelUnfinished = async (world: World, api: OctopusApi, { run, beat }: StepContext): Promise<string[]> => {
  const unfinished = (await readJournal(world, run.id))?.asleep?.unfinishedTasks ?? [];
  if (unfinished.length === 0) return [];
  await beat({ text: `cancelling ${unfinished.length} tasks that the archive was in the middle of` });
  for (const { id } of unfinished) await api.cancelTask(id);
  const named = unfinished
    .slice(0, NAMED_AT_MOST)
    .map(({ description, id }) => `"${description.slice(0, 120)}" (${id})`);
  const more = unfinished.length - named.length;
  return [
    `cancelled, as they were under way when the archive was taken: ${[...named, ...(more > 0 ? [`${more} more`] : [])].join(', ')}`,
  ];
};

const LOOK_SECONDS = 5;
const INDEX_MINUTES = 10;

/** Waited for, but not for ever: a large feed goes on being indexed while people work. */
const reindex = async (world: World, api: OctopusApi, { beat, signal }: StepContext): Promise<string[]> => {
  const tasks = new Set<string>();
  for (const space of await api.spaces()) tasks.add(await api.reindexPackages(space));
  const deadline = world.clock.now().getTime() + INDEX_MINUTES * 60_000;
  const notes: string[] = [];
  while (tasks.size > 0 && world.clock.now().getTime() < deadline) {
    await beat({ text: 'indexing the packages again' });
    for (const id of tasks) {
      const { isCompleted, state, errorMessage } = await api.task(id);
      if (!isCompleted) continue;
      tasks.delete(id);
      if (state !== 'Success') notes.push(`indexing the packages ended with ${state}: ${errorMessage ?? id}`);
    }
    if (tasks.size > 0) await world.clock.sleep(LOOK_SECONDS * 1000, signal);
  }
  return tasks.size === 0 ? notes : [...notes, `packages are still being indexed: ${[...tasks].join(', ')}`];
};
