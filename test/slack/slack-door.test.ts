/** The door as Slack meets it: who gets in, what is handed over, and who hears the answer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DoorRefusal, Answer, HandOver } from '../../handlers/slack-app.ts';
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
const plain = (text: string) => ({ type: 'plain_text' as const, text });
const GO = { type: 'button' as const, text: plain('Go'), action_id: 'command:runs', value: 'runs prod' };
const denyForm = {
  type: 'modal' as const,
  callback_id: 'deny',
  title: plain('Deny'),
  submit: plain('Deny'),
  blocks: [
    {
      type: 'input' as const,
      block_id: 'b',
      label: plain('Reason'),
      element: { type: 'plain_text_input' as const, action_id: 'reason' },
    },
  ],
};

let slack: SlackStandIn;
let door: SlackDoor;
let handedOver: SlackRequest[];
let logged: string[];
let refused: string[];
let handOver: HandOver;

const open = async (mode: 'http' | 'socket', allow: { team?: string; channels?: string[] } = {}) => {
  const shared = {
    botToken: new Secret(BOT_TOKEN),
    apiUrl: slack.apiUrl,
    allow: { team: TEAM.id, channels: [slack.api.channelId], ...allow },
    handOver: (request: SlackRequest, opened: Promise<string | null>): Promise<Answer> => {
      handedOver.push(request);
      return handOver(request, opened);
    },
    log: (entry: object) => logged.push(JSON.stringify(entry)),
    onRefused: ({ why, userName }: DoorRefusal) => void refused.push(`${why} ${userName}`),
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

/** The form that `person` has open, as soon as it holds `words`. */
const formOf = async (person: string, words: string) => {
  await expect.poll(() => JSON.stringify(slack.api.forms(person))).toContain(words);
  return slack.api.forms(person)[0]!;
};

const postButton = async (): Promise<string> => {
  const response = await fetch(`${slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { authorization: `Bearer ${BOT_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      channel: slack.api.channelId,
      text: 'x',
      blocks: [{ type: 'actions', elements: [GO] }],
    }),
  });
  return ((await response.json()) as { ts: string }).ts;
};

beforeEach(async () => {
  handedOver = [];
  logged = [];
  refused = [];
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

  it('opens a form at once, fills it when its data are there, and answers a sent form in its place', async () => {
    await open(mode);
    let fill: (answer: Answer) => void = () => undefined;
    handOver = (request) =>
      request.kind === 'command'
        ? new Promise((resolve) => (fill = resolve))
        : Promise.resolve(replyMessage({ headline: 'Noted.', lines: [] }));
    await slack.api.type('ben', '/octo deny run_7F3K9Q2M');
    const loading = await formOf('ben', 'One moment');
    fill({ form: denyForm });
    const form = await formOf('ben', 'Reason');
    expect(form.id).toBe(loading.id);
    expect(await slack.api.submit('ben', form.id, { reason: 'too late in the day' })).toEqual({
      errors: null,
      failure: null,
    });
    expect((await formOf('ben', 'Noted.')).id).toBe(form.id);
    expect(handedOver[1]).toMatchObject({
      kind: 'form',
      callbackId: 'deny',
      values: { reason: 'too late in the day' },
    });
    expect(slack.api.messages()).toEqual([]);
  });

  it('shows a form again with what was typed when it was refused, and lets it be sent again', async () => {
    await open(mode);
    handOver = (request) => {
      if (request.kind !== 'form') return Promise.resolve({ form: denyForm });
      if (request.values['reason'] === 'because')
        return Promise.reject(new OctoError('ApprovalReasonMissing', '"because" is no reason'));
      return Promise.resolve(replyMessage({ headline: 'Noted.', lines: [] }));
    };
    await slack.api.type('ben', '/octo deny run_7F3K9Q2M');
    await slack.api.submit('ben', (await formOf('ben', 'Reason')).id, { reason: 'because' });
    const again = await formOf('ben', 'is no reason');
    expect(JSON.stringify(again.body)).toContain('"initial_value":"because"');
    await slack.api.submit('ben', again.id, { reason: 'too late in the day' });
    await formOf('ben', 'Noted.');
    expect(handedOver.map(({ kind }) => kind)).toEqual(['command', 'form', 'home', 'form', 'home']);
  });

  it('answers in words when the form was closed meanwhile', async () => {
    await open(mode);
    let finish: (answer: Answer) => void = () => undefined;
    handOver = () => new Promise((resolve) => (finish = resolve));
    await slack.api.type('ben', '/octo deny run_7F3K9Q2M');
    await slack.api.dismiss('ben', (await formOf('ben', 'One moment')).id);
    finish(replyMessage({ headline: 'Nothing to deny.', lines: [] }));
    expect((await shown('Nothing to deny.')).visibleTo).toBe('U0BEN');
  });

  it('leaves whoever closed a form alone with it', async () => {
    await open(mode);
    let finish: (answer: Answer) => void = () => undefined;
    handOver = () => new Promise((resolve) => (finish = resolve));
    await slack.api.type('ben', '/octo deny run_7F3K9Q2M');
    await slack.api.dismiss('ben', (await formOf('ben', 'One moment')).id);
    finish({ form: denyForm });
    handOver = () => Promise.resolve(replyMessage({ headline: 'All is well.', lines: [] }));
    await slack.api.type('ben', '/octo status');
    await shown('All is well.');
    expect(slack.api.messages()).toHaveLength(1);
  });

  it('says that a form did not open', async () => {
    await open(mode);
    handOver = () => Promise.resolve({ form: denyForm });
    slack.api.fail('views.open', { error: 'expired_trigger_id', times: 2 });
    await slack.api.type('ben', '/octo deny run_7F3K9Q2M');
    expect((await shown('FormNotOpened')).visibleTo).toBe('U0BEN');
  });

  it('answers a click in App Home where the person is, and draws it anew', async () => {
    await open(mode);
    let clicks = 0;
    handOver = ({ kind }) => {
      if (kind === 'action') clicks += 1;
      const blocks = [{ type: 'actions' as const, elements: [GO] }];
      return Promise.resolve(
        kind === 'home'
          ? {
              text: 'Home',
              blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `clicks: ${clicks}` } }, ...blocks],
            }
          : replyMessage({ headline: 'All is well.', lines: [] }),
      );
    };
    await slack.api.openHome('ana');
    await expect.poll(() => JSON.stringify(slack.api.home('ana'))).toContain('clicks: 0');
    await slack.api.click('ana', slack.api.home('ana')!.id, 'command:runs');
    await formOf('ana', 'All is well.');
    await expect.poll(() => JSON.stringify(slack.api.home('ana'))).toContain('clicks: 1');
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
    expect(refused).toEqual(['channel ana']);
  });

  it('drops what comes from another workspace', async () => {
    await open(mode, { team: 'T0STRANGER' });
    await slack.api.type('ana', '/octo backup now');
    await expect.poll(() => logged.join('')).toContain('another workspace');
    expect(handedOver).toEqual([]);
    expect(refused).toEqual(['workspace ana']);
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
    await expect.poll(() => refused).toEqual(['signature unknown']);
  });

  it('hands a request over once, however often it is delivered', async () => {
    const seconds = now();
    const signed = { seconds, signed: signature(SIGNING_SECRET, seconds, body()), body: body() };
    await Promise.all([send(signed), send(signed), send(signed)]);
    expect(handedOver).toHaveLength(1);
    expect(logged.filter((line) => line.includes('repeated'))).toHaveLength(2);
    expect(refused.map((line) => line.split(' ')[0])).toEqual(['repetition', 'repetition']);
  });

  it('serves one address only', async () => {
    const seconds = now();
    const signed = { seconds, signed: signature(SIGNING_SECRET, seconds, body()), body: body() };
    expect((await send(signed, '/more')).status).toBe(404);
    expect(handedOver).toEqual([]);
  });
});
