/** Where an answer is given when the door has closed: in the form, in App Home, beside the command, or to the person alone. */
import { describe, expect, test } from 'vitest';
import { answerLater, refusalOf } from '../../handlers/answer-later.ts';
import type { Answer } from '../../handlers/slack-app.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { ChatForm } from '../../lib/ports/chat.ts';
import type { SlackRequest } from '../../lib/slack/receive.ts';
import { replyMessage } from '../../lib/slack/replies.ts';

const sender = { triggerId: '1.2', team: 'T1', user: 'U1', userName: 'ana', responseUrl: 'https://slack/respond' };
const command: SlackRequest = { kind: 'command', text: 'status', channel: 'C1', ...sender };
const home: SlackRequest = { kind: 'home', ...sender, channel: null, responseUrl: null };
const words = replyMessage({ headline: 'All is well.', lines: [] });
const title = { type: 'plain_text' as const, text: 'Deny' };
const form: ChatForm = { type: 'modal', title, blocks: [] };

type Given = { request?: SlackRequest; viewId?: string; closed?: string[] };

/** What was said, and where; `closed` places refuse. */
const answered = async (answer: Answer, { request = command, viewId, closed = [] }: Given = {}): Promise<string[]> => {
  const said: string[] = [];
  const say = (place: string) => async (at: unknown, what?: unknown) => {
    if (closed.includes(place)) throw new OctoError('ChatRefused', 'closed');
    const words = JSON.stringify(what ?? at);
    said.push(`${place} ${words.includes('FormNotOpened') ? 'not opened' : words.includes('well') ? 'well' : 'form'}`);
  };
  const voice = {
    respond: say('beside'),
    openForm: say('opened'),
    fillForm: say('filled'),
    publishHome: say('home'),
    postEphemeral: say('alone'),
  };
  await answerLater(voice, { request, viewId: viewId ?? null, channel: 'C1' }, answer);
  return said;
};

describe('an answer', () => {
  test('in words is given beside the command, or to the person alone', async () => {
    expect(await answered(words)).toEqual(['beside well']);
    const fromForm = { ...command, channel: null, responseUrl: null };
    expect(await answered(words, { request: fromForm })).toEqual(['alone well']);
    expect(await answered(null)).toEqual([]);
  });

  test('fills the form that waits, or is given in words when that was closed', async () => {
    expect(await answered(words, { viewId: 'V1' })).toEqual(['filled well']);
    expect(await answered({ form }, { viewId: 'V1' })).toEqual(['filled form']);
    expect(await answered(words, { viewId: 'V1', closed: ['filled'] })).toEqual(['beside well']);
  });

  test('that is a form opens, or says that it did not', async () => {
    expect(await answered({ form })).toEqual(['opened form']);
    expect(await answered({ form }, { closed: ['opened'] })).toEqual(['beside not opened']);
  });

  test('to a look at App Home is shown there', async () => {
    expect(await answered(words, { request: home })).toEqual(['home well']);
  });
});

test('a refusal is words with its code', () => {
  const refusal = refusalOf(command, new OctoError('CommandUnknown', 'there is no command "x"'));
  expect(JSON.stringify(refusal)).toContain('CommandUnknown');
});
