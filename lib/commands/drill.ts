/** `/octo drill now`: asks for an archive to be restored on trial, proven and removed again. */
import { DRILL_CHOICES } from '../domain/drills/choice.ts';
import type { World } from '../ports/world.ts';
import { requestDrill } from '../runs/drills/request-drill.ts';
import type { Arguments, Command } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

export const drillNow: Command = {
  words: ['drill', 'now'],
  summary: 'Restore an archive on trial, beside everything: database, key and every file, each proven; then remove it.',
  positionals: [
    { name: 'instance', summary: 'whose archive', isOptional: true },
    { name: 'archive', summary: `${DRILL_CHOICES.join(', ')}, its id, or a day; newest if left out`, isOptional: true },
  ],
  options: { reason: { summary: 'why, kept with the run' } },
  startsRun: true,
  changes: true,
  example: '/octo drill now prod oldest',
  perform: async (world, args, { by, requestKey }) => {
    const { instance, archive } = asked(world, args);
    const reason = args.options['reason'] ?? null;
    const { run, isJoined, archiveId } = await requestDrill(world, { instance, archive, by, requestKey, reason });
    return {
      headline: isJoined
        ? `${run.requestedBy.person} already has this drill running: ${run.id}. You are following that one.`
        : `Drill of ${archiveId} of ${instance} started: ${run.id}.`,
      lines: [
        ...(run.approval === undefined ? [] : ['It waits for approval once its preflight has passed.']),
        'Octopus, its database and its folders are not touched.',
      ],
      json: { run: run.id, instance, archive: archiveId, joined: isJoined },
      runId: run.id,
    };
  },
};

/** Where there is one instance, its name may be left out before an archive as well. */
const asked = (
  world: Pick<World, 'instance' | 'instanceNames'>,
  { positionals }: Arguments,
): { instance: string; archive: string } => {
  const { instance: first, archive = 'newest' } = positionals;
  const [only, ...others] = world.instanceNames();
  const isArchive =
    first !== undefined && first !== only && others.length === 0 && positionals['archive'] === undefined;
  return isArchive && only !== undefined
    ? { instance: only, archive: first }
    : { instance: instanceNamed(world, first), archive };
};
