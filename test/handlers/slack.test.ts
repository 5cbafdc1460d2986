/** The Slack door of the cloud, as Slack meets it behind API Gateway: from its source, and as it is built. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HandedOver } from '../../handlers/commands.ts';
import { bundle } from '../../infra/bundle.ts';
import { startApiGateway, type Integration } from '../../sandbox/aws/api-gateway.ts';
import { startLambda, type LambdaStandIn } from '../../sandbox/aws/lambda.ts';
import type { Running } from '../../sandbox/aws/listen.ts';
import { SANDBOX_CREDENTIALS } from '../../sandbox/aws/signature.ts';
import { signature } from '../../sandbox/slack/delivery.ts';
import { startSlack, type SlackStandIn } from '../../sandbox/slack/server.ts';
import { TEAM } from '../../sandbox/slack/workspace.ts';

const SIGNING_SECRET = 'sandbox-signing-secret';
const BOT_TOKEN = 'xoxb-sandbox-bot-token';
const ROUTE = 'POST /slack/events';

let slack: SlackStandIn;
let lambda: LambdaStandIn;
let handedOver: HandedOver[];

beforeAll(async () => {
  slack = await startSlack({
    signingSecret: SIGNING_SECRET,
    botToken: BOT_TOKEN,
    channel: 'octopus-ops',
    people: ['ana', 'ben'],
  });
  const commands = (event: unknown) => Promise.resolve(handedOver.push(event as HandedOver));
  lambda = await startLambda({ functions: { commands } });
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: SANDBOX_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SANDBOX_CREDENTIALS.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_LAMBDA: lambda.url,
    SLACK_SIGNING_SECRET: SIGNING_SECRET,
    SLACK_BOT_TOKEN: BOT_TOKEN,
    SLACK_TEAM: TEAM.id,
    SLACK_CHANNELS: slack.api.channelId,
    SLACK_API_URL: slack.apiUrl,
    OCTO_COMMANDS_FUNCTION: 'commands',
  });
});

afterAll(async () => {
  await Promise.all([slack.close(), lambda.close()]);
});

const doors: Record<string, () => Promise<{ handler: Integration; close(): Promise<void> }>> = {
  'from its source': async () => {
    const { handler } = await import('../../handlers/slack.ts');
    return {
      handler: (event) => (handler as (event: object, context: object) => Promise<unknown>)(event, {}),
      close: async () => {},
    };
  },
  'as it is built': async () => {
    const directory = await mkdtemp(join(tmpdir(), 'octo-door-'));
    const [main] = await bundle('slack', directory);
    const { handler } = createRequire(import.meta.url)(main!.path) as {
      handler: (event: object, context: object) => Promise<unknown>;
    };
    return { handler: (event) => handler(event, {}), close: () => rm(directory, { recursive: true }) };
  },
};

describe.each(Object.keys(doors))('the door %s', (kind) => {
  let gateway: Running;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const door = await doors[kind]!();
    close = door.close;
    gateway = await startApiGateway({ routes: { [ROUTE]: door.handler } });
    slack.api.deliverTo(`${gateway.url}/slack/events`);
  });
  afterAll(async () => {
    await gateway.close();
    await close();
  });
  afterEach(() => lambda.setFaults({}));

  const command = (change: Record<string, string> = {}): string =>
    new URLSearchParams({
      command: '/octo',
      text: 'backup now reason:"für später"',
      team_id: TEAM.id,
      channel_id: slack.api.channelId,
      user_id: 'U0ANA',
      user_name: 'ana',
      response_url: `${slack.url}/respond/none`,
      trigger_id: `${kind}.${Math.random()}`,
      ...change,
    }).toString();
  const now = (): number => Math.floor(Date.now() / 1000);
  const send = (body: string, { seconds = now(), signed = signature(SIGNING_SECRET, seconds, body) } = {}) =>
    fetch(`${gateway.url}/slack/events`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': String(seconds),
        'x-slack-signature': signed,
      },
      body,
    });

  const fresh = (): void => {
    handedOver = [];
  };

  test('hands a signed command over and acknowledges it', async () => {
    fresh();
    const response = await send(command());
    expect([response.status, await response.text()]).toEqual([200, '']);
    await lambda.idle();
    expect(handedOver).toMatchObject([
      { viewId: null, request: { kind: 'command', text: 'backup now reason:"für später"', userName: 'ana' } },
    ]);
  });

  test('lets nothing in that is forged, stale or from elsewhere', async () => {
    fresh();
    const body = command();
    expect((await send(body, { signed: signature('guess', now(), body) })).status).toBe(401);
    expect((await send(body, { signed: '' })).status).toBe(401);
    expect((await send(body, { seconds: now() - 302 })).status).toBe(401);
    expect((await send(command({ team_id: 'T0STRANGER' }))).status).toBe(200);
    const noise = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' };
    expect((await fetch(`${gateway.url}/slack/events`, noise)).status).toBe(400);
    await lambda.idle();
    expect(handedOver).toEqual([]);
  });

  test('hands over once what Slack delivers again', async () => {
    fresh();
    const body = command();
    await Promise.all([send(body), send(body), send(body)]);
    await lambda.idle();
    expect(handedOver).toHaveLength(1);
  });

  test('opens a form where one is due, and says which', async () => {
    fresh();
    await slack.api.type('ana', '/octo backup settings');
    await vi.waitFor(() => expect(handedOver).toHaveLength(1));
    const [form] = slack.api.forms('ana');
    expect(handedOver[0]).toMatchObject({ viewId: form!.id, request: { text: 'backup settings' } });
  });

  test('says so when nobody takes the request over', async () => {
    fresh();
    lambda.setFaults({ throttled: 100 });
    await slack.api.type('ben', '/octo backup now');
    await vi.waitFor(() => expect(JSON.stringify(slack.api.messages())).toContain('HandOverFailed'));
    expect(handedOver).toEqual([]);
  });
});

test('the built door is small', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'octo-door-'));
  const files = await bundle('slack', directory);
  expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(200 * 1024);
  await rm(directory, { recursive: true });
});
