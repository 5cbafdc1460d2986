/** Forms that were sent: each is taken as the command that it stands for, through the same checks and audit. */
import { OctoError } from '../../domain/errors.ts';
import type { Reply } from '../../domain/reply.ts';
import type { World } from '../../ports/world.ts';
import type { SlackRequest } from '../../slack/receive.ts';
import { APPROVE_FORM, approvalAsked, DENY_FORM } from '../../slack/approval-card.ts';
import { SETTINGS_FORM, settingsAsked } from '../../slack/settings-form.ts';
import { approve, deny } from '../approvals.ts';
import type { Command, Request } from './command.ts';
import { performParsed } from '../index.ts';
import { backupSettings, changed } from '../settings.ts';

export type SentForm = Pick<Extract<SlackRequest, { kind: 'form' }>, 'callbackId' | 'privateMetadata' | 'values'>;

type TakeForm = (world: World, sent: SentForm, request: Request) => Promise<Reply>;

const takeSettings: TakeForm = (world, { privateMetadata, values }, request) => {
  const { instance, seen, typed } = settingsAsked(privateMetadata, values);
  const { name } = world.instance(instance);
  const command = {
    ...backupSettings,
    perform: () => changed(world, { instance: name, typed, person: request.by.person, seen }),
  };
  return performParsed(world, { command, args: { positionals: { instance: name }, options: typed } }, request);
};

const takeDecision =
  (command: Command): TakeForm =>
  (world, { privateMetadata, values }, request) => {
    const { runId, options } = approvalAsked(privateMetadata, values);
    return performParsed(world, { command, args: { positionals: { run: runId }, options } }, request);
  };

const forms: Readonly<Record<string, TakeForm>> = {
  [SETTINGS_FORM]: takeSettings,
  [APPROVE_FORM]: takeDecision(approve),
  [DENY_FORM]: takeDecision(deny),
};

/** Carries out what a form asks for. @throws Bug for a form that is not ours, and what the command throws */
export const takeForm: TakeForm = (world, sent, request) => {
  const take = forms[sent.callbackId];
  if (take === undefined) throw new OctoError('Bug', `nobody takes the form "${sent.callbackId}"`);
  return take(world, sent, request);
};
