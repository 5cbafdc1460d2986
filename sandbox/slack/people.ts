/**
 * What people do in the channel: type, click, fill in forms, open App Home. Each act goes to the app as Slack sends it,
 * and shows what Slack shows when the app does not acknowledge in time.
 */
import { showAnswer } from './answers.ts';
import { elementsOf, emptyFields, stateOf } from './block-elements.ts';
import type { Ack, createResponseUrls, createTriggers, ResponseTarget, Send } from './delivery.ts';
import { Refusal, type Reply } from './refusal.ts';
import { checkedView, newView, replaceForm, viewPayload } from './view-methods.ts';
import {
  APP,
  type Block,
  type Person,
  type StoredMessage,
  type StoredView,
  TEAM,
  type Workspace,
} from './workspace.ts';

export type People = ReturnType<typeof createPeople>;
export type SubmitResult = { errors: Record<string, string> | null; failure: string | null };

type Parts = {
  workspace: Workspace;
  command: string;
  send: Send;
  triggers: ReturnType<typeof createTriggers>;
  responseUrls: ReturnType<typeof createResponseUrls>;
};

/** The acts. Asking for something that is not on the screen throws; what the app does wrong is shown and returned. */
export const createPeople = (parts: Parts) => {
  const { workspace } = parts;
  const channel = workspace.channels[0]!;

  const slackbotSays = (person: Person, text: string): void => {
    workspace.add({ channel: channel.id, user: 'USLACKBOT', text, visibleTo: person.id });
  };

  const runCommand = async (person: Person, typed: string, threadTs: string | null): Promise<void> => {
    const [command = '', ...words] = typed.split(' ');
    if (command !== parts.command) {
      slackbotSays(person, `\`${command}\` is not a valid command. A message that starts with a slash is a command.`);
      return;
    }
    const target: ResponseTarget = { user: person.id, channel: channel.id, threadTs, sourceTs: null };
    const payload = commandPayload(person, { command, text: words.join(' ').trim(), channel });
    const ack = await parts.send({
      kind: 'slash_commands',
      payload: {
        ...payload,
        response_url: parts.responseUrls.issue(target),
        trigger_id: parts.triggers.issue(person.id),
      },
    });
    if (!ack.isTaken) slackbotSays(person, `${command} failed with the error "${ack.error}"`);
    else if (ack.body !== null && showAnswer(workspace, target, ack.body) !== null) {
      slackbotSays(person, `${command} failed with the error "invalid_command_response"`);
    }
  };

  const interact = (person: Person, payload: Reply): Promise<Ack> =>
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

  return {
    /** A command, or an ordinary message when it does not start with a slash. Resolves when the app acknowledged. */
    type: async (who: string, text: string, threadTs: string | null = null): Promise<void> => {
      const person = knownPerson(workspace, who);
      if (text.startsWith('/')) await runCommand(person, text.trim(), threadTs);
      else workspace.add({ channel: channel.id, user: person.id, text: escaped(text), threadTs });
    },

    /** Uses a button or a menu of a message, a form or the home tab. What Slack would show as error, or null. */
    click: async (who: string, where: string, use: string | { actionId: string; chosen: unknown }) => {
      const { actionId, chosen } = typeof use === 'string' ? { actionId: use, chosen: undefined } : use;
      const person = knownPerson(workspace, who);
      const place = findPlace(workspace, person, where);
      const found = elementsOf(place.blocks).find(({ element }) => element['action_id'] === actionId);
      if (found === undefined) throw new Error(`there is no "${actionId}" to click in ${where}`);
      const action = {
        ...stateOf(found.element, chosen),
        action_id: actionId,
        block_id: found.blockId,
        text: found.element['text'],
        action_ts: workspace.stampEdit(),
      };
      const ack = await interact(person, {
        type: 'block_actions',
        actions: [action],
        ...('message' in place ? messageContext(place.message, parts, person) : viewContext(place.view)),
      });
      return ack.isTaken ? null : ack.error;
    },

    /** Sends the top form with `values` by action id; fields not named keep what they show. */
    submit: async (who: string, viewId: string, values: Record<string, unknown>): Promise<SubmitResult> => {
      const person = knownPerson(workspace, who);
      const view = workspace.forms(person.id).find(({ id }) => id === viewId);
      if (view === undefined) throw new Error(`${who} has no open form ${viewId}`);
      const errors = emptyFields(view.body.blocks, values);
      if (errors !== null) return { errors, failure: null };
      const ack = await interact(person, {
        type: 'view_submission',
        view: viewPayload(view, stateValues(view.body.blocks, values)),
        response_urls: [],
      });
      return ack.isTaken ? afterSubmit(workspace, view, ack.body) : { errors: null, failure: ack.error };
    },

    /** Closes the top form; the app hears of it where the form asked for that. */
    dismiss: async (who: string, viewId: string): Promise<void> => {
      const person = knownPerson(workspace, who);
      const stack = workspace.forms(person.id);
      const view = stack.find(({ id }) => id === viewId);
      if (view === undefined) return;
      workspace.setForms(
        person.id,
        stack.filter(({ id }) => id !== viewId),
      );
      if (view.body['notify_on_close'] === true) {
        await interact(person, { type: 'view_closed', view: viewPayload(view), is_cleared: false });
      }
    },

    /** Opens the App Home tab: the app is told and may publish one. */
    openHome: async (who: string): Promise<void> => {
      const person = knownPerson(workspace, who);
      const event = {
        type: 'app_home_opened',
        user: person.id,
        channel: 'D0OCTO',
        tab: 'home',
        event_ts: workspace.stampEdit(),
      };
      await parts.send({ kind: 'events_api', payload: eventPayload(workspace, event) });
    },
  };
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
  event,
  event_id: workspace.nextId('Ev'),
  event_time: Math.floor(workspace.now().getTime() / 1000),
  authorizations: [
    { enterprise_id: null, team_id: TEAM.id, user_id: APP.userId, is_bot: true, is_enterprise_install: false },
  ],
});

const knownPerson = (workspace: Workspace, who: string): Person => {
  const person = workspace.person(who);
  if (person === null) throw new Error(`there is nobody called "${who}"`);
  return person;
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
