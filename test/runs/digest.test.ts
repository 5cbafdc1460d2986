/** The weekly digest: its numbers, its words, its picture, and that it is sent once a week. */
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../lib/domain/settings/digest.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import { EMPTY_CHAIN } from '../../lib/domain/audit.ts';
import { sendDigest } from '../../lib/runs/digest.ts';
import { digestChart } from '../../lib/slack/digest/chart.ts';
import { digestWords } from '../../lib/slack/digest/digest.ts';
import { fitsSlack } from '../../lib/slack/limits.ts';
import { replyMessage } from '../../lib/slack/replies.ts';
import { manifestOf } from '../archive/fixtures.ts';
import { anOutcome, aSummary } from '../slack/view.ts';
import { runRecord } from '../worker/world.ts';
import { plantArchive, scheduleWorld } from './schedule-world.ts';

/** A Monday. */
const TO = new Date('2026-03-09T08:00:00.000Z');
const HOUR_MS = 3_600_000;

const archive = (hoursAgo: number, word: 'good' | 'gaps' = 'good') => ({
  ...manifestOf({ archiveId: 'arc_20260304T020000Z_7F3K9Q2M', word }),
  takenAt: new Date(TO.getTime() - hoursAgo * HOUR_MS).toISOString(),
});
const ended = (hoursAgo: number, word: 'good' | 'failed', quietSeconds = 0) =>
  runRecord('run_00000001', {
    requestedAt: new Date(TO.getTime() - hoursAgo * HOUR_MS).toISOString(),
    status: 'ended',
    outcome: anOutcome({ word, backup: word === 'good' ? { ...aSummary, quietSeconds } : null }),
  });

const week = (change: Partial<Parameters<typeof digestOf>[0]> = {}) =>
  digestOf({
    instance: 'prod',
    to: TO,
    runs: [ended(4, 'good', 100), ended(20, 'good', 60), ended(30, 'failed'), ended(200, 'failed')],
    manifests: [archive(4), archive(10, 'gaps'), archive(20), archive(170)],
    targetSeconds: 8 * 3600,
    restoreTargetMinutes: 240,
    drills: [],
    ...change,
  });

describe('the digest', () => {
  it('counts the week and nothing older', () => {
    expect(week()).toMatchObject({
      from: '2026-03-02T08:00:00.000Z',
      outcomes: { good: 2, failed: 1 },
      failedAt: ['2026-03-08T02:00:00.000Z'],
      growthBytes: 0,
      addedBytes: 60,
      quiet: { totalSeconds: 160, longestSeconds: 100 },
    });
    expect(week().archives.map(({ word }) => word)).toEqual(['good', 'gaps', 'good']);
  });

  it('measures what could have been lost from good archive to good archive, and to now', () => {
    expect(week().longestGapSeconds).toBe(150 * 3600);
    expect(week({ manifests: [archive(4), archive(9)] }).longestGapSeconds).toBe(5 * 3600);
    expect(week({ manifests: [archive(40), archive(41)] }).longestGapSeconds).toBe(40 * 3600);
    expect(week({ manifests: [archive(4, 'gaps')] }).longestGapSeconds).toBeNull();
  });

  it('says whether the target was kept, in one sentence', () => {
    const say = (change: Parameters<typeof week>[0]) => digestWords(week(change), EMPTY_CHAIN).headline;
    expect(say({ manifests: [archive(4), archive(9)] })).toBe(
      '✅ prod kept its target of 8 h all week, with 2 good backups.',
    );
    expect(say({})).toBe('🟠 prod missed its target of 8 h this week: once it was 150 h.');
    expect(say({ manifests: [], runs: [] })).toBe('🔴 prod has no good archive.');
    expect(fitsSlack(replyMessage(digestWords(week(), EMPTY_CHAIN)))).toBe(true);
  });

  it('draws each archive and each failure', () => {
    const colours = (change: Parameters<typeof week>[0]): Set<number> => {
      const file = digestChart(week(change));
      const at = file.indexOf('IDAT');
      return new Set(inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4))));
    };
    expect(colours({ runs: [], manifests: [] })).toEqual(new Set([0, 1]));
    expect(colours({ runs: [], manifests: [archive(4)] })).toEqual(new Set([0, 1, 2]));
    expect(colours({})).toEqual(new Set([0, 1, 2, 3, 5]));
  });
});

describe('sending it', () => {
  const PROD = { instance: 'prod', channel: 'C0OPS' };

  it('happens once, on Monday morning', async () => {
    const { world, said } = scheduleWorld('2026-03-06T08:00:00Z');
    await plantArchive(world, { takenAt: '2026-03-06T07:00:00.000Z' });
    for (let hour = 0; hour < 8 * 24; hour += 2) {
      await sendDigest(world, PROD);
      if (said.length > 0) break;
      await world.clock.advance(2 * HOUR_MS);
    }
    expect(world.clock.now().toISOString()).toBe('2026-03-09T08:00:00.000Z');
    await sendDigest(world, PROD);
    await world.clock.advance(24 * HOUR_MS);
    await sendDigest(world, PROD);
    expect(said.map(({ kind, channel }) => [kind, channel])).toEqual([
      ['post', 'C0OPS'],
      ['image', 'C0OPS'],
    ]);
  });

  it('is tried again when the chat does not take it, as the same message', async () => {
    const { world, said, slack } = scheduleWorld('2026-03-09T07:55:00Z');
    await sendDigest(world, PROD);
    await world.clock.advance(600_000);
    slack.isDown = true;
    await expect(sendDigest(world, PROD)).rejects.toMatchObject({ code: 'ChatUnavailable' });
    slack.isDown = false;
    await sendDigest(world, PROD);
    expect(said.map(({ kind }) => kind)).toEqual(['post', 'image']);
  });

  it('shows its chart never twice after a kill, and again where Slack refused it', async () => {
    const { world, said } = scheduleWorld('2026-03-09T07:55:00Z');
    await sendDigest(world, PROD);
    await world.clock.advance(600_000);
    const { shareFile } = world.chat;
    const charts = () => said.filter(({ kind }) => kind === 'image').length;
    world.chat.shareFile = () => Promise.reject(new OctoError('ChatLimited', 'slow down'));
    await expect(sendDigest(world, PROD)).rejects.toMatchObject({ code: 'ChatLimited' });
    world.chat.shareFile = shareFile;
    // Killed after the chart was shown and before the week was noted as sent.
    const { state } = world;
    world.state = {
      ...state,
      change: (key, bytes, guard) =>
        key.startsWith('digest/') && charts() > 0
          ? Promise.reject(new Error('killed'))
          : state.change(key, bytes, guard),
    };
    await expect(sendDigest(world, PROD)).rejects.toThrow('killed');
    world.state = state;
    await sendDigest(world, PROD);
    expect(charts()).toBe(1);
  });
});
