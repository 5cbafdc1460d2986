/** The table of commands: a line each. Grammar, help and argument errors follow from the declarations. */
import type { Reply } from '../domain/reply.ts';
import type { World } from '../ports/world.ts';
import { backupList, backupShow, backupVerify } from './archives.ts';
import { backupNow } from './backup.ts';
import { check } from './check.ts';
import type { Arguments, Command, Request } from './command.ts';
import { helpIn } from './help.ts';
import { parse } from './parse.ts';
import { cancel, run, runs } from './runs.ts';
import { status } from './status.ts';

const verbs = [status, backupNow, backupList, backupShow, backupVerify, runs, run, cancel, check] satisfies Command[];

export const commands: readonly Command[] = [...verbs, helpIn(verbs)];

/** Carries out what was typed after `/octo`. @throws CommandUnknown, ArgumentInvalid, and what the command throws */
export const perform = async (world: World, text: string, request: Request): Promise<Reply> => {
  const { command, args } = parseCommand(text);
  return command.perform(world, args, request);
};

/** Nothing typed is `status`. @throws CommandUnknown, ArgumentInvalid */
export const parseCommand = (text: string): { command: Command; args: Arguments } =>
  parse(text.trim() === '' ? 'status' : text, commands);
