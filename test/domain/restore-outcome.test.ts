import { describe, expect, test } from 'vitest';
import { OctoError, type ErrorCode } from '../../lib/domain/errors.ts';
import { lossBound, lossesBeyond, planDifferences } from '../../lib/domain/runs/plan.ts';
import type { Failure } from '../../lib/domain/runs/outcome.ts';
import { NO_FACTS, restoreOutcomeOf, type RestoreEnding } from '../../lib/domain/runs/restore-outcome.ts';
import { Outcome } from '../../lib/domain/runs/run.ts';
import { aRestorePlan as plan } from './restore-plan.ts';

const facts = {
  ...NO_FACTS,
  loaded: { tables: 20, rows: 900, keyProof: { opened: 12, sampled: 12 } },
  staged: { fileCount: 10, sizeBytes: 1000, writtenBytes: 100 },
  probed: { served: 15 },
};
const ending = (more: Partial<RestoreEnding> = {}): RestoreEnding => ({
  failure: null,
  resumeFailure: null,
  plan,
  safetyArchiveId: 'arc_20260305T020000Z_7F3K9Q2M',
  facts,
  notes: [],
  durationSeconds: 600,
  quietSeconds: 90,
  ...more,
});
const failed = (state: string, code: ErrorCode): Failure => ({
  state,
  error: code,
  cause: JSON.stringify(new OctoError(code, `${state} went wrong`)),
});
const outcomeOf = (more: Partial<RestoreEnding> = {}) => {
  const outcome = restoreOutcomeOf(ending(more));
  expect(Outcome.parse(outcome)).toEqual(outcome);
  return outcome;
};

describe('a restore that came to its end', () => {
  test('is good, and says where the server as it was can be had from', () => {
    expect(outcomeOf()).toMatchObject({
      word: 'good',
      error: null,
      safeNow: expect.stringMatching(/runs on the archive of 2026-03-04.* arc_20260305\S+, and held\.$/) as string,
      doNext: expect.stringMatching(
        /^To go back: \/octo restore arc_20260305\S+ to prod\. .*: \/octo backup release arc_20260305\S+ instance:prod$/,
      ) as string,
      restore: { database: { tables: 20, rows: 900 }, served: 15, quietSeconds: 90 },
    });
  });

  test('has gaps where something is not as it should be', () => {
    expect(outcomeOf({ facts: { ...facts, gaps: ['a trigger stays off'] } })).toMatchObject({
      word: 'gaps',
      gaps: ['a trigger stays off'],
      doNext: expect.stringContaining('complete') as string,
    });
  });

  test('tells what was made harmless apart from the notes', () => {
    expect(outcomeOf({ notes: ['a note', 'quarantine: Machine disabled (33)'] })).toMatchObject({
      notes: ['a note'],
      restore: { quarantined: ['Machine disabled (33)'] },
    });
  });

  test('names what was kept, and how to be rid of it', () => {
    const kept = ['database OctopusDeploy_before', 'folder /octopus/packages.old'];
    expect(outcomeOf({ safetyArchiveId: null, facts: { ...facts, kept } })).toMatchObject({
      safeNow: expect.stringContaining(kept.join(', ')) as string,
      doNext: expect.stringContaining('drop that database') as string,
    });
  });

  test.each([
    ['ClearAside', null, /could not be removed/],
    ['WakeServer', { how: 'kept' as const, tables: null }, /is in use, but WakeServer/],
  ])('stays restored when %s fails', (state, returned, words) => {
    const outcome = outcomeOf({ failure: failed(state, 'DatabaseUnreachable'), facts: { ...facts, returned } });
    expect(outcome).toMatchObject({ word: 'gaps', error: null, restore: { parts: 'all' } });
    expect(outcome.gaps[0]).toMatch(words);
  });
});

describe('a restore that failed', () => {
  test('before anything was touched says so', () => {
    expect(outcomeOf({ failure: failed('StoreDatabase', 'StoreUnavailable'), safetyArchiveId: null })).toMatchObject({
      word: 'failed',
      safeNow: 'Nothing was changed on the Octopus server.',
      restore: null,
    });
  });

  test('and was taken back says by how many tables that is proven', () => {
    const failure = failed('ProbeServer', 'ProbeFailed');
    const returned = { how: 'returned' as const, tables: 26 };
    expect(outcomeOf({ failure, facts: { ...facts, returned } })).toMatchObject({
      word: 'failed',
      error: { code: 'ProbeFailed', state: 'ProbeServer' },
      safeNow: expect.stringMatching(/^Octopus is as it was and runs: all 26 tables have as many rows/) as string,
    });
    expect(outcomeOf({ failure, facts: { ...facts, returned: { ...returned, tables: null } } }).safeNow).toContain(
      'nothing could be compared',
    );
  });

  test('in its way back as well says that the worker goes on', () => {
    const outcome = outcomeOf({
      failure: failed('SwapDatabase', 'DatabaseExists'),
      resumeFailure: failed('ReturnTarget', 'DatabaseUnreachable'),
    });
    expect(outcome).toMatchObject({ word: 'failed', safeNow: expect.stringContaining('its worker goes on') as string });
    expect(outcome.doNext).toContain('Check that SQL Server runs');
  });

  test.each(['PlanRefused', 'LossesBeyondPlan', 'ApprovalDenied', 'PlanChanged'] as const)(
    '%s is a refusal',
    (code) => {
      const returned = { how: 'untouched' as const, tables: null };
      expect(outcomeOf({ failure: failed('CountLosses', code), facts: { ...facts, returned } })).toMatchObject({
        word: 'refused',
        safeNow: expect.stringMatching(/^Nothing was changed/) as string,
      });
    },
  );
});

describe('the bound on losses', () => {
  test.each([
    [0, 10],
    [4, 10],
    [5, 20],
    [41, 60],
    [1000, 1500],
    [123_456, 150_000],
  ])('of %i is %i', (found, bound) => {
    expect(lossBound(found)).toBe(bound);
  });

  test('is never below what was found, nor more than half as much again above it', () => {
    for (let found = 0; found < 30_000; found += 37) {
      expect(lossBound(found)).toBeGreaterThan(found);
      expect(lossBound(found)).toBeLessThanOrEqual(Math.max(found * 1.8, found + 20));
    }
  });

  test('names what is beyond it, and is no difference between two plans', () => {
    expect(lossesBeyond(plan.losses, { deployments: 60 })).toEqual([]);
    expect(lossesBeyond(plan.losses, { deployments: 61 })).toEqual(['61 deployments instead of at most 60']);
    const later = { ...plan, losses: [{ what: 'deployments', found: 50, atMost: 70 }], warnings: ['late'] };
    expect(planDifferences(plan, later)).toEqual([]);
    expect(planDifferences(plan, { ...later, database: 'Other' })).toEqual(['database']);
  });
});
