/** Cards over a Slack that is down, slow or limits us: everything is shown in the end, and nobody is troubled meanwhile. */
import { describe, expect, it } from 'vitest';
import { stateKeys } from '../../lib/domain/names.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { createRun, endRun } from '../../lib/repository/run-book.ts';
import { keepCards } from '../../worker/card-keeper.ts';
import { scheduleWorld } from '../runs/schedule-world.ts';
import { anOutcome } from '../slack/view.ts';
import { advanceUntil, memoryLog } from './support.ts';
import { runRecord } from './world.ts';

const place = async () => {
  const { world, said, slack } = scheduleWorld('2026-03-04T02:00:00Z');
  const log = memoryLog();
  const cards = keepCards(world, log);
  const run = runRecord('run_00000001', { requestedBy: { door: 'slack', person: 'ana', channel: 'C0OPS' } });
  await createRun(world, run);
  const notice = () => cards.noticed(stateKeys.run(run.id));
  return { world, said, slack, log, cards, run, notice };
};

describe('a card', () => {
  it('that could not be shown while Slack was down is shown as it stands, once Slack is back', async () => {
    const { world, said, slack, log, cards, run, notice } = await place();
    slack.isDown = true;
    notice();
    await advanceUntil(world.clock, async () => expect(log.lines.length).toBeGreaterThan(2), 60_000);
    expect(log.lines[0]).toContain('ChatUnavailable');
    await endRun(world, run.id, anOutcome({ safeNow: 'All is well.' }));
    notice();
    slack.isDown = false;
    const last = () => said.at(-1)?.text;
    await advanceUntil(world.clock, async () => expect(last()).toBe('The backup of prod is good.'), 60_000);
    expect(new Set(said.map(({ ts }) => ts)).size).toBe(1);
    await cards.close();
  });

  it('that Slack limits waits as long as Slack says, and leaves no line in the log', async () => {
    const { world, said, log, cards, notice } = await place();
    const { post } = world.chat;
    const { sleep } = world.clock;
    const waited: number[] = [];
    world.clock.sleep = (milliseconds, signal) => {
      waited.push(milliseconds);
      return sleep(milliseconds, signal);
    };
    world.chat.post = (message) => {
      if (waited.length >= 3) return post(message);
      return Promise.reject(new OctoError('ChatLimited', 'slow down', { facts: { retryAfterSeconds: 30 } }));
    };
    notice();
    await advanceUntil(world.clock, async () => expect(said).toHaveLength(1), 10_000);
    expect(waited).toEqual([30_000, 30_000, 30_000]);
    expect(log.lines).toEqual([]);
    await cards.close();
  });

  it('that somebody deleted is not put up again', async () => {
    const { world, said, cards, run, notice } = await place();
    notice();
    await advanceUntil(world.clock, async () => expect(said).toHaveLength(1), 1000);
    let edits = 0;
    world.chat.update = () => {
      edits += 1;
      return Promise.reject(new OctoError('ChatMessageGone', 'gone'));
    };
    await endRun(world, run.id, anOutcome());
    await world.clock.advance(60_000);
    notice();
    await cards.close();
    expect([edits, said.length]).toEqual([1, 1]);
  });
});
