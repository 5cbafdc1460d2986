/** The table of commands: a line each. Grammar, help, argument errors and audit follow from the declarations. */
import { OctoError } from '../domain/errors.ts';
import type { Reply } from '../domain/reply.ts';
import type { World } from '../ports/world.ts';
import { audited } from '../repository/audit.ts';
import { backupAccept } from './acceptance.ts';
import { answer } from './answer.ts';
import { approve, deny } from './approvals.ts';
import { backupList, backupShow } from './archives.ts';
import { audit, auditVerify } from './audit.ts';
import { backupNow } from './backup.ts';
import { check } from './check.ts';
import { type Arguments, type Command, isChange, type Request } from './grammar/command.ts';
import { backupDelete } from './deletion.ts';
import { cost } from './cost.ts';
import { digest } from './digest.ts';
import { drillNow } from './drill.ts';
import { helpIn } from './grammar/help.ts';
import { backupHold, backupRelease } from './holds.ts';
import { keysSave, keysStatus } from './keys.ts';
import { parse } from './grammar/parse.ts';
import { restore } from './restore.ts';
import { restoreFiles } from './restore-files.ts';
import { backupRetention } from './retention.ts';
import { cancel, run, runs } from './runs.ts';
import { backupPause, backupResume, backupSettings } from './settings.ts';
import { status } from './status.ts';
import { backupVerify } from './verify.ts';
import { checkClicked } from './way-back.ts';

const verbs = [
  status,
  backupNow,
  backupList,
  backupShow,
  backupVerify,
  backupAccept,
  backupHold,
  backupRelease,
  backupDelete,
  backupRetention,
  backupSettings,
  backupPause,
  backupResume,
  restore,
  restoreFiles,
  drillNow,
  keysStatus,
  keysSave,
  digest,
  runs,
  run,
  cancel,
  approve,
  deny,
  answer,
  audit,
  auditVerify,
  cost,
  check,
  checkClicked,
] satisfies Command[];

export const commands: readonly Command[] = [...verbs, helpIn(verbs)];

/** Carries out what was typed after `/octo`. @throws CommandUnknown, ArgumentInvalid, and what the command throws */
export const perform = async (world: World, text: string, request: Request): Promise<Reply> =>
  performParsed(world, parseCommand(text), request);

/** Carries out a command that was understood, and keeps it in the audit when it changes something. */
export const performParsed = async (
  world: World,
  { command, args }: { command: Command; args: Arguments },
  request: Request,
): Promise<Reply> => {
  const work = () => command.perform(world, args, request);
  if (!isChange(command, args)) return work();
  const { person, door } = request.by;
  const act = {
    who: { person, door },
    act: command.words.join(' '),
    on: subjectOf(world, args),
    detail: { ...args.positionals, ...args.options },
  };
  return audited(world, act, async () => {
    requireKnown(world, command, person);
    const reply = await work();
    return { result: reply, runId: reply.runId, detail: { answer: reply.headline } };
  });
};

const requireKnown = ({ policy }: Pick<World, 'policy'>, { words, isForKnown }: Command, person: string): void => {
  if (isForKnown !== true || policy.people.length === 0 || policy.people.includes(person)) return;
  throw new OctoError(
    'RequestNotAllowed',
    `${words.join(' ')} is only for people whom octo.yml knows, and ${person} is not one`,
  );
};

/** Nothing typed is `status`. @throws CommandUnknown, ArgumentInvalid */
export const parseCommand = (text: string): { command: Command; args: Arguments } =>
  parse(text.trim() === '' ? 'status' : text, commands);

/** What a command is about, as far as its words tell. */
const subjectOf = (world: Pick<World, 'instanceNames'>, { positionals }: Arguments): string | null => {
  const [only, ...others] = world.instanceNames();
  return (
    positionals['instance'] ??
    Object.values(positionals)[0] ??
    (others.length === 0 && only !== undefined ? only : null)
  );
};
