/** `/octo backup now`: asks for a backup run, or joins the one that is at work. */
import { defaultInstance } from './instance.ts';
import type { Command } from './command.ts';
import { requestBackup } from '../runs/request.ts';

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
  },
  startsRun: true,
  example: '/octo backup now prod reason:"before the upgrade"',
  perform: async (world, { positionals, options }, { by, requestKey }) => {
    const { run, isJoined } = await requestBackup(world, {
      instance: positionals['instance'] ?? defaultInstance(world),
      by,
      requestKey,
      reason: options['reason'] ?? null,
      consistency: options['consistency'] === 'online' ? 'online' : 'quiesced',
    });
    return {
      headline: isJoined
        ? `${run.requestedBy.person} already has a backup of ${run.instance} running: ${run.id}. You are following that one.`
        : `Backup of ${run.instance} started: ${run.id}.`,
      lines: [],
      json: { run: run.id, instance: run.instance, joined: isJoined },
      runId: run.id,
    };
  },
};
