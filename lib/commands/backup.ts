/** `/octo backup now`: asks for a backup run, or joins the one that is at work. */
import { foldersText, parseFolders } from '../domain/settings/fields/folders-field.ts';
import type { World } from '../ports/world.ts';
import { readSettings } from '../repository/settings.ts';
import { requestRun } from '../runs/request.ts';
import { backupPlan } from './backup-plan.ts';
import { type Command, isPlanOnly, PLAN } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';
import { requireFolders } from './settings-rules.ts';

export const backupNow: Command = {
  words: ['backup', 'now'],
  summary: 'Back up an Octopus server: database, folders, master key and license, verified.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: {
    reason: { summary: 'why, kept with the run' },
    consistency: {
      summary: 'quiesced stops new work for the dump, online does not',
      values: ['quiesced', 'online'],
    },
    folders: {
      summary: 'which folders are taken: all, none or names as in packages,artifacts; else as the settings say',
    },
    ...PLAN,
  },
  startsRun: true,
  changes: true,
  example: '/octo backup now prod reason:"before the upgrade"',
  perform: async (world, args, { by, requestKey }) => {
    const instance = instanceNamed(world, args.positionals['instance']);
    const consistency = await consistencyOf(world, instance, args.options['consistency']);
    const folders = foldersOf(world, instance, args.options['folders']);
    if (isPlanOnly(args)) return backupPlan(world, { instance, consistency, folders, by });
    const reason = args.options['reason'] ?? null;
    const { run, isJoined } = await requestRun(world, {
      workflow: 'backup',
      instance,
      by,
      requestKey,
      reason,
      options: { consistency, ...(folders === undefined ? {} : { folders }) },
    });
    return {
      headline: isJoined
        ? `${run.requestedBy.person} already has a backup of ${run.instance} running: ${run.id}. You are following that one.`
        : `Backup of ${run.instance} started: ${run.id}.`,
      lines: [
        ...(run.approval === undefined ? [] : ['It waits for approval once its preflight has passed.']),
        ...(isJoined && run.options['folders'] !== folders
          ? [
              `It takes these folders, not those you asked for: ${String(run.options['folders'] ?? 'as the settings say')}.`,
            ]
          : []),
      ],
      json: { run: run.id, instance: run.instance, joined: isJoined },
      runId: run.id,
    };
  },
};

/** As it was typed, checked; undefined leaves it to the settings. @throws SettingInvalid */
const foldersOf = (world: Pick<World, 'instance'>, instance: string, typed: string | undefined): string | undefined => {
  if (typed === undefined) return undefined;
  const names = parseFolders(typed);
  requireFolders(world, instance, names);
  return foldersText(names);
};

/** As asked for, else as the settings say. */
const consistencyOf = async (world: Pick<World, 'state'>, instance: string, asked: string | undefined) => {
  if (asked === undefined) return (await readSettings(world, instance)).consistency;
  return asked === 'online' ? 'online' : 'quiesced';
};
