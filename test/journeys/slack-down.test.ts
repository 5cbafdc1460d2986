/** A backup while Slack is down, or slows us down: the run goes its way, and its one message says in the end how it ended. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StoredMessage } from '../../sandbox/slack/workspace.ts';
import { type Installation, install } from './installation.ts';

let place: Installation;

beforeAll(async () => {
  place = await install();
});
afterAll(() => place.remove());

const EVER = 1_000_000;
const CARD_CALLS = ['chat.postMessage', 'chat.update', 'conversations.history'];

const cardsOf = (runId: string): StoredMessage[] =>
  place.slack.api
    .messages()
    .filter(({ visibleTo, blocks }) => visibleTo === null && JSON.stringify(blocks).includes(runId));

it('is shown once Slack is back, also when the bot was killed meanwhile', async () => {
  for (const method of CARD_CALLS) place.slack.api.fail(method, { status: 503, times: EVER });
  const runId = await place.ask('ana', '/octo backup now');
  expect((await place.ended(runId)).run.outcome).toMatchObject({ word: 'good' });
  expect(cardsOf(runId)).toEqual([]);
  await place.kill();
  await place.start();
  for (const method of CARD_CALLS) place.slack.api.fail(method, { times: 0 });
  expect(await place.lastWord(runId)).toContain('Backup good');
  expect(cardsOf(runId)).toHaveLength(1);
  expect(place.log()).toContain('card not shown');
});

it('is shown at Slack’s own pace, and nobody is troubled with it', async () => {
  const before = place.log().length;
  place.slack.api.fail('chat.update', { retryAfterSeconds: 20, times: 2 });
  const runId = await place.ask('ana', '/octo backup now');
  expect((await place.ended(runId)).run.outcome).toMatchObject({ word: 'good' });
  expect(await place.lastWord(runId)).toContain('Backup good');
  expect(cardsOf(runId)).toHaveLength(1);
  expect(place.log().slice(before)).not.toContain('card not shown');
});
