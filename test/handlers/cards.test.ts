/** Cards in the cloud: which runs a batch of notifications is about, what is shown, and which messages come again. */
import type { SQSEvent } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { changedRuns, repairCards, showCards } from '../../handlers/cards.ts';
import { createRun } from '../../lib/repository/run-book.ts';
import { scheduleWorld } from '../runs/schedule-world.ts';
import { memoryLog } from '../worker/support.ts';
import { runRecord } from '../worker/world.ts';

const [ONE, TWO] = ['run_00000001', 'run_00000002'];

const message = (messageId: string, ...keys: string[]) => ({
  messageId,
  body: JSON.stringify({ Records: keys.map((key) => ({ s3: { object: { key } } })) }),
});
const batch = (...Records: { messageId: string; body: string }[]) => ({ Records }) as SQSEvent;

describe('a batch of notifications', () => {
  test('is about runs, however often each is named, and about nothing else', () => {
    const event = batch(
      message('a', `octo/runs/${ONE}/run.json`, `octo/runs/${ONE}/steps/Seal+1.json`),
      message('b', `octo/approvals/${TWO}/token.json`, 'octo/audit/000000000001.json'),
      message('c', `other/runs/${TWO}/run.json`, `octo/cards/${TWO}.json`),
      message('d', `octo/runs/${ONE}%2Flease.json`),
      { messageId: 'e', body: JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }) },
    );
    expect([...changedRuns(event, 'octo/')]).toEqual([
      [ONE, ['a', 'a', 'd']],
      [TWO, ['b']],
    ]);
  });
});

describe('a changed run', () => {
  const place = async () => {
    const made = scheduleWorld('2026-03-04T02:00:00Z');
    for (const id of [ONE, TWO])
      await createRun(made.world, runRecord(id, { requestedBy: { door: 'slack', person: 'ana', channel: 'C0OPS' } }));
    const show = () => showCards(made.world, { changes: new Map([[ONE, ['a', 'b']]]), log: memoryLog() });
    return { ...made, show };
  };

  test('is shown once, whatever comes twice', async () => {
    const { said, show } = await place();
    const shown = [await show(), await show(), ...(await Promise.all([show(), show()]))];
    expect(shown).toEqual(shown.map(() => ({ batchItemFailures: [] })));
    expect(said).toMatchObject([{ kind: 'post', channel: 'C0OPS' }]);
  });

  test('that Slack did not take comes again, and is then shown', async () => {
    const { said, slack, show, world } = await place();
    slack.isDown = true;
    expect(await show()).toEqual({ batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'b' }] });
    slack.isDown = false;
    const shown = show();
    await expect.poll(() => world.clock.sleeping()).toBe(1);
    await world.clock.advance(10_000);
    expect(await shown).toEqual({ batchItemFailures: [] });
    expect(said).toHaveLength(1);
  });

  test('whose notification was lost is shown by the next tick', async () => {
    const { said, world } = await place();
    await repairCards(world, memoryLog());
    expect(said.map(({ kind }) => kind)).toEqual(['post', 'post']);
  });
});
