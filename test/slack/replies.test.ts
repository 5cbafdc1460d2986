/** Answers to commands: what a command found, and what went wrong, within Slack's limits. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, OctoError, type ErrorCode } from '../../lib/domain/errors.ts';
import { fitsSlack, whatExceeds } from '../../lib/slack/limits.ts';
import { errorReply, replyMessage } from '../../lib/slack/replies.ts';
import { blockProblems } from '../../sandbox/slack/block-rules.ts';

describe('what a command found', () => {
  it('is a sentence, and lines in fixed width', () => {
    expect(replyMessage({ headline: 'The newest 2 runs.', lines: ['run_1  good', 'run_2  <!channel>'] })).toEqual({
      text: 'The newest 2 runs.',
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text: 'The newest 2 runs.' } },
        {
          type: 'rich_text',
          elements: [
            { type: 'rich_text_preformatted', elements: [{ type: 'text', text: 'run_1  good\nrun_2  <!channel>' }] },
          ],
        },
      ],
    });
  });

  it('begins with a mark when it is bad news', () => {
    expect(replyMessage({ headline: 'arc_1 is DAMAGED.', lines: [], isBad: true })).toEqual({
      text: '🔴 arc_1 is DAMAGED.',
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '🔴 arc_1 is DAMAGED.' } }],
    });
    expect(replyMessage({ headline: 'arc_1 is whole.', lines: [], isBad: false }).text).toBe('arc_1 is whole.');
  });

  it('counts the lines that do not fit', () => {
    const lines = Array.from({ length: 500 }, (_, at) => `run_${at}  ${'x'.repeat(40)}`);
    const { blocks } = replyMessage({ headline: 'Runs.', lines });
    expect(blocks).toHaveLength(4);
    const shown = JSON.stringify(blocks[3]);
    const [, last, left] = /run_(\d+) {2}x+\\n… (\d+) more lines/.exec(shown) ?? [];
    expect(Number(last) + 1 + Number(left)).toBe(500);
  });

  it('fits Slack whatever it is', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('<!channel>'.repeat(500), '👩‍👩‍👧‍👦'.repeat(600)));
    const filled = text.filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(filled, fc.array(filled, { maxLength: 500 }), (headline, lines) => {
        const message = replyMessage({ headline, lines });
        expect(whatExceeds(message)).toEqual([]);
        expect(blockProblems(message.blocks, 'message')).toEqual([]);
        expect(message.text).not.toMatch(/[<>]/);
      }),
    );
  });
});

describe('what went wrong', () => {
  it('says what happened, what is safe now and what to do next, with the code', () => {
    const error = new OctoError('ChatMessageGone', 'the message of run <!here> is gone');
    const advice = catalogue.ChatMessageGone.advice;
    expect(errorReply(error)).toEqual({
      text: `The message of run &lt;!here&gt; is gone. ${advice}`,
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text: '🔴 *The message of run &lt;!here&gt; is gone.*' } },
        {
          type: 'section',
          text: {
            type: 'mrkdwn',
            text: `*Safe now:* this command touched no server; \`/octo runs\` lists what is at work.\n*Do next:* ${advice}`,
          },
        },
        { type: 'context', elements: [{ type: 'mrkdwn', text: 'Code `ChatMessageGone`' }] },
      ],
    });
  });

  it('leaves an id as it is, fit to be pasted', () => {
    expect(errorReply(new OctoError('RunUnknown', 'run_7F3K9Q2M is gone')).text).toMatch(/^run_7F3K9Q2M is gone\./);
  });

  it.each(Object.keys(catalogue) as ErrorCode[])('fits Slack for %s, however long its message', (code) => {
    expect(fitsSlack(errorReply(new OctoError(code, '<&>'.repeat(3_000))))).toBe(true);
  });
});
