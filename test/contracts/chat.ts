/** What every `Chat` keeps: one body for each adapter, over a stand-in or the real service. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOctoError, type ErrorCode } from '../../lib/domain/errors.ts';
import type { Chat, ChatMessage } from '../../lib/ports/chat.ts';

export type ChatPlace = {
  chat: Chat;
  /** The same chat with a credential that is not valid, and one whose server does not answer. */
  strangerChat: Chat;
  silentChat: Chat;
  channel: string;
  /** A channel where the app is no member. */
  foreignChannel: string;
  user: string;
  /** A user group that `user` is in; absent where the service has none. */
  group?: string;
  /** What the channel shows under `ts`, or null. */
  read(ts: string): Promise<{ text: string; blockCount: number; threadTs: string | null } | null>;
  remove(ts: string): Promise<void>;
  /** The bytes of the image that the channel shows under this title, or null. */
  readImage(title: string): Promise<Buffer | null>;
  /** Makes the next call fail as the service would; null where the service cannot be asked to. */
  failNext: ((how: 'limited' | 'broken') => void) | null;
  /** Refusals of Slack, by their names, that a stand-in of others is known not to make. */
  letsPass?: readonly string[];
  close(): Promise<void>;
};

const message = (words: string): ChatMessage => ({
  text: words,
  blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `*${words}*` } }],
});

const codeOf = async (call: Promise<unknown>): Promise<{ code: ErrorCode; facts: unknown; text: string } | null> => {
  try {
    await call;
    return null;
  } catch (error) {
    if (!isOctoError(error)) throw error;
    return { code: error.code, facts: error.facts, text: `${error.message} ${JSON.stringify(error)}` };
  }
};

export const chatContract = (name: string, open: () => Promise<ChatPlace>): void => {
  describe(`chat: ${name}`, () => {
    let place: ChatPlace;
    beforeAll(async () => {
      place = await open();
    });
    afterAll(() => place.close());

    it('posts a message and tells where it is', async () => {
      const posted = await place.chat.post({ ...message('Backup of prod is running.'), channel: place.channel });
      expect(posted).toEqual({ channel: place.channel, ts: expect.stringMatching(/^\d+\.\d{6}$/) });
      expect(await place.read(posted.ts)).toEqual({
        text: 'Backup of prod is running.',
        blockCount: 1,
        threadTs: null,
      });
    });

    it('replaces text and blocks of a message, as often as asked', async () => {
      const posted = await place.chat.post({ ...message('first'), channel: place.channel });
      await place.chat.update({ ...posted, ...message('second') });
      await place.chat.update({ ...posted, text: 'third', blocks: [...message('a').blocks, ...message('b').blocks] });
      expect(await place.read(posted.ts)).toEqual({ text: 'third', blockCount: 2, threadTs: null });
    });

    it('posts once under a key, whatever was killed in between; a second time it edits', async () => {
      const once = { key: `run_${Date.now()}`, since: new Date().toISOString() };
      const first = await place.chat.post({ ...message('requested'), channel: place.channel, once });
      await place.chat.post({ ...message('another'), channel: place.channel, once: { ...once, key: `${once.key}_` } });
      await place.chat.update({ ...first, ...message('edited since') });
      const second = await place.chat.post({ ...message('running'), channel: place.channel, once });
      expect(second).toEqual(first);
      expect(await place.read(first.ts)).toMatchObject({ text: 'running' });
    });

    it('replies in a thread', async () => {
      const posted = await place.chat.post({ ...message('run'), channel: place.channel });
      const reply = await place.chat.post({ ...message('detail'), channel: place.channel, threadTs: posted.ts });
      expect(await place.read(reply.ts)).toMatchObject({ text: 'detail', threadTs: posted.ts });
    });

    it('shows an image, byte for byte', async () => {
      const [title, bytes] = [`A week of prod ${Date.now()}`, Buffer.from([0x89, 0x50, 0, 0xff, 0x0a, 0x0d])];
      await place.chat.shareFile({ channel: place.channel, name: 'week.png', title, bytes });
      expect(await place.readImage(title)).toEqual(bytes);
      const foreign = place.chat.shareFile({ channel: 'C0NOWHERE', name: 'week.png', title, bytes });
      expect(await codeOf(foreign)).toMatchObject({ code: 'ChatRefused' });
    });

    it('shows a file in the thread of a message', async () => {
      const posted = await place.chat.post({ ...message('drill'), channel: place.channel });
      const [title, bytes] = [`Report of a drill ${Date.now()}`, Buffer.from('# Report\n')];
      const file = { channel: place.channel, name: 'report.md', title, bytes };
      await place.chat.shareFile({ ...file, threadTs: posted.ts });
      expect(await place.readImage(title)).toEqual(bytes);
    });

    it('answers one person', async () => {
      const answer = place.chat.postEphemeral({ ...message('for you'), channel: place.channel, user: place.user });
      expect(await codeOf(answer)).toBeNull();
    });

    it('says that a message to edit is gone', async () => {
      const posted = await place.chat.post({ ...message('short-lived'), channel: place.channel });
      await place.remove(posted.ts);
      expect(await codeOf(place.chat.update({ ...posted, ...message('late') }))).toMatchObject({
        code: 'ChatMessageGone',
      });
    });

    it.for<[string, string, (to: ChatPlace) => Promise<unknown>]>([
      [
        'an unknown channel',
        'channel_not_found',
        (to: ChatPlace) => to.chat.post({ ...message('x'), channel: 'C0NOWHERE' }),
      ],
      [
        'a channel it is no member of',
        'not_in_channel',
        (to: ChatPlace) => to.chat.post({ ...message('x'), channel: to.foreignChannel }),
      ],
      [
        'an invalid credential',
        'invalid_auth',
        (to: ChatPlace) => to.strangerChat.post({ ...message('x'), channel: to.channel }),
      ],
      [
        'blocks beyond the limits',
        'invalid_blocks',
        (to: ChatPlace) => to.chat.post({ ...message('x'.repeat(3_001)), text: 'x', channel: to.channel }),
      ],
      ['an empty message', 'no_text', (to: ChatPlace) => to.chat.post({ text: '', blocks: [], channel: to.channel })],
    ])('refuses %s by its name', async ([_what, slackError, call], { skip }) => {
      skip(place.letsPass?.includes(slackError) === true, `lets ${slackError} pass`);
      const refused = await codeOf(call(place));
      expect(refused).toMatchObject({ code: 'ChatRefused', facts: { slackError } });
    });

    it('tells a limit with its seconds, and a broken service, at once', async ({ skip }) => {
      if (place.failNext === null) {
        skip('the service cannot be asked to fail');
        return;
      }
      place.failNext('limited');
      expect(await codeOf(place.chat.post({ ...message('x'), channel: place.channel }))).toMatchObject({
        code: 'ChatLimited',
        facts: { retryAfterSeconds: 30 },
      });
      place.failNext('broken');
      expect(await codeOf(place.chat.post({ ...message('x'), channel: place.channel }))).toMatchObject({
        code: 'ChatUnavailable',
        facts: { status: 503 },
      });
      expect(await codeOf(place.chat.post({ ...message('x'), channel: place.channel }))).toBeNull();
    });

    it('names the people of a user group, and says when there is none', async ({ skip }) => {
      if (place.group === undefined) {
        skip('the service has no user groups');
        return;
      }
      expect(await place.chat.groupMembers(place.group)).toContain(place.user);
      expect(await codeOf(place.chat.groupMembers('S0NOBODY'))).toMatchObject({ code: 'ChatRefused' });
    });

    it('says that nobody answers', async () => {
      const refused = await codeOf(place.silentChat.post({ ...message('x'), channel: place.channel }));
      expect(refused).toMatchObject({ code: 'ChatUnavailable' });
    });

    it('never says its credential', async () => {
      const refused = await codeOf(place.strangerChat.post({ ...message('x'), channel: place.channel }));
      expect(refused?.text).not.toContain('xoxb');
    });
  });
};
