import { describe, expect, test } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import { outcomeOf, type BackupEnding, type Failure } from '../../lib/domain/runs/outcome.ts';
import { BackupSummary, Outcome } from '../../lib/domain/runs/run.ts';

const summary: BackupSummary = {
  archiveId: 'arc_20260304T020000Z_7F3K9Q2M',
  takenAt: '2026-03-04T02:00:00Z',
  consistency: 'quiesced',
  durationSeconds: 1080,
  quietSeconds: 190,
  totalBytes: 42_700_000_000,
  addedBytes: 300_000_000,
  database: { sizeBytes: 9_100_000_000, isVerified: true },
  files: { count: 18_204, sizeBytes: 33_600_000_000, missingCount: 0 },
  keyProof: { opened: 12, sampled: 12, fingerprint: '0011223344556677' },
};
const ending = (more: Partial<BackupEnding>): BackupEnding => ({
  endedAt: '2026-03-04T02:18:00Z',
  failure: null,
  resumeFailure: null,
  sealed: { word: 'good', gaps: [], summary },
  notes: [],
  latestGood: { archiveId: 'arc_old', takenAt: '2026-03-03T00:18:00Z' },
  ...more,
});
const failed = (state: string, error: OctoError): Failure => ({
  state,
  error: error.code,
  cause: JSON.stringify(error),
});

describe('word', () => {
  test('good says that this archive is the newest', () => {
    const outcome = outcomeOf(ending({}));
    expect(outcome).toMatchObject({ word: 'good', gaps: [], error: null, backup: summary });
    expect(outcome.safeNow).toBe('The newest good archive is this one.');
    expect(Outcome.parse(outcome)).toEqual(outcome);
  });

  test('gaps and suspicious keep the older archive as the newest good one', () => {
    const gaps = outcomeOf(ending({ sealed: { word: 'gaps', gaps: ['2 packages are missing'], summary } }));
    expect(gaps).toMatchObject({ word: 'gaps', gaps: ['2 packages are missing'] });
    expect(gaps.safeNow).toContain('arc_old, is 26 h old');
    const unusual = ['the database shrank by 40 % since arc_old (tolerance 10 %)'];
    const suspicious = outcomeOf(ending({ sealed: { word: 'suspicious', gaps: [], unusual, summary } }));
    expect(suspicious).toMatchObject({ word: 'suspicious', gaps: [], unusual });
    expect(suspicious.doNext).toMatch(
      /accept this archive.* raise shrink-tolerance or growth-tolerance in the backup settings/,
    );
  });

  test('good with gaps is gaps', () => {
    expect(outcomeOf(ending({ sealed: { word: 'good', gaps: ['x'], summary } })).word).toBe('gaps');
  });

  test('a refused plan, and a lock held by another run, are refusals that changed nothing', () => {
    const refusal = new OctoError('PlanRefused', 'backup of prod cannot begin: no space');
    const outcome = outcomeOf(ending({ sealed: null, failure: failed('PlanRun', refusal) }));
    expect(outcome).toMatchObject({ word: 'refused', error: { code: 'PlanRefused', state: 'PlanRun' }, backup: null });
    expect(outcome.safeNow).toMatch(/^Nothing was changed\./);
    const lock: Failure = { state: 'TakeLock', error: 'LockHeld', cause: '{"message":"held"}' };
    expect(outcomeOf(ending({ sealed: null, failure: lock })).word).toBe('refused');
  });

  test('what was sealed keeps its word, and a failure after that is a note', () => {
    const failure = failed('SealArchive', new OctoError('FenceLost', 'prod is held by run_00000002'));
    const outcome = outcomeOf(ending({ failure, notes: ['1 task queued'] }));
    expect(outcome).toMatchObject({ word: 'good', error: null, backup: summary });
    expect(outcome.notes).toEqual([
      '1 task queued',
      'SealArchive failed when the archive was whole already: prod is held by run_00000002 (FenceLost)',
    ]);
    expect(outcome.safeNow).toBe('The newest good archive is this one.');
    const timeout: Failure = { state: 'SealArchive', error: 'States.Timeout', cause: '' };
    expect(outcomeOf(ending({ failure: timeout, sealed: { word: 'gaps', gaps: ['x'], summary } })).word).toBe('gaps');
  });

  test('a sealed archive hides no server that was not put back', () => {
    const resumeFailure: Failure = { state: 'Resume', error: 'LeaseNotRestored', cause: '' };
    const outcome = outcomeOf(ending({ failure: resumeFailure, resumeFailure }));
    expect(outcome.safeNow).toBe(
      'Octopus may still be in maintenance mode: its worker puts it back as soon as it can reach the server. The newest good archive is this one.',
    );
    expect(outcome.doNext).not.toBe('');
  });
});

describe('failures', () => {
  test.each([
    ['States.HeartbeatTimeout', 'WorkerSilent', 'the worker fell silent in DumpDatabase'],
    ['States.Timeout', 'StepTimedOut', 'DumpDatabase ran out of time'],
    ['States.QueryEvaluationError', 'WorkflowFault', 'States.QueryEvaluationError in DumpDatabase: cause'],
    ['toString', 'WorkflowFault', 'toString in DumpDatabase: cause'],
  ])('%s is %s', (error, code, message) => {
    const outcome = outcomeOf(ending({ sealed: null, failure: { state: 'DumpDatabase', error, cause: 'cause' } }));
    expect(outcome).toMatchObject({ word: 'failed', error: { code, message, state: 'DumpDatabase' } });
    expect(outcome.doNext).toBe(outcome.error?.advice);
  });

  test("Lambda's wrapping of an error is read as well", () => {
    const cause = JSON.stringify({ errorType: 'Bug', errorMessage: 'no such thing', trace: [] });
    const outcome = outcomeOf(ending({ sealed: null, failure: { state: 'SealArchive', error: 'Bug', cause } }));
    expect(outcome.error?.message).toBe('no such thing');
  });

  test('long messages are cut visibly', () => {
    const failure = failed('PlanRun', new OctoError('PlanRefused', 'x'.repeat(2000)));
    expect(outcomeOf(ending({ sealed: null, failure })).error?.message).toMatch(/^x{599}…$/);
  });

  test('without an older archive that is said', () => {
    const failure = failed('DumpDatabase', new OctoError('Bug', 'broken'));
    const { safeNow } = outcomeOf(ending({ sealed: null, failure, latestGood: null }));
    expect(safeNow).toBe(
      'Octopus is running, and its maintenance mode is as it was before. There is no good archive of this instance yet.',
    );
  });

  test('a state that only reads says nothing about whether Octopus runs', () => {
    const failure = failed('PackFolders', new OctoError('OctopusUnavailable', 'no answer'));
    const { safeNow } = outcomeOf(ending({ sealed: null, failure }));
    expect(safeNow).toMatch(/^Nothing was changed on the Octopus server\. The newest good archive/);
  });

  test('a way back that failed is never called running', () => {
    const failure = failed('DumpDatabase', new OctoError('Bug', 'broken'));
    const resumeFailure: Failure = { state: 'ResumeAfterFailure', error: 'States.HeartbeatTimeout', cause: '' };
    const outcome = outcomeOf(ending({ sealed: null, failure, resumeFailure }));
    expect(outcome.safeNow).toMatch(/^Octopus may still be in maintenance mode/);
    expect(outcome.error?.code).toBe('Bug');
    expect(outcome.doNext).toContain('Start its service');
  });
});
