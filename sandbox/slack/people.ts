/**
 * What people do in the channel: type, click, fill in forms, open App Home. Each act goes to the app as Slack sends it,
 * and shows what Slack shows when the app does not acknowledge in time.
 */
import { showAnswer } from './answers.ts';
import { elementsOf, emptyFields, stateOf } from './block-elements.ts';
import type { Ack, createResponseUrls, createTriggers, ResponseTarget, Send } from './delivery.ts';
import { Refusal, type Reply } from './methods/refusal.ts';
import { checkedView, newView, replaceForm, viewPayload } from './methods/views.ts';
import {
  APP,
  type Block,
  type Channel,
  type Person,
  type StoredMessage,
  type StoredView,
  TEAM,
  type Workspace,
} from './workspace.ts';

export type SubmitResult = { errors: Record<string, string> | null; failure: string | null };

export type People = {
  /** A command, or an ordinary message when it does not start with a slash. Resolves when the app acknowledged. */
  type(who: string, text: string, threadTs?: string | null): Promise<void>;
  /** Uses a button or a menu of a message, a form or the home tab. What Slack would show as error, or null. */
  click(who: string, where: string, use: string | { actionId: string; chosen: unknown }): Promise<string | null>;
  /** Sends an open form with `values` by action id; fields not named keep what they show. */
  submit(who: string, viewId: string, values: Record<string, unknown>): Promise<SubmitResult>;
  /** Closes a form; the app hears of it where the form asked for that. */
  dismiss(who: string, viewId: string): Promise<void>;
  /** Opens the App Home tab: the app is told and may publish one. */
  openHome(who: string): Promise<void>;
};

type Parts = {
  workspace: Workspace;
  command: string;
  send: Send;
  triggers: ReturnType<typeof createTriggers>;
  responseUrls: ReturnType<typeof createResponseUrls>;
};

/** The acts. Asking for something that is not on the screen throws; what the app does wrong is shown and returned. */
export const createPeople = (parts: Parts): People => {
  const { workspace } = parts;
  const known = (who: string): Person => knownPerson(workspace, who);
  return {
    type: async (who, text, threadTs = null) => {
      if (text.startsWith('/')) await runCommand(parts, known(who), { typed: text.trim(), threadTs });
      else workspace.add({ channel: channelOf(workspace).id, user: known(who).id, text: escaped(text), threadTs });
    },
    click: (who, where, use) =>
      click(parts, known(who), { where, ...(typeof use === 'string' ? { actionId: use, chosen: undefined } : use) }),
    submit: (who, viewId, values) => submit(parts, known(who), { viewId, values }),
    dismiss: (who, viewId) => dismiss(parts, known(who), viewId),
    openHome: async (who) => {
      const opened = { type: 'app_home_opened', user: known(who).id, channel: 'D0OCTO', tab: 'home' };
      await parts.send({ kind: 'events_api', payload: eventPayload(workspace, opened) });
    },
  };
};

type Typed = { typed: string; threadTs: string | null };

const runCommand = async (parts: Parts, person: Person, { typed, threadTs }: Typed): Promise<void> => {
  const { workspace } = parts;
  const channel = channelOf(workspace);
  const slackbotSays = (text: string): void => {
    workspace.add({ channel: channel.id, user: 'USLACKBOT', text, visibleTo: person.id });
  };
  const [command = '', ...words] = typed.split(' ');
  if (command !== parts.command) {
    slackbotSays(`\`${command}\` is not a valid command. A message that starts with a slash is a command.`);
    return;
  }
  const target: ResponseTarget = { user: person.id, channel: channel.id, threadTs, sourceTs: null };
  const ack = await parts.send({
    kind: 'slash_commands',
    payload: {
      ...commandPayload(person, { command, text: words.join(' ').trim(), channel }),
      response_url: parts.responseUrls.issue(target),
      trigger_id: parts.triggers.issue(person.id),
    },
  });
  if (!ack.isTaken) slackbotSays(`${command} failed with the error "${ack.error}"`);
  else if (ack.body !== null && showAnswer(workspace, target, ack.body) !== null) {
    slackbotSays(`${command} failed with the error "invalid_command_response"`);
  }
};

const interact = (parts: Parts, person: Person, payload: Reply): Promise<Ack> =>
  parts.send({
    kind: 'interactive',
    payload: {
      user: { id: person.id, username: person.name, name: person.name, team_id: TEAM.id },
      api_app_id: APP.id,
      token: 'deprecated',
      team: { id: TEAM.id, domain: TEAM.domain },
      enterprise: null,
      is_enterprise_install: false,
      trigger_id: parts.triggers.issue(person.id),
      ...payload,
    },
  });

type Use = { where: string; actionId: string; chosen: unknown };

const click = async (parts: Parts, person: Person, { where, actionId, chosen }: Use): Promise<string | null> => {
  const place = findPlace(parts.workspace, person, where);
  const found = elementsOf(place.blocks).find(({ element }) => element['action_id'] === actionId);
  if (found === undefined) throw new Error(`there is no "${actionId}" to click in ${where}`);
  const action = {
    ...stateOf(found.element, chosen),
    action_id: actionId,
    block_id: found.blockId,
    text: found.element['text'],
    action_ts: parts.workspace.stamp(),
  };
  const ack = await interact(parts, person, {
    type: 'block_actions',
    actions: [action],
    ...('message' in place ? messageContext(place.message, parts, person) : viewContext(place.view)),
  });
  return ack.isTaken ? null : ack.error;
};

type Sent = { viewId: string; values: Record<string, unknown> };

const submit = async (parts: Parts, person: Person, { viewId, values }: Sent): Promise<SubmitResult> => {
  const view = parts.workspace.forms(person.id).find(({ id }) => id === viewId);
  if (view === undefined) throw new Error(`${person.name} has no open form ${viewId}`);
  const errors = emptyFields(view.body.blocks, values);
  if (errors !== null) return { errors, failure: null };
  const ack = await interact(parts, person, {
    type: 'view_submission',
    view: viewPayload(view, stateValues(view.body.blocks, values)),
    response_urls: [],
  });
  return ack.isTaken ? afterSubmit(parts.workspace, view, ack.body) : { errors: null, failure: ack.error };
};

const dismiss = async (parts: Parts, person: Person, viewId: string): Promise<void> => {
  const { workspace } = parts;
  const view = workspace.forms(person.id).find(({ id }) => id === viewId);
  if (view === undefined) return;
  workspace.setForms(
    person.id,
    workspace.forms(person.id).filter(({ id }) => id !== viewId),
  );
  if (view.body['notify_on_close'] === true) {
    await interact(parts, person, { type: 'view_closed', view: viewPayload(view), is_cleared: false });
  }
};

const afterSubmit = (workspace: Workspace, view: StoredView, body: unknown): SubmitResult => {
  const answer = (body ?? {}) as { response_action?: string; errors?: Record<string, string>; view?: unknown };
  const others = workspace.forms(view.user).filter(({ id }) => id !== view.id);
  try {
    switch (answer.response_action) {
      case undefined:
        workspace.setForms(view.user, others);
        return { errors: null, failure: null };
      case 'errors':
        return { errors: answer.errors ?? {}, failure: null };
      case 'clear':
        workspace.setForms(view.user, []);
        return { errors: null, failure: null };
      case 'update':
        replaceForm(workspace, view, checkedView(answer.view, 'modal'));
        return { errors: null, failure: null };
      case 'push':
        workspace.setForms(view.user, [
          ...others,
          view,
          newView(workspace, view.user, checkedView(answer.view, 'modal')),
        ]);
        return { errors: null, failure: null };
      default:
        return { errors: null, failure: 'invalid_response_action' };
    }
  } catch (error) {
    if (error instanceof Refusal) return { errors: null, failure: error.message };
    throw error;
  }
};

type Place = { blocks: Block[] } & ({ message: StoredMessage } | { view: StoredView });

const findPlace = (workspace: Workspace, person: Person, where: string): Place => {
  const message = workspace.find(where);
  if (message !== null && (message.visibleTo === null || message.visibleTo === person.id)) {
    return { message, blocks: message.blocks };
  }
  const home = workspace.home(person.id);
  const view = [...workspace.forms(person.id), ...(home === null ? [] : [home])].find(({ id }) => id === where);
  if (view === undefined) throw new Error(`${person.name} sees no message or view ${where}`);
  return { view, blocks: view.body.blocks };
};

const messageContext = (message: StoredMessage, parts: Parts, person: Person): Reply => ({
  container: {
    type: 'message',
    message_ts: message.ts,
    channel_id: message.channel,
    is_ephemeral: message.visibleTo !== null,
  },
  channel: { id: message.channel, name: parts.workspace.channels.find(({ id }) => id === message.channel)?.name },
  message: {
    type: 'message',
    user: message.user,
    ts: message.ts,
    text: message.text,
    blocks: message.blocks,
    team: TEAM.id,
  },
  state: { values: stateValues(message.blocks, {}) },
  response_url: parts.responseUrls.issue({
    user: person.id,
    channel: message.channel,
    threadTs: message.threadTs,
    sourceTs: message.ts,
  }),
});

const viewContext = (view: StoredView): Reply => ({
  container: { type: 'view', view_id: view.id },
  view: viewPayload(view, stateValues(view.body.blocks, {})),
});

const stateValues = (blocks: Block[], values: Record<string, unknown>): Reply => {
  const state: Record<string, Reply> = {};
  for (const { blockId, element } of elementsOf(blocks)) {
    const actionId = String(element['action_id']);
    if (element['type'] === 'button') continue;
    state[blockId] = { ...state[blockId], [actionId]: stateOf(element, values[actionId]) };
  }
  return state;
};

const commandPayload = (
  person: Person,
  typed: { command: string; text: string; channel: { id: string; name: string } },
): Record<string, string> => ({
  token: 'deprecated',
  team_id: TEAM.id,
  team_domain: TEAM.domain,
  channel_id: typed.channel.id,
  channel_name: typed.channel.name,
  user_id: person.id,
  user_name: person.name,
  command: typed.command,
  text: typed.text,
  api_app_id: APP.id,
  is_enterprise_install: 'false',
});

const eventPayload = (workspace: Workspace, event: Reply): Reply => ({
  token: 'deprecated',
  team_id: TEAM.id,
  api_app_id: APP.id,
  type: 'event_callback',
  event: { ...event, event_ts: workspace.stamp() },
  event_id: workspace.nextId('Ev'),
  event_time: Math.floor(workspace.now().getTime() / 1000),
  authorizations: [
    { enterprise_id: null, team_id: TEAM.id, user_id: APP.userId, is_bot: true, is_enterprise_install: false },
  ],
});

const channelOf = (workspace: Workspace): Channel => workspace.channels[0]!;

const knownPerson = (workspace: Workspace, who: string): Person => {
  const person = workspace.person(who);
  if (person === null) throw new Error(`there is nobody called "${who}"`);
  return person;
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
