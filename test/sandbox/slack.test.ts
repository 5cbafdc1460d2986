/** The Slack stand-in through the official client: what it serves, what it refuses, and that it is no more lenient than Slack. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KnownBlock, MessageMetadata } from '@slack/types';
import { LogLevel, WebAPIPlatformError, WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blockProblems, viewProblems } from '../../sandbox/slack/block-rules.ts';
import { signature } from '../../sandbox/slack/delivery.ts';
import { type SlackOptions, type SlackStandIn, startSlack } from '../../sandbox/slack/server.ts';
import { serves } from '../../sandbox/slack/web-api.ts';

const BOT_TOKEN = 'xoxb-sandbox-bot-token';
const noop = (): void => undefined;
/** The client prints refusals that are expected here. */
const silent = {
  debug: noop,
  info: noop,
  warn: noop,
  error: noop,
  setLevel: noop,
  getLevel: () => LogLevel.ERROR,
  setName: noop,
};
let slack: SlackStandIn;
let client: WebClient;
let now = new Date('2026-03-05T02:00:00Z');
let channel: string;

const start = async (options: Partial<SlackOptions> = {}): Promise<void> => {
  slack = await startSlack({
    signingSecret: 'secret',
    botToken: BOT_TOKEN,
    appToken: 'xapp-token',
    channel: 'octopus-ops',
    people: ['ana', 'ben'],
    now: () => now,
    ...options,
  });
  channel = slack.api.channelId;
  client = new WebClient(BOT_TOKEN, {
    slackApiUrl: slack.apiUrl,
    logger: silent,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
  });
};

type Posted = { text: string; blocks?: KnownBlock[]; thread_ts?: string; metadata?: MessageMetadata };
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's method, not a window's
const post = (message: Posted) => client.chat.postMessage({ ...message, channel });

const errorOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return 'none';
  } catch (error) {
    return error instanceof WebAPIPlatformError ? error.data.error : (error as Error).name;
  }
};

beforeEach(async () => {
  now = new Date('2026-03-05T02:00:00Z');
  await start();
});
afterEach(() => slack.close());

describe('the table of what is served', () => {
  /** Every method that the official client knows, found on the client itself. */
  const officialMethods = (node: object, path: string[] = []): string[] =>
    Object.entries(node).flatMap(([name, value]) => {
      if (typeof value === 'function') return path.length === 0 ? [] : [[...path, name].join('.')];
      const isGroup = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
      return isGroup && path.length < 3 ? officialMethods(value as object, [...path, name]) : [];
    });

  it('is exactly what answers', async () => {
    const official = officialMethods(client);
    expect(official.length).toBeGreaterThan(200);
    // The client's own composition of the two other methods.
    official.splice(official.indexOf('files.uploadV2'), 1);
    const answering = await Promise.all(
      official.map(async (method) => ((await errorOf(client.apiCall(method))) === 'unknown_method' ? [] : [method])),
    );
    const table = serves.filter(({ extent }) => extent !== 'none').map(({ operation }) => operation);
    expect(answering.flat().toSorted()).toEqual(table.toSorted());
  });

  it('answers a method that Slack does not have as Slack does', async () => {
    expect(await errorOf(client.apiCall('octopus.feed'))).toBe('unknown_method');
    expect(await errorOf(client.apiCall('constructor'))).toBe('unknown_method');
  });
});

describe('who may call', () => {
  it.each([
    ['nobody', undefined, 'not_authed'],
    ['a stranger', 'xoxb-other', 'invalid_auth'],
    ['an app-level token', 'xapp-token', 'not_allowed_token_type'],
  ])('refuses %s', async (_who, token, error) => {
    expect(await errorOf(new WebClient(token, { slackApiUrl: slack.apiUrl, logger: silent }).auth.test())).toBe(error);
  });

  it('opens Socket Mode to the app-level token only', async () => {
    expect(await errorOf(client.apps.connections.open({}))).toBe('not_allowed_token_type');
  });
});

describe('messages', () => {
  it('answers with the message as Slack tells it', async () => {
    const posted = await post({ text: 'hello', blocks: [{ type: 'divider' }] });
    expect(posted).toMatchObject({
      ok: true,
      channel,
      ts: '1772676000.000000',
      message: { type: 'message', text: 'hello', bot_id: 'B0OCTO', blocks: [{ type: 'divider', block_id: 'b0' }] },
    });
  });

  it('keeps blocks that an edit does not name, and removes them for an empty list', async () => {
    const { ts } = await post({ text: 'a', blocks: [{ type: 'divider' }] });
    await client.chat.update({ channel, ts: ts!, text: 'b' });
    expect(slack.api.messages()[0]).toMatchObject({ text: 'b', blocks: [{ type: 'divider' }] });
    await client.chat.update({ channel, ts: ts!, text: 'c', blocks: [] });
    expect(slack.api.messages()[0]).toMatchObject({ text: 'c', blocks: [] });
  });

  it('refuses to edit or delete what others wrote, and texts that are too long', async () => {
    await slack.api.type('ana', 'mine');
    const [mine] = slack.api.messages();
    expect(await errorOf(client.chat.update({ channel, ts: mine!.ts, text: 'x' }))).toBe('cant_update_message');
    expect(await errorOf(client.chat.delete({ channel, ts: mine!.ts }))).toBe('cant_delete_message');
    const { ts } = await post({ text: 'x'.repeat(40_000) });
    expect(await errorOf(client.chat.update({ channel, ts: ts!, text: 'x'.repeat(4_001) }))).toBe('msg_too_long');
    expect(await errorOf(post({ text: 'x'.repeat(40_001) }))).toBe('msg_too_long');
    expect(await errorOf(client.chat.postEphemeral({ channel, user: 'U0NOBODY', text: 'x' }))).toBe(
      'user_not_in_channel',
    );
  });

  it('refuses blocks that are too long together', async () => {
    const block = (length: number) => ({
      type: 'section' as const,
      text: { type: 'mrkdwn' as const, text: 'x'.repeat(length) },
    });
    const blocks = [block(3_000), block(3_000), block(3_000), block(3_000), block(1_201)];
    expect(await errorOf(post({ text: 'x', blocks }))).toBe('msg_blocks_too_long');
  });

  it('pages history newest first, without answers to one person, with metadata on request', async () => {
    const metadata = { event_type: 'octo_run', event_payload: { run: 'run_1' } };
    await post({ text: 'first', metadata });
    await client.chat.postEphemeral({ channel, user: 'U0ANA', text: 'secret' });
    await post({ text: 'second' });
    const page = await client.conversations.history({ channel, limit: 1, include_all_metadata: true });
    expect(page.messages?.map(({ text }) => text)).toEqual(['second']);
    const rest = await client.conversations.history({
      channel,
      limit: 1,
      cursor: page.response_metadata!.next_cursor!,
      include_all_metadata: true,
    });
    expect(rest.messages).toMatchObject([{ text: 'first', metadata }]);
    expect(rest.has_more).toBe(false);
  });

  it('keeps replies in their thread', async () => {
    const { ts } = await post({ text: 'run' });
    await post({ text: 'detail', thread_ts: ts! });
    const replies = await client.conversations.replies({ channel, ts: ts! });
    expect(replies.messages?.map(({ text }) => text)).toEqual(['run', 'detail']);
    expect((await client.conversations.history({ channel })).messages).toHaveLength(1);
  });

  it('limits how often: 30 messages at once, then one a second', async () => {
    for (let at = 0; at < 30; at += 1) await post({ text: `${at}` });
    expect(await errorOf(post({ text: 'x' }))).toBe('WebAPIRateLimitedError');
    now = new Date(now.getTime() + 1_000);
    expect(await errorOf(post({ text: 'x' }))).toBe('none');
  });

  it('takes files through the official three steps', async () => {
    await client.files.uploadV2({
      channel_id: channel,
      filename: 'history.json',
      content: '{"a":1}',
      initial_comment: 'all events',
    });
    expect(slack.api.messages()).toMatchObject([
      { text: 'all events', files: [{ name: 'history.json', sizeBytes: 7 }] },
    ]);
    const id = slack.api.messages()[0]!.files[0]!.id;
    expect(await (await fetch(`${slack.url}/upload/${id}`)).text()).toBe('{"a":1}');
  });
});

describe('people and channels', () => {
  it('are told', async () => {
    expect((await client.users.info({ user: 'U0ANA' })).user).toMatchObject({ name: 'ana', is_bot: false });
    expect((await client.conversations.members({ channel })).members).toEqual(['U0ANA', 'U0BEN', 'U0OCTO']);
    expect((await client.conversations.list()).channels?.map(({ name }) => name)).toEqual(['octopus-ops', 'general']);
    expect((await client.usergroups.users.list({ usergroup: 'S0APPROVERS' })).users).toEqual(['U0ANA', 'U0BEN']);
    expect(await errorOf(client.users.info({ user: 'U0NOBODY' }))).toBe('user_not_found');
  });

  it('react once', async () => {
    const { ts } = await post({ text: 'x' });
    await client.reactions.add({ channel, timestamp: ts!, name: 'eyes' });
    expect(await errorOf(client.reactions.add({ channel, timestamp: ts!, name: 'eyes' }))).toBe('already_reacted');
  });
});

describe('a restart', () => {
  it('shows the same channel, and no time stamp twice', async () => {
    await slack.close();
    const directory = await mkdtemp(join(tmpdir(), 'octo-slack-'));
    await start({ directory });
    const before = await post({ text: 'kept' });
    await slack.close();
    await start({ directory });
    const after = await post({ text: 'new' });
    expect(slack.api.messages().map(({ text }) => text)).toEqual(['kept', 'new']);
    expect(Number(after.ts)).toBeGreaterThan(Number(before.ts));
    await rm(directory, { recursive: true });
  });
});

describe('signatures', () => {
  it('are those of Slack’s own example', () => {
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar' +
      '&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com' +
      '%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN' +
      '&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    expect(signature('8f742231b10e8888abcd99yyyzzz85a5', 1_531_420_618, body)).toBe(
      'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    );
  });
});

describe('rules for blocks', () => {
  const text = (length: number, type = 'mrkdwn') => ({ type, text: 'x'.repeat(length) });

  it.each([
    ['no list', 'text', '/blocks'],
    ['an unknown block', [{ type: 'sparkles' }], '/blocks/0/type'],
    ['no block at all', [null], '/blocks/0'],
    ['a section without text', [{ type: 'section' }], '/blocks/0'],
    ['an empty text', [{ type: 'section', text: text(0) }], '/blocks/0/text/text'],
    ['mrkdwn in a header', [{ type: 'header', text: text(3) }], '/blocks/0/text/type'],
    [
      'the same block id twice',
      [
        { type: 'divider', block_id: 'a' },
        { type: 'divider', block_id: 'a' },
      ],
      '/blocks',
    ],
    ['no elements', [{ type: 'actions', elements: [] }], '/blocks/0/elements'],
    ['an image without words', [{ type: 'image', image_url: 'https://example.com/a.png' }], '/blocks/0'],
    [
      'a style that is none',
      [{ type: 'actions', elements: [{ type: 'button', text: text(2, 'plain_text'), style: 'calm' }] }],
      '/blocks/0/elements/0/style',
    ],
    [
      'a confirmation without an answer',
      [
        {
          type: 'actions',
          elements: [
            {
              type: 'button',
              text: text(2, 'plain_text'),
              confirm: { title: text(2, 'plain_text'), text: text(2), confirm: text(2, 'plain_text') },
            },
          ],
        },
      ],
      '/blocks/0/elements/0/confirm/deny',
    ],
    [
      'an empty piece of rich text',
      [{ type: 'rich_text', elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: '' }] }] }],
      '/blocks/0/elements/0/elements/0',
    ],
  ])('refuse %s', (_what, blocks, pointer) => {
    expect(blockProblems(blocks, 'message').join('\n')).toContain(`[json-pointer:${pointer}]`);
  });

  it('refuse a form without a title, with one that is too long, and with fields but nothing to send them', () => {
    const field = {
      type: 'input',
      label: text(3, 'plain_text'),
      element: { type: 'plain_text_input', action_id: 'a' },
    };
    expect(viewProblems({ type: 'modal', blocks: [] })).toEqual([
      '[ERROR] must be an object [json-pointer:/view/title]',
    ]);
    expect(viewProblems({ type: 'modal', title: text(25, 'plain_text'), blocks: [] })).toHaveLength(1);
    expect(viewProblems({ type: 'modal', title: text(24, 'plain_text'), blocks: [field] })).toHaveLength(1);
    expect(viewProblems({ type: 'home', blocks: [] })).toEqual([]);
  });
});
