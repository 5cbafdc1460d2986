/** The door as Slack meets it: who gets in, what is handed over, and who hears the answer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, HandOver } from '../../handlers/slack-app.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { SlackRequest } from '../../lib/slack/receive.ts';
import { replyMessage } from '../../lib/slack/replies.ts';
import { signature } from '../../sandbox/slack/delivery.ts';
import { type SlackStandIn, startSlack } from '../../sandbox/slack/server.ts';
import { TEAM } from '../../sandbox/slack/workspace.ts';
import { openSlackDoor, type SlackDoor } from '../../worker/slack-door.ts';

const SIGNING_SECRET = 'sandbox-signing-secret';
const BOT_TOKEN = 'xoxb-sandbox-bot-token';
const APP_TOKEN = 'xapp-sandbox-app-token';
const APPROVE = {
  type: 'button',
  text: { type: 'plain_text', text: 'Go' },
  action_id: 'command:runs',
  value: 'runs prod',
};

let slack: SlackStandIn;
let door: SlackDoor;
let handedOver: SlackRequest[];
let logged: string[];
let handOver: HandOver;

const open = async (mode: 'http' | 'socket', allow: { team?: string; channels?: string[] } = {}) => {
  const shared = {
    botToken: new Secret(BOT_TOKEN),
    apiUrl: slack.apiUrl,
    allow: { team: TEAM.id, channels: [slack.api.channelId], ...allow },
    handOver: (request: SlackRequest): Promise<Answer> => {
      handedOver.push(request);
      return handOver(request);
    },
    log: (entry: object) => logged.push(JSON.stringify(entry)),
  };
  door = await openSlackDoor(
    mode === 'http'
      ? { ...shared, mode, port: 0, signingSecret: new Secret(SIGNING_SECRET) }
      : { ...shared, mode, appToken: new Secret(APP_TOKEN) },
  );
  if (door.url !== null) slack.api.deliverTo(door.url);
};

/** Resolves with the first message that holds `words`. */
const shown = (words: string) =>
  new Promise<ReturnType<SlackStandIn['api']['messages']>[number]>((resolve) => {
    const look = (): boolean => {
      const found = slack.api.messages().find((message) => JSON.stringify(message).includes(words));
      if (found !== undefined) resolve(found);
      return found !== undefined;
    };
    if (look()) return;
    const stop = slack.api.onChange(() => {
      if (look()) stop();
    });
  });

const postButton = async (): Promise<string> => {
  const response = await fetch(`${slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { authorization: `Bearer ${BOT_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      channel: slack.api.channelId,
      text: 'x',
      blocks: [{ type: 'actions', elements: [APPROVE] }],
    }),
  });
  return ((await response.json()) as { ts: string }).ts;
};

beforeEach(async () => {
  handedOver = [];
  logged = [];
  handOver = () => Promise.resolve(replyMessage({ headline: 'All is well.', lines: [] }));
  slack = await startSlack({
    signingSecret: SIGNING_SECRET,
    botToken: BOT_TOKEN,
    appToken: APP_TOKEN,
    channel: 'octopus-ops',
    people: ['ana', 'ben'],
  });
});

afterEach(async () => {
  await door.close();
  await slack.close();
});

describe.each(['http', 'socket'] as const)('over %s', (mode) => {
  it('hands a command over and answers only the person who typed', async () => {
    await open(mode);
    await slack.api.type('ana', '/octo backup now  prod ');
    const answer = await shown('All is well.');
    expect(answer.visibleTo).toBe('U0ANA');
    expect(handedOver).toMatchObject([
      { kind: 'command', text: 'backup now  prod', userName: 'ana', channel: slack.api.channelId },
    ]);
  });

  it('hands a click over and answers only the person who clicked', async () => {
    await open(mode);
    const ts = await postButton();
    expect(await slack.api.click('ben', ts, 'command:runs')).toBeNull();
    expect((await shown('All is well.')).visibleTo).toBe('U0BEN');
    expect(handedOver).toMatchObject([{ kind: 'action', actionId: 'command:runs', value: 'runs prod', messageTs: ts }]);
  });

  it('opens a form, hands it over when it is sent, and answers the person', async () => {
    await open(mode);
    const label = { type: 'plain_text' as const, text: 'Reason' };
    handOver = (request) =>
      Promise.resolve(
        request.kind === 'command'
          ? {
              form: {
                type: 'modal',
                callback_id: 'deny',
                title: label,
                submit: label,
                blocks: [
                  { type: 'input', block_id: 'b', label, element: { type: 'plain_text_input', action_id: 'reason' } },
                ],
              },
            }
          : replyMessage({ headline: 'Noted.', lines: [] }),
      );
    const opened = new Promise<void>((resolve) => {
      slack.api.onChange(({ kind }) => kind === 'forms' && resolve());
    });
    await slack.api.type('ben', '/octo deny');
    await opened;
    const [form] = slack.api.forms('ben');
    expect(await slack.api.submit('ben', form!.id, { reason: 'too late in the day' })).toEqual({
      errors: null,
      failure: null,
    });
    expect((await shown('Noted.')).visibleTo).toBe('U0BEN');
    expect(handedOver[1]).toMatchObject({
      kind: 'form',
      callbackId: 'deny',
      values: { reason: 'too late in the day' },
    });
    expect(slack.api.forms('ben')).toEqual([]);
  });

  it('says that a form did not open', async () => {
    await open(mode);
    const title = { type: 'plain_text' as const, text: 'Deny' };
    handOver = () => Promise.resolve({ form: { type: 'modal', title, blocks: [] } });
    slack.api.fail('views.open', { error: 'expired_trigger_id' });
    await slack.api.type('ben', '/octo deny');
    expect((await shown('FormNotOpened')).visibleTo).toBe('U0BEN');
  });

  it('publishes App Home', async () => {
    await open(mode);
    const published = new Promise<void>((resolve) => {
      slack.api.onChange(({ kind }) => kind === 'home' && resolve());
    });
    await slack.api.openHome('ana');
    await published;
    expect(JSON.stringify(slack.api.home('ana'))).toContain('All is well.');
  });

  it.each([126, 70_000])('carries a text of %d characters whole', async (length) => {
    await open(mode);
    await slack.api.type('ana', `/octo ${'é'.repeat(length)}`);
    await shown('All is well.');
    expect(handedOver).toMatchObject([{ text: 'é'.repeat(length) }]);
  });

  it('acknowledges before the work is done', async () => {
    await open(mode);
    let finish: (answer: Answer) => void = () => undefined;
    handOver = () => new Promise((resolve) => (finish = resolve));
    await slack.api.type('ana', '/octo backup now');
    expect(slack.api.messages()).toEqual([]);
    finish(replyMessage({ headline: 'Late, but there.', lines: [] }));
    expect((await shown('Late, but there.')).visibleTo).toBe('U0ANA');
  });

  it('answers with the error when handing over fails, and says nothing of its inside', async () => {
    await open(mode);
    handOver = () => Promise.reject(new OctoError('ChatRefused', 'no such thing', { cause: new Error('xoxb-secret') }));
    await slack.api.type('ana', '/octo nonsense');
    const answer = JSON.stringify(await shown('ChatRefused'));
    expect(answer).toContain('No such thing.');
    expect(answer + logged.join('')).not.toContain('xoxb');
  });

  it('answers a command from another channel with where to go, and hands nothing over', async () => {
    await open(mode, { channels: ['C0ELSEWHERE'] });
    await slack.api.type('ana', '/octo backup now');
    expect((await shown('ChannelNotAllowed')).visibleTo).toBe('U0ANA');
    expect(handedOver).toEqual([]);
  });

  it('drops what comes from another workspace', async () => {
    await open(mode, { team: 'T0STRANGER' });
    await slack.api.type('ana', '/octo backup now');
    await expect.poll(() => logged.join('')).toContain('another workspace');
    expect(handedOver).toEqual([]);
  });
});

describe('a door that cannot be opened', () => {
  it('says so: the port is taken, or Slack refuses the app', async () => {
    await open('http');
    const shared = {
      botToken: new Secret(BOT_TOKEN),
      apiUrl: slack.apiUrl,
      allow: { team: TEAM.id, channels: [] },
      handOver,
      log: () => undefined,
    };
    const port = Number(new URL(door.url!).port);
    const taken = openSlackDoor({ ...shared, mode: 'http', port, signingSecret: new Secret(SIGNING_SECRET) });
    await expect(taken).rejects.toMatchObject({ code: 'SlackDoorNotOpened' });
    const refused = openSlackDoor({ ...shared, mode: 'socket', appToken: new Secret('xapp-guess') });
    await expect(refused).rejects.toMatchObject({ code: 'SlackDoorNotOpened' });
  });
});

describe('signed requests', () => {
  const body = (change: Record<string, string> = {}): string =>
    new URLSearchParams({
      command: '/octo',
      text: 'backup now',
      team_id: TEAM.id,
      channel_id: slack.api.channelId,
      user_id: 'U0ANA',
      user_name: 'ana',
      response_url: `${slack.url}/respond/none`,
      trigger_id: '1.2.3',
      ...change,
    }).toString();
  const now = (): number => Math.floor(Date.now() / 1000);
  const send = (sent: { seconds: number; signed: string; body: string }, path = ''): Promise<Response> =>
    fetch(`${door.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': String(sent.seconds),
        'x-slack-signature': sent.signed,
      },
      body: sent.body,
    });

  beforeEach(() => open('http'));

  it('lets in what is signed and fresh', async () => {
    const seconds = now();
    const response = await send({ seconds, signed: signature(SIGNING_SECRET, seconds, body()), body: body() });
    expect(response.status).toBe(200);
    expect(handedOver).toHaveLength(1);
  });

  it.each([
    ['a wrong secret', (seconds: number) => ({ seconds, signed: signature('guess', seconds, body()), body: body() })],
    [
      'another body than was signed',
      (seconds: number) => ({
        seconds,
        signed: signature(SIGNING_SECRET, seconds, body()),
        body: body({ text: 'restore' }),
      }),
    ],
    [
      'another time than was signed',
      (seconds: number) => ({ seconds: seconds - 1, signed: signature(SIGNING_SECRET, seconds, body()), body: body() }),
    ],
    [
      'a time more than five minutes ago',
      (seconds: number) => ({
        seconds: seconds - 302,
        signed: signature(SIGNING_SECRET, seconds - 302, body()),
        body: body(),
      }),
    ],
    [
      'no time',
      (seconds: number) => ({ seconds: NaN, signed: signature(SIGNING_SECRET, seconds, body()), body: body() }),
    ],
    ['no signature', (seconds: number) => ({ seconds, signed: '', body: body() })],
    [
      'another scheme',
      (seconds: number) => ({
        seconds,
        signed: signature(SIGNING_SECRET, seconds, body()).replace('v0', 'v1'),
        body: body(),
      }),
    ],
  ])('refuses %s', async (_what, forge) => {
    expect((await send(forge(now()))).status).toBe(401);
    expect(handedOver).toEqual([]);
  });

  it('hands a request over once, however often it is delivered', async () => {
    const seconds = now();
    const signed = { seconds, signed: signature(SIGNING_SECRET, seconds, body()), body: body() };
    await Promise.all([send(signed), send(signed), send(signed)]);
    expect(handedOver).toHaveLength(1);
    expect(logged.filter((line) => line.includes('repeated'))).toHaveLength(2);
  });

  it('serves one address only', async () => {
    const seconds = now();
    const signed = { seconds, signed: signature(SIGNING_SECRET, seconds, body()), body: body() };
    expect((await send(signed, '/more')).status).toBe(404);
    expect(handedOver).toEqual([]);
  });
});
