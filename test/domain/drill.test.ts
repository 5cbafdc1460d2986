/** Which archive a drill tries, what its record says, and what is told from many of them. */
import { describe, expect, it } from 'vitest';
import { chosenArchive } from '../../lib/domain/drills/choice.ts';
import type { DrillRecord } from '../../lib/domain/drills/drill.ts';
import { objectivesOf } from '../../lib/domain/drills/objectives.ts';
import { drillOutcomeOf } from '../../lib/domain/drills/outcome.ts';
import { recordOfDrill } from '../../lib/domain/drills/record.ts';
import { dueDrill } from '../../lib/domain/settings/schedule.ts';
import { aDrill } from '../slack/drill-record.ts';
import { aStep } from '../slack/view.ts';

describe('the choice', () => {
  const ids = ['c', 'b', 'a'];
  it('is the newest, the oldest, or one by chance that the request fixes', () => {
    expect(chosenArchive(ids, 'newest', 'x')).toBe('c');
    expect(chosenArchive(ids, 'oldest', 'x')).toBe('a');
    const drawn = Array.from({ length: 60 }, (_, n) => chosenArchive(ids, 'random', `slot ${n}`));
    expect(new Set(drawn)).toEqual(new Set(ids));
    expect(chosenArchive(ids, 'random', 'slot 7')).toBe(drawn[7]);
  });

  it('is none of none', () => {
    for (const choice of ['newest', 'oldest', 'random'] as const) expect(chosenArchive([], choice, 'x')).toBeNull();
  });
});

describe('the record', () => {
  const at = (minutes: number) => new Date(Date.UTC(2026, 2, 5, 2, minutes)).toISOString();
  const took = (state: string, from: number, to: number) => aStep(state, { startedAt: at(from), endedAt: at(to) });
  const drilled = { restored: { sizeBytes: 9 }, proven: null, files: null, gaps: [], notes: [] };
  const record = (change: Partial<Parameters<typeof recordOfDrill>[0]> = {}) =>
    recordOfDrill({
      run: {
        id: 'run_7F3K9Q2M',
        instance: 'prod',
        requestedAt: at(0),
        requestedBy: { door: 'slack', person: 'ana', channel: null },
      },
      plan: {
        version: 1,
        run: 'run_7F3K9Q2M',
        workflow: 'drill',
        instance: 'prod',
        archive: { archiveId: 'arc', takenAt: at(0), word: 'good' },
        place: 'own',
        database: 'octo_run_7F3K9Q2M',
        folder: '/drills/run_7F3K9Q2M',
      },
      manifest: { archiveId: 'arc', takenAt: at(0), source: { octopusVersion: '2024.4' } } as never,
      steps: [
        took('DrillPlan', 0, 1),
        took('DrillDatabase', 1, 11),
        took('DrillProof', 11, 14),
        took('DrillClear', 14, 15),
      ],
      endedAt: at(15),
      failure: null,
      clearFailure: null,
      drilled,
      ...change,
    });
  const failing = (error: string) => ({ state: 'DrillFiles', error, cause: JSON.stringify({ message: 'so it was' }) });

  it('keeps the times of what a restore would do as well', () => {
    expect(record().seconds).toEqual({ DrillDatabase: 600, DrillProof: 180 });
  });

  it('tells what speaks against the archive from what does not', () => {
    expect(record().word).toBe('good');
    expect(record({ drilled: { ...drilled, gaps: ['one'] } }).word).toBe('gaps');
    expect(record({ failure: failing('ArchiveDamaged') }).word).toBe('failed');
    expect(record({ failure: failing('SecretNotKept') }).word).toBe('failed');
    for (const error of ['Cancelled', 'DatabaseUnreachable', 'States.HeartbeatTimeout', 'RestoreRoomMissing'])
      expect(record({ failure: failing(error) }).word).toBe('unfinished');
  });

  it('names what could not be removed, and stays what it is', () => {
    const { word, notes } = record({ clearFailure: failing('DatabaseInUse') });
    expect({ word, notes }).toEqual({ word: 'good', notes: [expect.stringContaining('so it was (DatabaseInUse)')] });
  });
});

describe('what drills say of a restore', () => {
  const targets = { restoreTargetMinutes: 30 };
  const lasting = (minutes: number, change: Partial<DrillRecord> = {}) =>
    aDrill({ seconds: { DrillDatabase: minutes * 60, DrillProof: 0, DrillFiles: 0 }, ...change });

  it('is nothing where there was none that got through', () => {
    expect(objectivesOf([], targets)).toEqual({ restoreTime: null, restoreTargetSeconds: 1800, lastDrill: null });
    const failed = objectivesOf([aDrill({ word: 'failed' })], targets);
    expect(failed).toMatchObject({ restoreTime: null, lastDrill: { word: 'failed' } });
  });

  it('is the middle of the last five that got through, and between what', () => {
    const drills = [
      lasting(99, { word: 'unfinished' }),
      lasting(24, { runId: 'run_NEWEST00' }),
      lasting(19),
      lasting(90, { word: 'failed' }),
      lasting(27),
      lasting(25),
      lasting(20, { word: 'gaps' }),
      lasting(500),
    ];
    expect(objectivesOf(drills, targets)).toMatchObject({
      restoreTime: { drills: 5, seconds: 24 * 60, leastSeconds: 19 * 60, mostSeconds: 27 * 60 },
      lastDrill: { runId: 'run_NEWEST00', word: 'good' },
    });
  });

  it('leaves out a drill that has not done all parts', () => {
    expect(objectivesOf([aDrill({ seconds: { DrillDatabase: 60 } })], targets).restoreTime).toBeNull();
  });
});

describe('the outcome', () => {
  it('without a record is a failure, or a refusal where nothing was begun', () => {
    const ending = { record: null, latestGood: null };
    const refused = { state: 'DrillPlan', error: 'PlanRefused', cause: '{"message":"no room"}' };
    expect(drillOutcomeOf({ ...ending, failure: refused })).toMatchObject({ word: 'refused', drill: null });
    const broken = { state: 'Report', error: 'Bug', cause: '{}' };
    expect(drillOutcomeOf({ ...ending, failure: broken }).word).toBe('failed');
  });

  it('of an archive that failed names the one to rely on', () => {
    const failure = { state: 'DrillFiles', error: 'ArchiveDamaged', cause: '{"message":"a pack"}' };
    const latestGood = { archiveId: 'arc_OTHER', takenAt: '2026-03-04T02:00:00Z' };
    const { safeNow } = drillOutcomeOf({ failure, record: aDrill({ word: 'failed' }), latestGood });
    expect(safeNow).toContain('Do not rely on');
    expect(safeNow).toContain('The newest good archive is arc_OTHER.');
  });
});

describe('the slot that is due', () => {
  const settings = {
    drill: { cron: '0 3 * * sun' },
    schedule: { online: null, quiesced: null, timeZone: 'UTC' },
    pause: null,
  };
  const between = (from: string, until: string, change = {}) =>
    dueDrill({ ...settings, ...change }, new Date(from), new Date(until));

  it('is the last one that came since, once', () => {
    expect(between('2026-03-01T02:59:00Z', '2026-03-01T03:00:00Z')).toBe('2026-03-01T03:00:00.000Z');
    expect(between('2026-03-01T03:00:00Z', '2026-03-07T03:00:00Z')).toBeNull();
    expect(between('2026-02-01T00:00:00Z', '2026-03-02T00:00:00Z')).toBe('2026-03-01T03:00:00.000Z');
  });

  it('is none while off or paused', () => {
    const span = ['2026-03-01T02:00:00Z', '2026-03-01T04:00:00Z'] as const;
    expect(between(...span, { drill: { cron: null } })).toBeNull();
    expect(between(...span, { pause: { until: null, by: 'ana', since: span[0] } })).toBeNull();
  });
});
