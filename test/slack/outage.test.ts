/** What the watcher says: the age, the likely reason, whom it calls, and nothing that Slack refuses. */
import { expect, it } from 'vitest';
import { outageClosed, outageMessage, outageReminder } from '../../lib/slack/outage.ts';
import { whatExceeds } from '../../lib/slack/limits.ts';
import { blockProblems } from '../../sandbox/slack/block-rules.ts';
import { aView, anOutcome } from './view.ts';

const now = new Date('2026-03-05T11:00:00Z');
const error = { code: 'DatabaseDiskFull', message: 'no space <!here>', advice: 'Free space.' };
const facts = {
  instance: 'prod',
  outage: { since: '2026-03-05T10:00:00Z', channel: 'C0', ts: '1.0', said: 1, saidAt: null, claimedAt: null },
  newestGood: { archiveId: 'arc_20260305T020000Z_7F3K9Q2M', takenAt: '2026-03-05T02:00:00Z' },
  targetHours: 8,
  pause: { until: null, by: 'ben', since: '2026-03-05T02:00:00Z' },
  lastRun: aView({ run: { outcome: anOutcome({ word: 'failed', error }) } }).run,
  tell: ['U0ANA', 'S0OPS'],
};

it('names age, target, pause, last failure and those who are told', () => {
  const message = outageMessage(facts, now);
  const json = JSON.stringify(message.blocks);
  expect(message.text).toBe('No good archive of prod within 8 h: the newest is 9 h old. <@U0ANA> <!subteam^S0OPS>');
  expect(json).toContain('The schedule is paused by ben');
  expect(json).toContain('failed: no space &lt;!here&gt; (`DatabaseDiskFull`)');
  expect(json).toContain('"value":"backup now prod"');
});

it('says in the thread how long it has lasted, and when it is over', () => {
  expect(outageReminder(facts, now).text).toMatch(/^Still no good archive of prod within its target, for 1 h now\./);
  expect(JSON.stringify(outageClosed(facts, now).blocks)).toContain('it was beyond its target for 1 h');
});

it.each([outageMessage, outageReminder, outageClosed])('makes messages that Slack takes', (view) => {
  for (const given of [facts, { ...facts, newestGood: null, pause: null, lastRun: null, tell: [] }]) {
    const message = view(given, now);
    expect([...whatExceeds(message), ...blockProblems(message.blocks, 'message')]).toEqual([]);
  }
});
