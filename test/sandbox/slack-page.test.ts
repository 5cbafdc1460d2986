/** The page in a real browser: people type, click and fill in forms, and see what a Slack channel would show. */
import { request } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HandOver } from '../../handlers/slack-app.ts';
import { slackChat } from '../../lib/adapters/chat.slack.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import type { Chat } from '../../lib/ports/chat.ts';
import { replyMessage } from '../../lib/slack/replies.ts';
import { runCard } from '../../lib/slack/run/run-card.ts';
import { type SlackStandIn, startSlack } from '../../sandbox/slack/server.ts';
import { TEAM } from '../../sandbox/slack/workspace.ts';
import { openSlackDoor, type SlackDoor } from '../../worker/slack-door.ts';
import { browserPath } from '../journeys/at-the-page.ts';
import { aStep, aView, NOW } from '../slack/view.ts';

const plain = (text: string) => ({ type: 'plain_text' as const, text });
const denyForm = {
  type: 'modal' as const,
  callback_id: 'deny',
  title: plain('Deny this restore'),
  submit: plain('Deny'),
  blocks: [
    {
      type: 'input' as const,
      block_id: 'reason',
      label: plain('Reason'),
      element: { type: 'plain_text_input' as const, action_id: 'reason', multiline: true },
    },
    {
      type: 'input' as const,
      block_id: 'when',
      label: plain('Until'),
      element: {
        type: 'radio_buttons' as const,
        action_id: 'when',
        options: ['today', 'tomorrow'].map((value) => ({ text: plain(value), value })),
      },
    },
  ],
};

/** Answers a command with its words, "deny" with a form, and a form with what it held. */
const handOver: HandOver = (asked) => {
  if (asked.kind === 'form') {
    const { reason, when } = asked.values;
    return Promise.resolve(replyMessage({ headline: `Denied until ${String(when)}: ${String(reason)}`, lines: [] }));
  }
  if (asked.kind === 'home') return Promise.resolve(replyMessage({ headline: `Home of ${asked.user}`, lines: [] }));
  const words = asked.kind === 'command' ? asked.text : (asked.value ?? '');
  if (words === 'deny') return Promise.resolve({ form: denyForm });
  return Promise.resolve(
    replyMessage({ headline: `${asked.userName} asked: ${words}`, lines: ['a  b', '<!channel>'] }),
  );
};

const secrets = { signingSecret: 'secret', botToken: 'xoxb-1' };
let slack: SlackStandIn;
let door: SlackDoor;
let chat: Chat;

beforeAll(async () => {
  slack = await startSlack({ ...secrets, channel: 'octopus-ops', people: ['ana', 'ben'] });
  door = await openSlackDoor({
    mode: 'http',
    port: 0,
    signingSecret: new Secret(secrets.signingSecret),
    botToken: new Secret(secrets.botToken),
    apiUrl: slack.apiUrl,
    allow: { team: TEAM.id, channels: [slack.api.channelId] },
    handOver,
    log: () => undefined,
  });
  slack.api.deliverTo(door.url!);
  chat = slackChat({ token: new Secret(secrets.botToken), apiUrl: slack.apiUrl });
});
afterAll(async () => {
  await door.close();
  await slack.close();
});

describe.skipIf(browserPath === undefined)('the page', () => {
  let browser: Browser;
  let page: Page;
  let troubles: string[];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    const context = await browser.newContext();
    page = await context.newPage();
    troubles = [];
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('console', (line) => line.type() === 'error' && troubles.push(line.text()));
    await page.goto(slack.url);
    await page.getByLabel('ana').waitFor({ state: 'attached' });
    return () => context.close();
  });

  const type = async (text: string): Promise<void> => {
    await page.getByLabel('Message', { exact: true }).fill(text);
    await page.keyboard.press('Enter');
  };
  afterEach(() => {
    // oxlint-disable-next-line vitest/no-standalone-expect -- holds for every test of the page
    expect(troubles).toEqual([]);
  });

  const become = (name: string) => page.locator('#people label', { hasText: name }).click();

  it('completes the command, sends it, and shows the answer to nobody else', async () => {
    await page.getByLabel('Message', { exact: true }).pressSequentially('/oc');
    await page.keyboard.press('Tab');
    await page.keyboard.type('status prod');
    await page.keyboard.press('Enter');
    const answer = page.locator('.message', { hasText: 'ana asked: status prod' });
    await answer.getByText('Only visible to you').waitFor();
    expect(await answer.locator('pre').textContent()).toBe('a  b\n<!channel>');
    await become('ben');
    await page.getByLabel('ben').and(page.locator(':checked')).waitFor({ state: 'attached' });
    await page.waitForFunction(`!document.body.textContent.includes('ana asked: status prod')`);
  });

  it('follows a card as it is edited, and asks before a dangerous click', async () => {
    const view = aView({ steps: [aStep('DumpDatabase', { status: 'running', endedAt: null, percent: 12 })] });
    const posted = await chat.post({ ...runCard(view, NOW), channel: slack.api.channelId });
    const card = page.locator(`[data-ts="${posted.ts}"]`);
    await card.getByText('▶ database 12 %').waitFor();
    await become('ben');
    await card.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('dialog').getByText('Stop this backup?').waitFor();
    await page.getByRole('button', { name: 'Stop it' }).click();
    await page.getByText('ben asked: cancel run_7F3K9Q2M').waitFor();
    await chat.update({
      ...posted,
      text: 'Done.',
      blocks: [{ type: 'header', text: plain('Done & <b>dusted</b> :tada:') }],
    });
    expect(await card.getByRole('heading').textContent()).toBe('Done & <b>dusted</b> 🎉');
  });

  it('opens a form, says what is missing, and sends it', async () => {
    await become('ben');
    await type('/octo deny');
    const form = page.getByRole('dialog', { name: 'Deny this restore' });
    await form.getByRole('button', { name: 'Deny' }).click();
    await form.getByRole('alert').first().waitFor();
    expect(await form.getByRole('alert').count()).toBe(2);
    await form.getByLabel('Reason').fill('not on a Friday');
    await form.getByLabel('tomorrow').check();
    await form.getByRole('button', { name: 'Deny' }).click();
    await form.getByText('Denied until tomorrow: not on a Friday').waitFor();
    await form.getByRole('button', { name: 'Close' }).click();
    await form.waitFor({ state: 'hidden' });
  });

  it('closes a form with Escape, for Slack as well', async () => {
    await type('/octo deny');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(slack.api.forms('ana')).toEqual([]);
  });

  it('shows markup and mentions, the reader’s own time, and no markup of strangers', async () => {
    await chat.post({
      channel: slack.api.channelId,
      text: 'x',
      blocks: [
        {
          type: 'section',
          text: {
            type: 'mrkdwn',
            text: '*bold* _it_ ~no~ `a&lt;b` <@U0BEN> <https://example.com|link> 2*3*4 <!date^1772676000^{date_num} {time}|fallback>\n&gt; quoted',
          },
        },
        {
          type: 'context',
          elements: [{ type: 'mrkdwn', text: '&lt;img src=x onerror=alert(1)&gt; <javascript:alert(1)|no>' }],
        },
      ],
    });
    const message = page.locator('.message').last();
    await message.getByText('quoted').waitFor();
    const tags = await message
      .locator('.block *')
      .evaluateAll((nodes) => nodes.map((node) => `${node.tagName} ${node.textContent}`));
    expect(tags).toEqual(
      expect.arrayContaining(['B bold', 'I it', 'S no', 'CODE a<b', 'SPAN @ben', 'A link', 'BLOCKQUOTE quoted']),
    );
    expect(tags.filter((tag) => /^(IMG|SCRIPT)|^A no/.test(tag))).toEqual([]);
    expect(await message.locator('.block time').getAttribute('title')).toBe('fallback');
    expect(await message.textContent()).toContain('2*3*4');
  });

  it('keeps threads beside the channel', async () => {
    const { ts } = await chat.post({ channel: slack.api.channelId, text: 'a run', blocks: [] });
    await chat.post({ channel: slack.api.channelId, threadTs: ts, text: 'its detail', blocks: [] });
    const run = page.locator(`#messages [data-ts="${ts}"]`);
    await run.getByRole('button', { name: '1 reply' }).click();
    const thread = page.getByRole('complementary', { name: 'Thread' });
    await thread.getByText('its detail').waitFor();
    await thread.getByLabel('Reply', { exact: true }).fill('seen');
    await page.keyboard.press('Enter');
    await run.getByRole('button', { name: '2 replies' }).waitFor();
    expect(await page.locator('#messages').getByText('its detail').count()).toBe(0);
  });

  it('shows App Home', async () => {
    await page.getByRole('button', { name: 'octo', exact: true }).click();
    const home = page.getByRole('main', { name: 'App Home' });
    await home.getByText('Home of U0ANA').waitFor();
    expect(await page.getByRole('main', { name: 'Channel' }).count()).toBe(0);
  });

  it('fits a phone without scrolling sideways', async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    await chat.post({ channel: slack.api.channelId, text: 'x'.repeat(300), blocks: [] });
    await page.locator('.message').last().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.getByLabel('Message', { exact: true }).click();
  });
});

describe('the page’s server', () => {
  /** `fetch` does not let a test name another host. */
  const statusFor = (headers: Record<string, string>, { method = 'GET', path = '/' } = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request(`${slack.url}${path}`, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on('error', reject).end(method === 'POST' ? '{"person":"ana","text":"/octo"}' : undefined);
    });

  it('answers under its own name only, and acts on JSON only', async () => {
    expect(await statusFor({})).toBe(200);
    expect(await statusFor({ host: 'evil.example' })).toBe(403);
    const act = { method: 'POST', path: '/act/type' };
    expect(await statusFor({ host: 'evil.example', 'content-type': 'application/json' }, act)).toBe(403);
    expect(await statusFor({ 'content-type': 'text/plain' }, act)).toBe(415);
  });

  it('has no other files, people or acts', async () => {
    expect(await statusFor({}, { path: '/../server.ts' })).toBe(404);
    expect(await statusFor({}, { path: '/changes?person=zoe' })).toBe(404);
    expect(await statusFor({ 'content-type': 'application/json' }, { method: 'POST', path: '/act/constructor' })).toBe(
      404,
    );
  });
});
