/**
 * What a person did in Slack, as data: a command, a button, a form, a look at App Home.
 *
 * Takes bodies whose signature was checked by the door. Reads only what is used; anything else is ignored.
 * @see https://docs.slack.dev/interactivity/implementing-slash-commands
 * @see https://docs.slack.dev/reference/interaction-payloads
 */

import type { ChatForm } from '../ports/chat.ts';

type Sender = {
  /** One of a kind per act: what makes a repeated delivery the same request. */
  triggerId: string;
  team: string;
  /** `null` where the act has no channel: forms and App Home. */
  channel: string | null;
  user: string;
  userName: string;
  responseUrl: string | null;
};

export type SlackRequest = Sender &
  (
    | { kind: 'command'; text: string }
    | { kind: 'action'; actionId: string; value: string | null; messageTs: string | null }
    | {
        kind: 'form';
        callbackId: string;
        privateMetadata: string;
        values: Record<string, FieldValue>;
        /** The form as it was shown, fit to be shown again. */
        view: ChatForm;
      }
    | { kind: 'home' }
  );

/** What a field holds: text, an option's value, several of them, or nothing. */
export type FieldValue = string | string[] | null;

type Fields = Record<string, unknown>;

/** Action ids that begin so carry a command as their value: clicking is typing it. */
export const COMMAND_ACTION = 'command:';

/** The request in a verified body, or `null` when it is of a kind that we do not serve. */
export const receive = (body: unknown): SlackRequest | null => {
  const fields = fieldsOf(body);
  switch (fields['type']) {
    case undefined:
      return typeof fields['command'] === 'string' ? commandOf(fields) : null;
    case 'block_actions':
      return actionOf(fields);
    case 'view_submission':
      return formOf(fields);
    case 'event_callback':
      return homeOf(fields);
    default:
      return null;
  }
};

/** The command that was typed, or that the clicked button stands for; `null` for anything else. */
export const commandText = (request: SlackRequest): string | null => {
  if (request.kind === 'command') return request.text;
  const isCommand = request.kind === 'action' && request.actionId.startsWith(COMMAND_ACTION);
  return isCommand ? request.value : null;
};

const commandOf = (fields: Fields): SlackRequest => ({
  kind: 'command',
  triggerId: textOf(fields['trigger_id']),
  team: textOf(fields['team_id']),
  channel: textOf(fields['channel_id']),
  user: textOf(fields['user_id']),
  userName: textOf(fields['user_name']),
  responseUrl: textOrNull(fields['response_url']),
  text: textOf(fields['text']),
});

const actionOf = (fields: Fields): SlackRequest => {
  const action = fieldsOf(listOf(fields['actions'])[0]);
  const chosen = valueOf(action);
  return {
    kind: 'action',
    ...senderOf(fields),
    actionId: textOf(action['action_id']),
    value: Array.isArray(chosen) ? chosen.join(',') : chosen,
    messageTs: textOrNull(fieldsOf(fields['container'])['message_ts']),
  };
};

const formOf = (fields: Fields): SlackRequest => {
  const view = fieldsOf(fields['view']);
  const blocks = Object.values(fieldsOf(fieldsOf(view['state'])['values']));
  return {
    kind: 'form',
    ...senderOf(fields),
    callbackId: textOf(view['callback_id']),
    privateMetadata: textOf(view['private_metadata']),
    values: Object.fromEntries(
      blocks.flatMap((block) => Object.entries(fieldsOf(block)).map(([id, state]) => [id, valueOf(fieldsOf(state))])),
    ),
    view: Object.fromEntries(
      VIEW_FIELDS.flatMap((name) => (isThere(view[name]) ? [[name, view[name]]] : [])),
    ) as unknown as ChatForm,
  };
};

/** Slack sends more with a view than it takes back. */
const VIEW_FIELDS = ['type', 'callback_id', 'private_metadata', 'title', 'submit', 'close', 'blocks'] as const;

const homeOf = (fields: Fields): SlackRequest | null => {
  const event = fieldsOf(fields['event']);
  if (event['type'] !== 'app_home_opened' || event['tab'] !== 'home') return null;
  return {
    kind: 'home',
    triggerId: textOf(fields['event_id']),
    team: textOf(fields['team_id']),
    channel: null,
    user: textOf(event['user']),
    userName: textOf(event['user']),
    responseUrl: null,
  };
};

const senderOf = (fields: Fields): Sender => {
  const user = fieldsOf(fields['user']);
  return {
    triggerId: textOf(fields['trigger_id']),
    team: textOf(fieldsOf(fields['team'])['id']),
    channel: textOrNull(fieldsOf(fields['channel'])['id']),
    user: textOf(user['id']),
    userName: textOf(user['username'] ?? user['name'] ?? user['id']),
    responseUrl: textOrNull(fields['response_url']),
  };
};

const valueOf = (state: Fields): FieldValue => {
  const option = fieldsOf(state['selected_option'])['value'];
  const options = listOf(state['selected_options']).map((one) => textOf(fieldsOf(one)['value']));
  const users = listOf(state['selected_users']).map(textOf);
  if (state['selected_options'] !== undefined) return options;
  if (state['selected_users'] !== undefined) return users;
  const one = state['value'] ?? option ?? state['selected_user'] ?? state['selected_date'] ?? state['selected_time'];
  return textOrNull(one);
};

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const isThere = (value: unknown): boolean => value !== undefined && value !== null;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
