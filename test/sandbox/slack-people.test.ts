/** What people do in the stand-in and how the app is told: three seconds, one form a trigger, five answers an address. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SlackStandIn, startSlack } from '../../sandbox/slack/server.ts';

type Body = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- Slack's payloads, read field by field

let slack: SlackStandIn;
let app: Server;
let now: Date;
/** What reached the app, decoded; and how it acknowledges. */
let received: Body[];
let acknowledge: (body: Body) => { status?: number; body?: unknown } | 'never';

const api = async (method: string, args: Body): Promise<Body> => {
  const response = await fetch(`${slack.apiUrl}${method}`, {
    method: 'POST',
    headers: { authorization: 'Bearer xoxb-1', 'content-type': 'application/json' },
    body: JSON.stringify(args),
  });
  return (await response.json()) as Body;
};

const respond = async (url: string, body: Body): Promise<[number, string]> => {
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  return [response.status, await response.text()];
};

const plain = (text: string) => ({ type: 'plain_text', text });
const button = { type: 'button', text: plain('Go'), action_id: 'go', value: 'run_1' };
const field = (id: string, change: Body = {}) => ({
  type: 'input',
  block_id: id,
  label: plain(id),
  element: { type: 'plain_text_input', action_id: `${id}-text`, ...change },
});
const modal = (...blocks: Body[]) => ({
  type: 'modal',
  callback_id: 'form',
  title: plain('Form'),
  submit: plain('Send'),
  blocks,
});

const postButton = async (): Promise<string> =>
  (
    await api('chat.postMessage', {
      channel: slack.api.channelId,
      text: 'x',
      blocks: [{ type: 'actions', elements: [button] }],
    })
  )['ts'] as string;

/** Has `who` type a command and opens `view` with its trigger. */
const openForm = async (who: string, view: Body): Promise<string> => {
  await slack.api.type(who, '/octo form');
  const opened = await api('views.open', { trigger_id: received.at(-1)!['trigger_id'], view });
  return opened['view']['id'] as string;
};

beforeEach(async () => {
  now = new Date('2026-03-05T02:00:00Z');
  received = [];
  acknowledge = () => ({});
  app = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const fields: Body =
        request.headers['content-type'] === 'application/json'
          ? JSON.parse(text)
          : Object.fromEntries(new URLSearchParams(text));
      const body: Body = fields['payload'] === undefined ? fields : JSON.parse(fields['payload'] as string);
      received.push(body);
      const ack = acknowledge(body);
      if (ack === 'never') return;
      response.writeHead(ack.status ?? 200).end(ack.body === undefined ? '' : JSON.stringify(ack.body));
    })();
  });
  await new Promise<void>((resolve) => {
    app.listen(0, '127.0.0.1', resolve);
  });
  slack = await startSlack({
    appUrl: `http://127.0.0.1:${(app.address() as AddressInfo).port}`,
    signingSecret: 'secret',
    botToken: 'xoxb-1',
    channel: 'octopus-ops',
    people: ['ana', 'ben'],
    now: () => now,
    ackMilliseconds: 200,
  });
});

afterEach(async () => {
  await slack.close();
  app.closeAllConnections();
  app.close();
});

const said = () => slack.api.messages().map(({ text, visibleTo }) => [text, visibleTo]);

describe('a command', () => {
  it('is sent with everything Slack sends', async () => {
    await slack.api.type('ana', '/octo backup now');
    expect(received).toEqual([
      {
        token: 'deprecated',
        team_id: 'T0OCTOPUS',
        team_domain: 'octopus-sandbox',
        channel_id: slack.api.channelId,
        channel_name: 'octopus-ops',
        user_id: 'U0ANA',
        user_name: 'ana',
        command: '/octo',
        text: 'backup now',
        api_app_id: 'A0OCTO',
        is_enterprise_install: 'false',
        response_url: expect.stringContaining('/respond/'),
        trigger_id: expect.stringMatching(/^\d+\.\d+\.[0-9a-f]{32}$/),
      },
    ]);
    expect(said()).toEqual([]);
  });

  it('shows what the acknowledgement says, to the person or to all', async () => {
    acknowledge = () => ({ body: { text: 'for you' } });
    await slack.api.type('ana', '/octo');
    acknowledge = () => ({ body: { text: 'for all', response_type: 'in_channel' } });
    await slack.api.type('ana', '/octo');
    expect(said()).toEqual([
      ['for you', 'U0ANA'],
      ['for all', null],
    ]);
  });

  it.each([
    ['operation_timeout', () => 'never' as const],
    ['http_service_error', () => ({ status: 500 })],
    ['http_client_error', () => ({ status: 401 })],
    ['invalid_command_response', () => ({ body: { blocks: [{ type: 'sparkles' }] } })],
  ])('that fails says %s to the person', async (error, ack) => {
    acknowledge = ack;
    await slack.api.type('ana', '/octo');
    expect(said()).toEqual([[`/octo failed with the error "${error}"`, 'U0ANA']]);
  });

  it('that reaches nobody says so', async () => {
    slack.api.deliverTo('http://127.0.0.1:1');
    await slack.api.type('ana', '/octo');
    expect(said()).toEqual([['/octo failed with the error "dispatch_failed"', 'U0ANA']]);
  });

  it('that is not ours is not sent, and a message is not a command', async () => {
    await slack.api.type('ana', '/giphy cat');
    await slack.api.type('ana', 'hello <@U0BEN> & all');
    expect(received).toEqual([]);
    expect(said()[1]).toEqual(['hello &lt;@U0BEN&gt; &amp; all', null]);
    await expect(slack.api.type('zoe', 'hello')).rejects.toThrow('nobody called "zoe"');
  });
});

describe('a click', () => {
  it('is sent with the message, the value and who clicked', async () => {
    const ts = await postButton();
    expect(await slack.api.click('ben', ts, 'go')).toBeNull();
    expect(received[0]).toMatchObject({
      type: 'block_actions',
      user: { id: 'U0BEN', username: 'ben' },
      team: { id: 'T0OCTOPUS' },
      container: { type: 'message', message_ts: ts, is_ephemeral: false },
      channel: { id: slack.api.channelId, name: 'octopus-ops' },
      message: { ts, text: 'x' },
      actions: [{ type: 'button', action_id: 'go', block_id: 'b0', value: 'run_1' }],
    });
  });

  it('tells what was chosen in a menu', async () => {
    const choice = (value: string) => ({ text: plain(value), value });
    const menu = { type: 'static_select', action_id: 'menu', options: [choice('a'), choice('b')] };
    const blocks = [{ type: 'actions', elements: [menu] }];
    const { ts } = await api('chat.postMessage', { channel: slack.api.channelId, text: 'x', blocks });
    await slack.api.click('ben', ts as string, { actionId: 'menu', chosen: 'b' });
    expect(received[0]!['actions']).toMatchObject([{ type: 'static_select', selected_option: choice('b') }]);
  });

  it('can only hit what the person sees', async () => {
    await api('chat.postEphemeral', {
      channel: slack.api.channelId,
      user: 'U0ANA',
      text: 'x',
      blocks: [{ type: 'actions', elements: [button] }],
    });
    const { ts } = slack.api.messages()[0]!;
    await expect(slack.api.click('ben', ts, 'go')).rejects.toThrow('ben sees no message');
    await expect(slack.api.click('ana', ts, 'stop')).rejects.toThrow('no "stop" to click');
    expect(await slack.api.click('ana', ts, 'go')).toBeNull();
  });

  it('that is not acknowledged in time is told to whoever clicked', async () => {
    acknowledge = () => 'never';
    expect(await slack.api.click('ben', await postButton(), 'go')).toBe('operation_timeout');
  });
});

describe('a response address', () => {
  it('works five times, then no more', async () => {
    await slack.api.type('ana', '/octo');
    const url = received[0]!['response_url'] as string;
    for (let at = 0; at < 5; at += 1) expect(await respond(url, { text: `${at}` })).toEqual([200, 'ok']);
    expect(await respond(url, { text: '5' })).toEqual([404, '{"ok":false,"error":"used_url"}']);
  });

  it('works for thirty minutes', async () => {
    await slack.api.type('ana', '/octo');
    const url = received[0]!['response_url'] as string;
    now = new Date(now.getTime() + 30 * 60_000 + 1);
    expect(await respond(url, { text: 'late' })).toEqual([404, '{"ok":false,"error":"expired_url"}']);
    expect((await respond(`${slack.url}/respond/guess`, { text: 'x' }))[0]).toBe(404);
  });

  it('replaces and deletes the message that was clicked, and posts beside it', async () => {
    const ts = await postButton();
    await slack.api.click('ben', ts, 'go');
    const url = received[0]!['response_url'] as string;
    await respond(url, { text: 'replaced', replace_original: true });
    expect(said()).toEqual([['replaced', null]]);
    await respond(url, { text: 'beside' });
    await respond(url, { delete_original: true });
    expect(said()).toEqual([['beside', 'U0BEN']]);
    expect(await respond(url, { delete_original: true })).toEqual([400, '{"ok":false,"error":"message_not_found"}']);
  });

  it('refuses what a message may not hold', async () => {
    await slack.api.type('ana', '/octo');
    const url = received[0]!['response_url'] as string;
    expect((await respond(url, {}))[1]).toContain('no_text');
    expect((await respond(url, { blocks: [{ type: 'section' }] }))[1]).toContain('invalid_blocks');
  });
});

describe('a form', () => {
  it('opens once for a trigger, within three seconds', async () => {
    await slack.api.type('ana', '/octo');
    const trigger = received[0]!['trigger_id'] as string;
    expect(await api('views.open', { trigger_id: 'guess', view: modal() })).toMatchObject({
      error: 'invalid_trigger_id',
    });
    expect(await api('views.open', { trigger_id: trigger, view: modal(field('a')) })).toMatchObject({ ok: true });
    expect(await api('views.open', { trigger_id: trigger, view: modal() })).toMatchObject({
      error: 'exchanged_trigger_id',
    });
    await slack.api.type('ana', '/octo');
    now = new Date(now.getTime() + 3_001);
    const late = received[1]!['trigger_id'] as string;
    expect(await api('views.open', { trigger_id: late, view: modal() })).toMatchObject({ error: 'expired_trigger_id' });
  });

  it('is sent with its fields, and closes when it is acknowledged', async () => {
    const id = await openForm('ana', modal(field('a'), field('b', { initial_value: 'kept' })));
    expect(await slack.api.submit('ana', id, { 'a-text': 'typed' })).toEqual({ errors: null, failure: null });
    expect(received[1]).toMatchObject({
      type: 'view_submission',
      view: {
        id,
        callback_id: 'form',
        state: {
          values: {
            a: { 'a-text': { type: 'plain_text_input', value: 'typed' } },
            b: { 'b-text': { type: 'plain_text_input', value: 'kept' } },
          },
        },
      },
    });
    expect(slack.api.forms('ana')).toEqual([]);
  });

  it('is not sent while a required field is empty or too short', async () => {
    const id = await openForm('ana', modal(field('a'), { ...field('b', { min_length: 5 }), optional: true }));
    const { errors } = await slack.api.submit('ana', id, { 'b-text': 'four' });
    expect(Object.keys(errors ?? {})).toEqual(['a', 'b']);
    expect(received).toHaveLength(1);
  });

  it('shows the errors of the app, and stays', async () => {
    const id = await openForm('ana', modal(field('a')));
    acknowledge = () => ({ body: { response_action: 'errors', errors: { a: 'That is not prod.' } } });
    expect(await slack.api.submit('ana', id, { 'a-text': 'x' })).toEqual({
      errors: { a: 'That is not prod.' },
      failure: null,
    });
    expect(slack.api.forms('ana')).toHaveLength(1);
  });

  it('changes, gets others on top, and clears, as the app says', async () => {
    const id = await openForm('ana', modal(field('a')));
    acknowledge = () => ({ body: { response_action: 'update', view: modal(field('z')) } });
    await slack.api.submit('ana', id, { 'a-text': 'x' });
    expect(slack.api.forms('ana')).toMatchObject([{ id, body: { blocks: [{ block_id: 'z' }] } }]);
    acknowledge = () => ({ body: { response_action: 'push', view: modal(field('y')) } });
    await slack.api.submit('ana', id, { 'z-text': 'x' });
    const [, top] = slack.api.forms('ana');
    acknowledge = () => ({ body: { response_action: 'update', view: { type: 'modal' } } });
    expect(await slack.api.submit('ana', top!.id, { 'y-text': 'x' })).toEqual({
      errors: null,
      failure: 'invalid_arguments',
    });
    acknowledge = () => ({ body: { response_action: 'clear' } });
    await slack.api.submit('ana', top!.id, { 'y-text': 'x' });
    expect(slack.api.forms('ana')).toEqual([]);
  });

  it('is changed only by whoever saw its present state', async () => {
    const id = await openForm('ana', modal(field('a')));
    const { hash } = slack.api.forms('ana')[0]!;
    expect(await api('views.update', { view_id: id, hash, view: modal(field('b')) })).toMatchObject({ ok: true });
    expect(await api('views.update', { view_id: id, hash, view: modal() })).toMatchObject({ error: 'hash_conflict' });
    expect(await api('views.update', { view_id: 'V0', view: modal() })).toMatchObject({ error: 'not_found' });
    expect(await api('views.update', { view_id: id, view: { type: 'modal' } })).toMatchObject({
      error: 'invalid_arguments',
    });
  });

  it('lies at most three deep', async () => {
    await openForm('ana', modal());
    for (const error of [undefined, undefined, 'push_limit_reached']) {
      await slack.api.type('ana', '/octo');
      const pushed = await api('views.push', { trigger_id: received.at(-1)!['trigger_id'], view: modal() });
      expect(pushed['error']).toBe(error);
    }
  });

  it('tells the app that it was closed, where it asks for that', async () => {
    const silent = await openForm('ana', modal());
    await slack.api.dismiss('ana', silent);
    const loud = await openForm('ana', { ...modal(), notify_on_close: true });
    await slack.api.dismiss('ana', loud);
    expect(received.map(({ type }) => type)).toEqual([undefined, undefined, 'view_closed']);
    expect(slack.api.forms('ana')).toEqual([]);
  });
});

describe('App Home', () => {
  it('tells the app that it was opened', async () => {
    await slack.api.openHome('ana');
    expect(received[0]).toMatchObject({
      type: 'event_callback',
      event: { type: 'app_home_opened', user: 'U0ANA', tab: 'home' },
    });
  });
});
