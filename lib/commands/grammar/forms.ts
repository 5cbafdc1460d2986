/** Forms that were sent: each is taken as the command that it stands for, through the same checks and audit. */
import { isOctoError, OctoError } from '../../domain/errors.ts';
import type { Reply } from '../../domain/reply.ts';
import { applySettings, settingChanges } from '../../domain/settings/setting-fields.ts';
import { Settings } from '../../domain/settings/settings.ts';
import type { ChatForm } from '../../ports/chat.ts';
import type { World } from '../../ports/world.ts';
import { readSettings, refuseChangedSince } from '../../repository/settings.ts';
import { ACCEPT_FORM, acceptanceAsked } from '../../slack/forms/accept-form.ts';
import { withEntered } from '../../slack/forms/answer-form.ts';
import { RESTORE_FORM, restoreAsked } from '../../slack/forms/restore-form.ts';
import { SETTINGS_CONFIRM_FORM, settingsConfirm, type SettingsShown } from '../../slack/forms/settings-confirm.ts';
import type { SlackRequest } from '../../slack/receive.ts';
import { APPROVE_FORM, approvalAsked, CLOSE_FORM, DENY_FORM } from '../../slack/approval-card.ts';
import { errorReply } from '../../slack/replies.ts';
import { SETTINGS_FORM, settingsAsked, settingsForm } from '../../slack/settings-form.ts';
import { backupAccept } from '../acceptance.ts';
import { approve, deny } from '../approvals.ts';
import type { Command, Request } from './command.ts';
import { performParsed } from '../index.ts';
import { restore } from '../restore.ts';
import { backupSettings, changed } from '../settings.ts';

export type SentForm = Pick<Extract<SlackRequest, { kind: 'form' }>, 'callbackId' | 'privateMetadata' | 'values'>;

/** What came of a form: an answer to read, or the form's next page. */
export type Taken = Reply | { form: ChatForm };
type TakeForm = (world: World, sent: SentForm, request: Request) => Promise<Taken>;

/** The first page asks nothing to be written: it leads to the page that shows what would change. */
const takeSettings: TakeForm = async (world, { privateMetadata, values }, request) => {
  const { instance, seen, typed } = settingsAsked(privateMetadata, values);
  const { name } = world.instance(instance);
  if (Object.keys(typed).length === 0) return change(world, { instance: name, seen, typed }, request);
  return orOnceMore(world, { instance: name, typed }, async () => {
    const current = await readSettings(world, name);
    refuseChangedSince(seen, current);
    const changes = settingChanges(current, applySettings(current, typed));
    return { form: settingsConfirm({ instance: name, seen, typed, changes }) };
  });
};

const takeConfirmation: TakeForm = (world, { privateMetadata }, request) => {
  const { instance, seen, typed } = JSON.parse(privateMetadata) as SettingsShown;
  const { name } = world.instance(instance);
  return orOnceMore(world, { instance: name, typed }, () =>
    change(world, { instance: name, seen: Settings.parse(seen), typed }, request),
  );
};

const change = (world: World, { instance, seen, typed }: SettingsShown, request: Request): Promise<Reply> => {
  const perform = () => changed(world, { instance, typed, person: request.by.person, seen });
  const command = { ...backupSettings, perform };
  return performParsed(world, { command, args: { positionals: { instance }, options: typed } }, request);
};

/** Whoever lost the race, or named what nothing bears, gets the form once more: the settings as they are now, and what they had typed. */
const orOnceMore = async (
  world: World,
  { instance, typed }: Omit<SettingsShown, 'seen'>,
  work: () => Promise<Taken>,
): Promise<Taken> => {
  try {
    return await work();
  } catch (thrown) {
    if (!isOctoError(thrown, 'SettingsChanged', 'SettingInvalid')) throw thrown;
    const form = settingsForm(instance, await readSettings(world, instance));
    return { form: withEntered(form, { values: typed, note: errorReply(thrown).blocks }) };
  }
};

const takeDecision =
  (command: Command): TakeForm =>
  (world, { privateMetadata, values }, request) => {
    const { runId, options } = approvalAsked(privateMetadata, values);
    return performParsed(world, { command, args: { positionals: { run: runId }, options } }, request);
  };

/** The run is shown where it was typed. */
const takeRestore: TakeForm = (world, { privateMetadata, values }, request) => {
  const { channel, ...args } = restoreAsked(privateMetadata, values);
  const by = { ...request.by, channel: request.by.channel ?? channel };
  return performParsed(world, { command: restore, args }, { ...request, by });
};

const takeAcceptance: TakeForm = (world, { privateMetadata, values }, request) =>
  performParsed(world, { command: backupAccept, args: acceptanceAsked(privateMetadata, values) }, request);

const forms: Readonly<Record<string, TakeForm>> = {
  [SETTINGS_FORM]: takeSettings,
  [SETTINGS_CONFIRM_FORM]: takeConfirmation,
  [APPROVE_FORM]: takeDecision(approve),
  [CLOSE_FORM]: takeDecision(approve),
  [DENY_FORM]: takeDecision(deny),
  [ACCEPT_FORM]: takeAcceptance,
  [RESTORE_FORM]: takeRestore,
};

/** Carries out what a form asks for. @throws Bug for a form that is not ours, and what the command throws */
export const takeForm: TakeForm = (world, sent, request) => {
  const take = forms[sent.callbackId];
  if (take === undefined) throw new OctoError('Bug', `nobody takes the form "${sent.callbackId}"`);
  return take(world, sent, request);
};
