/** Our measure of Slack's limits against the stand-in's, which was written from Slack's reference: same edge, both sides. */
import type { KnownBlock } from '@slack/types';
import { describe, expect, it } from 'vitest';
import { fitsSlack, LIMITS, whatExceeds } from '../../lib/slack/limits.ts';
import { blockProblems, isTooLongTogether } from '../../sandbox/slack/block-rules.ts';

const x = (length: number): string => 'x'.repeat(length);
const mrkdwn = (length: number) => ({ type: 'mrkdwn' as const, text: x(length) });
const plain = (length: number) => ({ type: 'plain_text' as const, text: x(length) });
const button = (change: object, at = 0) => ({
  type: 'button' as const,
  text: plain(5),
  action_id: `a${at}`,
  ...change,
});
const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

const EDGES: [string, number, (length: number) => KnownBlock[]][] = [
  ['blocks', LIMITS.blocks, (count) => many(count, () => ({ type: 'divider' }))],
  ['header', LIMITS.headerText, (length) => [{ type: 'header', text: plain(length) }]],
  ['section', LIMITS.sectionText, (length) => [{ type: 'section', text: mrkdwn(length) }]],
  ['fields', LIMITS.fields, (count) => [{ type: 'section', fields: many(count, () => mrkdwn(1)) }]],
  ['field', LIMITS.fieldText, (length) => [{ type: 'section', fields: [mrkdwn(length)] }]],
  ['context', LIMITS.contextElements, (count) => [{ type: 'context', elements: many(count, () => mrkdwn(1)) }]],
  ['buttons', LIMITS.actionsElements, (count) => [{ type: 'actions', elements: many(count, (at) => button({}, at)) }]],
  ['button text', LIMITS.buttonText, (length) => [{ type: 'actions', elements: [button({ text: plain(length) })] }]],
  ['button value', LIMITS.buttonValue, (length) => [{ type: 'actions', elements: [button({ value: x(length) })] }]],
  ['button id', LIMITS.id, (length) => [{ type: 'actions', elements: [button({ action_id: x(length) })] }]],
];

describe('limits', () => {
  it.each(EDGES)('%s: at most %d', (_what, most, make) => {
    const standInTakes = (blocks: KnownBlock[]): boolean => blockProblems(blocks, 'message').length === 0;
    expect([fitsSlack({ text: 'x', blocks: make(most) }), standInTakes(make(most))]).toEqual([true, true]);
    expect([fitsSlack({ text: 'x', blocks: make(most + 1) }), standInTakes(make(most + 1))]).toEqual([false, false]);
  });

  it('all texts together', () => {
    const blocks = (last: number): KnownBlock[] =>
      [3_000, 3_000, 3_000, 3_000, last].map((length) => ({ type: 'section', text: mrkdwn(length) }));
    expect([fitsSlack({ text: 'x', blocks: blocks(1_200) }), isTooLongTogether(blocks(1_200))]).toEqual([true, false]);
    expect([fitsSlack({ text: 'x', blocks: blocks(1_201) }), isTooLongTogether(blocks(1_201))]).toEqual([false, true]);
  });

  it('names what exceeds, and the empty text', () => {
    const blocks: KnownBlock[] = [{ type: 'section', text: mrkdwn(3_001) }];
    expect(whatExceeds({ text: '', blocks })).toEqual(['text is empty', 'block 0 text: 3001, at most 3000']);
  });
});
