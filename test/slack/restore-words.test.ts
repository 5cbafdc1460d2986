/** The card of a restore, from the request to its end: what people read, and within what Slack takes. */
import { describe, expect, it } from 'vitest';
import { blockProblems } from '../../sandbox/slack/block-rules.ts';
import type { Approval } from '../../lib/domain/runs/approval.ts';
import type { RestorePlan } from '../../lib/domain/runs/plan.ts';
import type { RestoreSummary, RunRecord } from '../../lib/domain/runs/run.ts';
import { approveForm } from '../../lib/slack/approval-card.ts';
import { whatExceeds } from '../../lib/slack/limits.ts';
import { runCard } from '../../lib/slack/run/run-card.ts';
import { runLines } from '../../lib/slack/run/run-lines.ts';
import { runNotice } from '../../lib/slack/run/run-notice.ts';
import { plannedStates } from '../../lib/workflows/index.ts';
import { aRestorePlan } from '../domain/restore-plan.ts';
import { anOutcome, aStep, aView, NOW } from './view.ts';

const restore: Partial<RunRecord> = {
  workflow: 'restore',
  options: { archive: 'arc_20260304T020000Z_7F3K9Q2M', from: 'prod', only: 'all', as: 'same' },
  reason: 'INC-412',
};
const plannedOf = (approval: boolean) => plannedStates('restore', { only: 'all', approval });

const waiting = (plan: RestorePlan) => {
  const approval: Approval = {
    requirement: {
      count: 1,
      approvers: ['everyone'],
      expiryMinutes: 240,
      remindMinutes: [],
      isTyped: true,
      mayApproveSelf: false,
      breakGlass: [],
    },
    plan,
    opening: { openedAt: '2026-03-05T02:01:00Z', expiresAt: '2026-03-05T06:01:00Z', planHash: 'x' },
    votes: [],
    decision: null,
    closure: null,
  };
  return aView({ run: restore, approval, steps: [aStep('PlanRestore')], plannedStates: plannedOf(true) });
};
const textOf = (view: ReturnType<typeof aView>): string => {
  const card = runCard(view, NOW);
  expect([blockProblems(card.blocks, 'message'), whatExceeds(card)]).toEqual([[], []]);
  return JSON.stringify(card);
};

describe('the request for approval', () => {
  it('says what is overwritten, what would be lost, the way back, and what was checked', () => {
    const text = textOf(waiting(aRestorePlan));
    for (const words of [
      '*Restore requested* · prod ← archive <!date^',
      '*Will change*  Octopus prod (2024.4.7106): database OctopusDeploy and 1 folder, all overwritten',
      '*Would lose*  at most 60 deployments (41 now)',
      '*Way back*  safety backup first; automatic return if any step fails',
      '*Checked*  version same',
      'ana asks for a restore onto prod, which needs approval by 1 other person.',
      'command:approve',
    ])
      expect(text).toContain(words);
    expect(JSON.stringify(approveForm(waiting(aRestorePlan).run))).toContain('Approve the restore');
  });

  it('warns of what an approver would not expect, and says what may be lost besides', () => {
    const plan: RestorePlan = {
      ...aRestorePlan,
      warnings: ['spare becomes a second <prod>'],
      safety: 'kept',
      losses: [],
    };
    const text = textOf(waiting(plan));
    expect(text).toContain('⚠️ spare becomes a second &lt;prod&gt;');
    expect(text).toContain('database and folders are kept on the host');
  });

  it('shows the whole plan in a terminal', () => {
    const lines = runLines(waiting(aRestorePlan), NOW).join('\n');
    expect(lines).toMatch(/archive +arc_20260304T020000Z_7F3K9Q2M of prod, taken 2026-03-04/);
    expect(lines).toMatch(/hash +[0-9a-f]{64}/);
  });
});

describe('a restore at work', () => {
  it('names its step, and stays within what Slack takes', () => {
    const steps = plannedOf(false)
      .slice(0, 20)
      .map((state) => aStep(state, state === 'SwapFolders' ? { status: 'running', endedAt: null } : {}));
    const text = textOf(aView({ run: restore, steps, plannedStates: plannedOf(false) }));
    expect(text).toContain('*Restore running* · prod ← arc_20260304T020000Z_7F3K9Q2M · step 20 of 25: swap folders');
    expect(text).toContain('Stop this restore?');
  });
});

describe('a restore that ended', () => {
  const summary: RestoreSummary = {
    archive: aRestorePlan.archive,
    parts: 'all',
    as: 'same',
    durationSeconds: 1140,
    quietSeconds: 95,
    database: { tables: 26, rows: 918_204 },
    files: { count: 18_204, sizeBytes: 33.4e9, writtenBytes: 0.3e9 },
    keyProof: { opened: 12, sampled: 12 },
    served: 24,
    safetyArchiveId: 'arc_20260305T020000Z_7F3K9Q2M',
    kept: [],
    quarantined: [],
  };
  const ended = (outcome: Parameters<typeof anOutcome>[0]) =>
    aView({ run: { ...restore, status: 'ended', endedAt: '2026-03-05T02:19:00Z', outcome: anOutcome(outcome) } });

  it('good says what came back and what was proven', () => {
    const text = textOf(ended({ restore: { ...summary, archive: { ...summary.archive } }, safeNow: 'Octopus runs.' }));
    for (const words of [
      '*Restore good* · prod ← arc_20260304T020000Z_7F3K9Q2M',
      'Database 918,204 rows in 26 tables, all as archived · 18,204 files, 33.4 GB, 300.0 MB of it written',
      'key opens 12 of 12 on the restored copy',
      '24 files served on trial · maintenance 1 min 35 s',
      '*Safe now:* Octopus runs.',
    ])
      expect(text).toContain(words);
    expect(text).not.toContain('latest good');
  });

  it('names each thing that was made harmless', () => {
    const quarantined = ['Machine disabled (33)', 'mail server emptied (1)'];
    const text = textOf(ended({ restore: { ...summary, as: 'quarantine', quarantined } }));
    expect(text).toContain('Made harmless: Machine disabled (33) · mail server emptied (1)');
  });

  it('failed offers the same restore again, and calls people by its name', () => {
    const error = { code: 'ProbeFailed', message: 'a file is missing', advice: 'Look.', state: 'ProbeServer' };
    const view = ended({ word: 'failed', error, safeNow: 'Octopus is as it was.', doNext: 'Look.' });
    expect(textOf(view)).toContain('restore arc_20260304T020000Z_7F3K9Q2M to prod');
    expect(runNotice(view.run, ['U1']).text).toMatch(/^🔴 The restore onto prod failed: a file is missing/);
  });

  it('with gaps says nothing of latest good', () => {
    const view = ended({ word: 'gaps', gaps: ['a trigger stays off'], restore: { ...summary } });
    expect(textOf(view) + runNotice(view.run, []).text).not.toContain('latest good');
  });
});
