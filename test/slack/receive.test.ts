/** What people do in Slack, read from bodies as Slack documents them. */
import { describe, expect, it } from 'vitest';
import { commandText, receive } from '../../lib/slack/receive.ts';

const command = {
  token: 'gIkuvaNzQIHg97ATvDxqgjtO',
  team_id: 'T0001',
  team_domain: 'example',
  channel_id: 'C2147483705',
  channel_name: 'test',
  user_id: 'U2147483697',
  user_name: 'Steve',
  command: '/octo',
  text: 'backup now prod',
  response_url: 'https://hooks.slack.com/commands/1234/5678',
  trigger_id: '13345224609.738474920.8088930838d88f008e0',
};

const click = {
  type: 'block_actions',
  team: { id: 'T9TK3CUKW', domain: 'example' },
  user: { id: 'UA8RXUSPL', username: 'jtorrance', name: 'jtorrance', team_id: 'T9TK3CUKW' },
  trigger_id: '12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3',
  container: { type: 'message', message_ts: '1548261231.000200', channel_id: 'CBR2V3XEX', is_ephemeral: false },
  channel: { id: 'CBR2V3XEX', name: 'review-updates' },
  response_url: 'https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209',
  actions: [{ action_id: 'command:cancel', block_id: '=qXel', value: 'cancel run_7F3K9Q2M', type: 'button' }],
};

describe('a command', () => {
  it('is read', () => {
    expect(receive(command)).toEqual({
      kind: 'command',
      triggerId: command.trigger_id,
      team: 'T0001',
      channel: 'C2147483705',
      user: 'U2147483697',
      userName: 'Steve',
      responseUrl: command.response_url,
      text: 'backup now prod',
    });
  });
});

describe('a click', () => {
  it('is read, and may stand for a command', () => {
    const request = receive(click);
    expect(request).toEqual({
      kind: 'action',
      triggerId: click.trigger_id,
      team: 'T9TK3CUKW',
      channel: 'CBR2V3XEX',
      user: 'UA8RXUSPL',
      userName: 'jtorrance',
      responseUrl: click.response_url,
      actionId: 'command:cancel',
      value: 'cancel run_7F3K9Q2M',
      messageTs: '1548261231.000200',
    });
    expect(commandText(request!)).toBe('cancel run_7F3K9Q2M');
  });

  it('stands for nothing when its id does not say so', () => {
    expect(commandText(receive({ ...click, actions: [{ action_id: 'approve', value: 'cancel run_1' }] })!)).toBeNull();
  });

  it.each([
    [{ selected_option: { text: {}, value: 'online' } }, 'online'],
    [{ selected_options: [{ value: 'a' }, { value: 'b' }] }, 'a,b'],
    [{ selected_user: 'U1' }, 'U1'],
    [{}, null],
  ])('carries what was chosen: %j', (state, value) => {
    expect(receive({ ...click, actions: [{ action_id: 'x', ...state }] })).toMatchObject({ value });
  });
});

describe('a form', () => {
  it('is read with its fields', () => {
    const body = {
      type: 'view_submission',
      team: { id: 'T1' },
      user: { id: 'U1', name: 'ana' },
      trigger_id: '1.2.3',
      view: {
        id: 'V1',
        hash: '1.2',
        callback_id: 'settings',
        private_metadata: 'prod',
        state: {
          values: {
            b1: {
              reason: { type: 'plain_text_input', value: 'because' },
              empty: { type: 'plain_text_input', value: null },
            },
            b2: { folders: { type: 'checkboxes', selected_options: [{ value: 'packages' }] } },
            b3: {
              people: { type: 'multi_users_select', selected_users: ['U1', 'U2'] },
              day: { type: 'datepicker', selected_date: '2026-03-05' },
            },
          },
        },
      },
    };
    expect(receive(body)).toEqual({
      kind: 'form',
      triggerId: '1.2.3',
      team: 'T1',
      channel: null,
      user: 'U1',
      userName: 'ana',
      responseUrl: null,
      callbackId: 'settings',
      privateMetadata: 'prod',
      values: { reason: 'because', empty: null, folders: ['packages'], people: ['U1', 'U2'], day: '2026-03-05' },
      view: { callback_id: 'settings', private_metadata: 'prod' },
    });
  });
});

describe('App Home', () => {
  const opened = {
    type: 'event_callback',
    team_id: 'T1',
    event_id: 'Ev1',
    event: { type: 'app_home_opened', tab: 'home', user: 'U1' },
  };

  it('is read when the home tab was opened, not the messages tab', () => {
    expect(receive(opened)).toMatchObject({ kind: 'home', user: 'U1', triggerId: 'Ev1' });
    expect(receive({ ...opened, event: { ...opened.event, tab: 'messages' } })).toBeNull();
  });
});

describe('anything else', () => {
  it.each([null, undefined, 'text', [], {}, { type: 'shortcut' }, { type: 'view_closed' }, { type: 'event_callback' }])(
    'is left alone: %j',
    (body) => {
      expect(receive(body)).toBeNull();
    },
  );
});
