/** `/octo restore`: asks for a restore onto an instance, or shows what it would do. */
import { runIdOf } from '../domain/names.ts';
import { columns, type Reply } from '../domain/reply.ts';
import type { World } from '../ports/world.ts';
import { findArchive } from '../repository/catalog.ts';
import { readRestoreTime } from '../repository/outcomes/drill-records.ts';
import { requestRun } from '../runs/request.ts';
import { restoreForm } from '../slack/forms/restore-form.ts';
import { restoreTimeWords } from '../slack/run/drill-words.ts';
import { restorePlanLines } from '../slack/run/restore-words.ts';
import { askedOnce } from '../steps/planning/describe-source.ts';
import { planRestore, type RestoreWish } from '../steps/planning/plan-of-restore.ts';
import { type Arguments, type Command, isPlanOnly, PLAN, type Request } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

export const restore: Command = {
  words: ['restore'],
  summary: 'Bring an archive back onto an Octopus server: its database, its folders and its master key.',
  positionals: [
    { name: 'archive', summary: 'its id, latest, or a day: yesterday, 2026-03-04 (UTC)' },
    { name: 'to', summary: 'the word itself, before the target', isWord: true },
    { name: 'instance', summary: 'which Octopus server is overwritten' },
  ],
  options: {
    only: { summary: 'a part of it', values: ['database', 'folders'] },
    as: { summary: 'quarantine makes the copy harmless before its first start', values: ['quarantine'] },
    from: { summary: 'whose archive, where it is not the own one of the target' },
    reason: { summary: 'why, shown to the approvers and kept with the run' },
    ...PLAN,
  },
  startsRun: true,
  changes: true,
  example: '/octo restore latest to prod reason:"INC-412" --plan',
  form: async (world, args, { by }) => {
    if (isPlanOnly(args)) return null;
    const { instance, from, archive } = await wishIn(world, args);
    const manifest = await findArchive(world, from, archive);
    return restoreForm({ archive, from, instance, channel: by.channel }, args.options, manifest);
  },
  perform: async (world, args, request) => {
    const { instance, ...wish } = await wishIn(world, args);
    return isPlanOnly(args)
      ? showPlan(world, { instance, wish }, request)
      : ask(world, { instance, wish, args }, request);
  },
};

type Wanted = { instance: string; wish: RestoreWish };

/** The archive by its id, so that a newer one does not change what was asked for. */
const wishIn = async (
  world: World,
  { positionals, options }: Arguments,
): Promise<RestoreWish & { instance: string }> => {
  const instance = instanceNamed(world, positionals['instance']);
  const from = options['from'] === undefined ? instance : instanceNamed(world, options['from']);
  const { archiveId } = await findArchive(world, from, positionals['archive'] ?? 'latest');
  const only = options['only'] === 'database' || options['only'] === 'folders' ? options['only'] : 'all';
  return { instance, archive: archiveId, from, only, as: options['as'] === 'quarantine' ? 'quarantine' : 'same' };
};

const ask = async (
  world: World,
  { instance, wish, args }: Wanted & { args: Arguments },
  request: Request,
): Promise<Reply> => {
  const { by, requestKey } = request;
  const reason = args.options['reason'] ?? null;
  const { run, isJoined } = await requestRun(world, {
    workflow: 'restore',
    instance,
    by,
    requestKey,
    reason,
    options: wish,
  });
  return {
    headline: isJoined
      ? `${run.requestedBy.person} has already asked for this restore: ${run.id}. You are following that one.`
      : `Restore of ${wish.archive} onto ${instance} asked for: ${run.id}.`,
    lines:
      run.approval === undefined
        ? []
        : ['It waits for approval once its preflight has passed. Nothing is changed before.'],
    json: { run: run.id, instance, archive: wish.archive, joined: isJoined },
    runId: run.id,
  };
};

const showPlan = async (world: World, { instance, wish }: Wanted, { requestKey }: Request): Promise<Reply> => {
  const plan = await planRestore(world, {
    run: { id: runIdOf(requestKey), instance },
    wish,
    program: askedOnce(world.octopusProgram(instance)),
  });
  const time = await readRestoreTime(world, wish.from);
  return {
    headline: `Restoring ${wish.archive} onto ${instance} can begin; nothing was started.`,
    lines: columns([...restorePlanLines(plan), ['will take', time === null ? UNTRIED : restoreTimeWords(time)]]),
    json: { ...plan, restoreTime: time },
  };
};

const UNTRIED = 'not known: no drill has told how long it takes';
