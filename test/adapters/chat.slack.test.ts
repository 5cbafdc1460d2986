/** The Slack chat against the stand-in, through the official client. */
import { expect, it } from 'vitest';
import { slackChat } from '../../lib/adapters/chat.slack.ts';
import { Secret } from '../../lib/domain/secrets/secret.ts';
import { startSlack } from '../../sandbox/slack/server.ts';
import { chatContract } from '../contracts/chat.ts';

const BOT_TOKEN = 'xoxb-sandbox-bot-token';

chatContract('slack stand-in', async () => {
  const slack = await startSlack({
    signingSecret: 'unused',
    botToken: BOT_TOKEN,
    channel: 'octopus-ops',
    people: ['ana', 'ben'],
  });
  const gone = await startSlack({
    signingSecret: 'unused',
    botToken: BOT_TOKEN,
    channel: 'octopus-ops',
    people: ['ana'],
  });
  await gone.close();
  return {
    chat: slackChat({ token: new Secret(BOT_TOKEN), apiUrl: slack.apiUrl }),
    strangerChat: slackChat({ token: new Secret('xoxb-somebody-else'), apiUrl: slack.apiUrl }),
    silentChat: slackChat({ token: new Secret(BOT_TOKEN), apiUrl: gone.apiUrl }),
    channel: slack.api.channelId,
    foreignChannel: 'C0GENERAL',
    user: 'U0ANA',
    group: 'S0APPROVERS',
    read: (ts) => {
      const found = slack.api.messages().find((message) => message.ts === ts);
      if (found === undefined) return Promise.resolve(null);
      return Promise.resolve({ text: found.text, blockCount: found.blocks.length, threadTs: found.threadTs });
    },
    remove: async (ts) => {
      await fetch(`${slack.apiUrl}chat.delete`, {
        method: 'POST',
        headers: { authorization: `Bearer ${BOT_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ channel: slack.api.channelId, ts }),
      });
    },
    readImage: async (title) => {
      const file = slack.api
        .messages()
        .flatMap(({ files }) => files ?? [])
        .find(({ name }) => name === title);
      if (file === undefined) return null;
      const answer = await fetch(new URL(`/upload/${file.id}`, slack.url));
      return Buffer.from(await answer.arrayBuffer());
    },
    failNext: (how) =>
      slack.api.fail('chat.postMessage', how === 'limited' ? { retryAfterSeconds: 30 } : { status: 503 }),
    close: () => slack.close(),
  };
});

it('says which scope the app lacks', async () => {
  const slack = await startSlack({
    signingSecret: 'unused',
    botToken: BOT_TOKEN,
    channel: 'octopus-ops',
    people: ['ana'],
  });
  slack.api.fail('usergroups.users.list', { error: 'missing_scope' });
  const chat = slackChat({ token: new Secret(BOT_TOKEN), apiUrl: slack.apiUrl });
  await expect(chat.groupMembers('S0APPROVERS')).rejects.toMatchObject({ code: 'ChatScopeMissing' });
  await slack.close();
});
