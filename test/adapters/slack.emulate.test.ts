/**
 * Slack as others understood it: the chat and the door against `emulate`, a Slack Web API stand-in that is not ours, with
 * exactly the scopes of our manifest.
 *
 * It serves no slash commands, clicks, sent forms, response URLs, Socket Mode and user groups, so those are sent by ourselves,
 * signed; it has no rate limits and does not check blocks, membership of channels or tokens against its list.
 * @see https://emulate.dev
 */
import { readFileSync } from 'node:fs';
import { WebClient } from '@slack/web-api';
import { createEmulator, type Emulator } from 'emulate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Answer } from '../../handlers/slack-app.ts';
import { slackChat } from '../../lib/adapters/chat.slack.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { denyForm } from '../../lib/slack/approval-card.ts';
import { replyMessage } from '../../lib/slack/replies.ts';
import { runCard } from '../../lib/slack/run/run-card.ts';
import { httpSender } from '../../sandbox/slack/delivery.ts';
import { openSlackDoor, type SlackDoor } from '../../worker/slack-door.ts';
import { chatContract } from '../contracts/chat.ts';
import { anEndedView, aView, NOW } from '../slack/view.ts';

const BOT_TOKEN = 'xoxb-emulated';
/** Of the test itself, which looks at what the bot's scopes do not show. */
const READER_TOKEN = 'xoxb-reader';
const SIGNING_SECRET = 'emulated-signing-secret';

type Manifest = { oauth_config: { scopes: { bot: string[] } } };

const start = async () => {
  const manifest = parse(readFileSync(new URL('../../infra/slack-manifest.yml', import.meta.url), 'utf8')) as Manifest;
  const readers = ['channels:read', 'channels:history', 'users:read', 'files:read', 'chat:write'];
  const emulator = await createEmulator({
    service: 'slack',
    port: 0,
    seed: {
      slack: {
        users: ['octo', 'ana'].map((name) => ({ name, real_name: name, email: `${name}@example.com` })),
        channels: [{ name: 'ops' }],
        tokens: [
          { token: BOT_TOKEN, user: 'octo', scopes: manifest.oauth_config.scopes.bot },
          { token: READER_TOKEN, user: 'octo', scopes: readers },
        ],
        strict_scopes: true,
      },
    },
  });
  const apiUrl = `${emulator.url}/api/`;
  const reader = new WebClient(READER_TOKEN, { slackApiUrl: apiUrl });
  const { channels } = await reader.conversations.list({});
  const { members } = await reader.users.list({});
  return {
    emulator,
    apiUrl,
    reader,
    channel: channels?.find(({ name }) => name === 'ops')?.id ?? '',
    ana: members?.find(({ name }) => name === 'ana')?.id ?? '',
    team: members?.[0]?.team_id ?? '',
  };
};

chatContract('emulate', async () => {
  const { emulator, apiUrl, reader, channel, ana } = await start();
  return {
    chat: slackChat({ token: new Secret(BOT_TOKEN), apiUrl }),
    strangerChat: slackChat({ token: new Secret('xoxb-somebody-else'), apiUrl }),
    silentChat: slackChat({ token: new Secret(BOT_TOKEN), apiUrl: 'http://127.0.0.1:1/api/' }),
    channel,
    foreignChannel: channel,
    user: ana,
    read: async (ts) => {
      const { messages } = await reader.conversations.replies({ channel, ts });
      const found = messages?.find((message) => message.ts === ts);
      if (found === undefined) return null;
      const threadTs = found.thread_ts === ts ? null : (found.thread_ts ?? null);
      return { text: found.text ?? '', blockCount: found.blocks?.length ?? 0, threadTs };
    },
    remove: async (ts) => {
      await reader.chat.delete({ channel, ts });
    },
    readImage: async (title) => {
      const { files } = await reader.files.list({ channel });
      const url = files?.find((file) => file.title === title)?.url_private;
      if (url === undefined) return null;
      const answer = await fetch(url, { headers: { authorization: `Bearer ${READER_TOKEN}` } });
      return Buffer.from(await answer.arrayBuffer());
    },
    failNext: null,
    letsPass: ['not_in_channel', 'invalid_auth', 'invalid_blocks'],
    close: () => emulator.close(),
  };
});

describe('the bot over emulate', () => {
  let place: Awaited<ReturnType<typeof start>>;
  let emulator: Emulator;
  let door: SlackDoor;
  let answer: () => Promise<Answer>;
  let troubles: string[];

  beforeAll(async () => {
    place = await start();
    ({ emulator } = place);
    troubles = [];
    door = await openSlackDoor({
      mode: 'http',
      port: 0,
      signingSecret: new Secret(SIGNING_SECRET),
      botToken: new Secret(BOT_TOKEN),
      apiUrl: place.apiUrl,
      allow: { team: place.team, channels: [place.channel] },
      handOver: (request) =>
        request.kind === 'home' ? Promise.resolve(replyMessage({ headline: 'All is well.', lines: [] })) : answer(),
      log: ({ message }) => troubles.push(message),
    });
  });
  afterAll(async () => {
    await door.close();
    await emulator.close();
  });

  /** One that emulate knows, as for a click of ana. */
  const triggerId = async (): Promise<string> => {
    const asked = await fetch(`${place.apiUrl}views.generateTriggerId`, {
      method: 'POST',
      headers: { authorization: `Bearer ${BOT_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: place.ana }),
    });
    return ((await asked.json()) as { trigger_id: string }).trigger_id;
  };
  /** Sends what Slack would send. */
  const send = async (payload: Record<string, unknown>) => {
    const trigger_id = await triggerId();
    const now = () => new Date();
    return httpSender({ appUrl: door.url!, signingSecret: SIGNING_SECRET, ackMilliseconds: 3000, now })({
      kind: 'interactive',
      payload: { trigger_id, team: { id: place.team }, user: { id: place.ana, username: 'ana' }, ...payload },
    });
  };
  const views = async (): Promise<string> => (await fetch(`${emulator.url}/?tab=views`)).text();
  const click = { type: 'block_actions', actions: [{ action_id: 'command:deny', value: 'deny run_7F3K9Q2M' }] };

  it('edits one card from the request to the outcome', async () => {
    const chat = slackChat({ token: new Secret(BOT_TOKEN), apiUrl: place.apiUrl });
    const posted = await chat.post({ ...runCard(aView(), NOW), channel: place.channel });
    const ended = runCard(anEndedView({ safeNow: 'The newest good archive is this one.' }), NOW);
    await chat.update({ ...ended, ...posted });
    const { messages } = await place.reader.conversations.history({ channel: place.channel });
    expect(messages).toMatchObject([{ ts: posted.ts, text: ended.text }]);
    expect(JSON.stringify(messages?.[0]?.blocks)).toContain('The newest good archive is this one.');
  });

  it('opens a form at once and fills it, then draws App Home anew', async () => {
    let fill: (answer: Answer) => void = () => undefined;
    answer = () => new Promise((resolve) => (fill = resolve));
    const container = { type: 'view', view_id: 'V1' };
    expect(await send({ ...click, container, view: { id: 'V1', type: 'home' } })).toEqual({
      isTaken: true,
      body: null,
    });
    await expect.poll(views).toContain('One moment');
    fill({ form: denyForm(aView().run) });
    await expect.poll(views).toContain('ana asks for a backup of prod');
    await expect.poll(views).toContain('All is well.');
  });

  it('answers a sent form in its place', async () => {
    const form = denyForm(aView().run);
    const bot = new WebClient(BOT_TOKEN, { slackApiUrl: place.apiUrl });
    const { view } = await bot.views.open({ trigger_id: await triggerId(), view: form });
    answer = () => Promise.resolve(replyMessage({ headline: 'It is denied.', lines: [] }));
    const ack = await send({ type: 'view_submission', view: { ...view, state: { values: {} } } });
    expect(ack).toMatchObject({ isTaken: true, body: { response_action: 'update' } });
    await expect.poll(views).toContain('It is denied.');
    expect(troubles).toEqual([]);
  });
});
