/** `--once` over a real Slack door: what is printed, and the exit status that each kind of answer stands for. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HandOver } from '../../handlers/slack-app.ts';
import { catalogue, OctoError, type ErrorCode } from '../../lib/domain/errors.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { errorReply, replyMessage } from '../../lib/slack/replies.ts';
import { defaultSettings } from '../../lib/domain/settings/settings.ts';
import { settingsForm } from '../../lib/slack/settings-form.ts';
import { statusOf, typeOnce } from '../../sandbox/once.ts';
import { type SlackStandIn, startSlack } from '../../sandbox/slack/server.ts';
import { TEAM } from '../../sandbox/slack/workspace.ts';
import { exitCodeOf } from '../../worker/terminal/exit-code.ts';
import { openSlackDoor, type SlackDoor } from '../../worker/slack-door.ts';

const SIGNING_SECRET = 'signing';
const BOT_TOKEN = 'xoxb-once';

let slack: SlackStandIn;
let door: SlackDoor;
let handOver: HandOver;
let said: string[];

beforeEach(async () => {
  said = [];
  slack = await startSlack({ signingSecret: SIGNING_SECRET, botToken: BOT_TOKEN, channel: 'ops', people: ['ana'] });
  door = await openSlackDoor({
    mode: 'http',
    port: 0,
    signingSecret: new Secret(SIGNING_SECRET),
    botToken: new Secret(BOT_TOKEN),
    apiUrl: slack.apiUrl,
    allow: { team: TEAM.id, channels: [slack.api.channelId] },
    handOver: (request, opened) => handOver(request, opened),
    log: () => {},
  });
  slack.api.deliverTo(door.url ?? '');
});
afterEach(async () => {
  await door.close();
  await slack.close();
});

const noRun = (): Promise<number> => Promise.reject(new Error('there is no run to follow'));

type Options = { command?: string; follow?: (runId: string) => Promise<number>; patienceMs?: number };

const type = (options: Options = {}): Promise<number> =>
  typeOnce({
    slack,
    person: 'ana',
    command: '/octo anything',
    say: (line) => void said.push(line),
    follow: noRun,
    ...options,
  });

describe('a command typed once', () => {
  it('ends well with a good answer', async () => {
    handOver = async () => replyMessage({ headline: 'The newest 1 run(s).', lines: ['run_7F3K9Q2M  failed'] });
    expect(await type()).toBe(0);
    expect(said).toEqual([
      'ana: /octo anything',
      'octo (only to ana):',
      '  The newest 1 run(s).',
      '  run_7F3K9Q2M  failed',
    ]);
  });

  it('fails with bad news', async () => {
    handOver = async () => replyMessage({ headline: '2 of 13 preconditions FAIL.', lines: [], isBad: true });
    expect(await type()).toBe(1);
    expect(said.at(-1)).toBe('  🔴 2 of 13 preconditions FAIL.');
  });

  it('ends as the run does that the answer names', async () => {
    handOver = async () => replyMessage({ headline: 'Backup of prod started: run_7F3K9Q2M.', lines: [] });
    expect(await type({ follow: async (runId) => (runId === 'run_7F3K9Q2M' ? 4 : 0) })).toBe(4);
  });

  it('shows a form with its fields, and leaves none open', async () => {
    handOver = async () => ({ form: settingsForm('prod', defaultSettings('0'.repeat(32))) });
    expect(await type({ command: '/octo backup settings' })).toBe(0);
    expect(said).toContain('Form "Backup settings":');
    expect(said).toContain('  Target age in hours: 8');
    expect(said).toContain('  Quiesced backups: every day at 02:00');
    expect(slack.api.forms('ana')).toEqual([]);
  });

  it('ends as the answer does that takes the place of a form', async () => {
    const command = '/octo deny run_7F3K9Q2M';
    handOver = () => Promise.reject(new OctoError('ApprovalNotYours', 'ana may not decide'));
    expect(await type({ command })).toBe(1);
    expect(said).toContain('  🔴 Ana may not decide.');
    handOver = async () => replyMessage({ headline: 'run_7F3K9Q2M is denied.', lines: [] });
    expect(await type({ command, follow: async () => 5 })).toBe(5);
    expect(slack.api.forms('ana')).toEqual([]);
  });

  it('says so when nothing is answered', async () => {
    handOver = async () => null;
    expect(await type({ patienceMs: 50 })).toBe(1);
    expect(said.at(-1)).toBe('Nothing was answered within 0.05 seconds.');
  });

  it('fails when the app does not take the command', async () => {
    slack.api.deliverTo('http://127.0.0.1:1/');
    expect(await type()).toBe(1);
    expect(said.at(-1)).toMatch(/dispatch_failed/);
  });
});

it('a refusal has the status that it has in a terminal', async () => {
  for (const code of Object.keys(catalogue) as ErrorCode[]) {
    const error = new OctoError(code, 'there is no run run_7F3K9Q2M');
    const status = await statusOf({ user: 'U0OCTO', ...errorReply(error) }, noRun);
    expect({ code, status }).toEqual({ code, status: exitCodeOf(error) });
  }
});
