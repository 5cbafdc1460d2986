/** The card of a run that waits for approval, its forms and reminders: as JSON, and within what Slack takes. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockProblems } from '../../sandbox/slack/block-rules.ts';
import type { Approval, Decision } from '../../lib/domain/runs/approval.ts';
import { planHash } from '../../lib/domain/runs/plan.ts';
import type { RunView } from '../../lib/domain/runs/run.ts';
import { approvalAsked, approveForm, denyForm, reminder } from '../../lib/slack/approval-card.ts';
import { whatExceeds } from '../../lib/slack/limits.ts';
import { runCard } from '../../lib/slack/run/run-card.ts';
import { runLines } from '../../lib/slack/run/run-lines.ts';
import { planOf } from '../runs/approval-world.ts';
import { anOutcome, aStep, aView, NOW } from './view.ts';

const anApproval = (change: Partial<Approval> = {}): Approval => ({
  requirement: {
    count: 2,
    approvers: ['@octo-approvers'],
    expiryMinutes: 240,
    remindMinutes: [],
    isTyped: true,
    mayApproveSelf: false,
    breakGlass: [],
  },
  plan: planOf(aView().run),
  opening: { openedAt: '2026-03-05T02:01:00Z', expiresAt: '2026-03-05T06:01:00Z', planHash: 'x' },
  votes: [],
  decision: null,
  closure: null,
  ...change,
});
const HASH = planHash(planOf(aView().run)).slice(0, 8);
const vote = (person: string) =>
  ({ person, door: 'slack', kind: 'approve', reason: null, planHash: 'x', at: '2026-03-05T02:05:00Z' }) as const;
const decision = (change: Partial<Decision> = {}): Decision => ({
  kind: 'approved',
  persons: ['ben', 'cara'],
  reason: null,
  isBreakGlass: false,
  planHash: 'x',
  at: '2026-03-05T02:05:00Z',
  ...change,
});
const waiting = (change: Partial<Approval> = {}): RunView =>
  aView({ approval: anApproval(change), steps: [aStep('PlanRun'), aStep('AwaitApproval', { status: 'running' })] });
const textOf = (view: RunView): string => JSON.stringify(runCard(view, NOW));

describe('the request', () => {
  it('says who asks for what, what was checked, who is needed until when, and can be decided', () => {
    expect(runCard(waiting({ votes: [vote('ben')] }), NOW)).toEqual({
      text: 'ana asks for a backup of prod, which needs approval by 2 of @octo-approvers.',
      blocks: [
        mrkdwn('⏳ *Backup requested* · prod · waits for approval'),
        { type: 'context', elements: [{ type: 'mrkdwn', text: 'asked by ana · "before the upgrade" · run_7F3K9Q2M' }] },
        mrkdwn(
          [
            '*Will read*  Octopus prod (2024.4.7106): database OctopusDeploy and 1 folder',
            '*Meanwhile*  maintenance mode for as long as the database is dumped',
            '*Opened by*  master key 0011223344556677',
            '*Checked*  versions, rights, key, database, space and folders',
            `*Needs*  2 of @octo-approvers (1 so far: ben) · expires <!date^1772690460^{date_short_pretty} {time}|2026-03-05 06:01 UTC> · plan ${HASH}…`,
          ].join('\n'),
        ),
        {
          type: 'actions',
          elements: [
            aButton('Approve', 'approve', { style: 'primary' }),
            aButton('Deny', 'deny', { style: 'danger' }),
            aButton('Plan', 'run'),
            aButton('Withdraw', 'cancel', {
              confirm: expect.objectContaining({ confirm: { type: 'plain_text', text: 'Withdraw' } }),
            }),
          ],
        },
      ],
    });
  });

  it.each([
    ['anybody but the requester', { approvers: ['everyone'], count: 1 }, 'Needs*  1 other person (0 so far)'],
    ['several of them', { approvers: ['everyone'], count: 3 }, 'Needs*  3 other people (0 so far)'],
    ['named people', { approvers: ['ben', 'cara'], count: 1 }, 'Needs*  1 of ben, cara (0 so far)'],
  ])('names %s', (_whom, change, words) => {
    expect(textOf(waiting({ requirement: { ...anApproval().requirement, ...change } }))).toContain(words);
  });

  it('is not there before the preflight has passed, nor once it is decided or over', () => {
    for (const view of [
      waiting({ opening: null }),
      waiting({ decision: decision() }),
      { ...waiting(), run: { ...waiting().run, outcome: anOutcome({ word: 'refused' }) } },
    ])
      expect(textOf(view)).not.toContain('command:approve');
  });

  it('says the same in a terminal, with the plan in full', () => {
    const lines = runLines(waiting(), NOW).join('\n');
    expect(lines).toContain('Needs  2 of @octo-approvers (0 so far) · expires 2026-03-05 06:01 UTC');
    expect(lines).toMatch(/Plan:\n.*instance {5}prod, Octopus 2024\.4\.7106/);
  });
});

describe('after the decision', () => {
  it('the card says who decided', () => {
    expect(textOf(waiting({ decision: decision() }))).toContain('approved by ben, cara');
    expect(textOf(waiting({ decision: decision({ kind: 'denied', persons: ['ben'] }) }))).toContain('denied by ben');
  });

  it('a break-glass is shown to everybody, at work and at the end, until somebody else closes it', () => {
    const broken = waiting({ decision: decision({ isBreakGlass: true, persons: ['ana'], reason: 'prod is down' }) });
    const ended = { ...broken, run: { ...broken.run, outcome: anOutcome() } };
    for (const view of [broken, ended]) {
      expect(textOf(view)).toContain('approved by ana alone');
      expect(textOf(view)).toMatch(
        /🚨 \*Break-glass\* by ana: \\"prod is down\\" · open until somebody else closes it/,
      );
    }
    const closure = { person: 'ben', reason: 'was right', at: '2026-03-05T09:00:00Z' };
    const closed = { ...ended, approval: { ...ended.approval!, closure } };
    expect(textOf(closed)).toMatch(/closed by ben: \\"was right\\"/);
    expect(textOf(closed)).not.toContain('open until');
  });
});

describe('forms', () => {
  const { run } = waiting();

  it('hold the run id and nothing else that decides', () => {
    for (const form of [approveForm(run), denyForm(run)]) {
      expect(form.private_metadata).toBe(run.id);
      expect(form.title.text.length).toBeLessThanOrEqual(24);
      expect(blockProblems(form.blocks, 'modal')).toEqual([]);
    }
    expect(JSON.stringify(approveForm(run).blocks)).toContain('Type prod to approve');
  });

  it('say what was typed, without the blanks around it', () => {
    expect(approvalAsked(run.id, { confirm: ' prod ', reason: null })).toEqual({
      runId: run.id,
      options: { confirm: 'prod' },
    });
    expect(approvalAsked(run.id, { reason: '  ' })).toEqual({ runId: run.id, options: {} });
  });
});

describe('whatever people write', () => {
  it('fits Slack and mentions nobody', () => {
    const wild = fc.oneof(
      fc.constantFrom('<!channel>', '<@U1>', '&<>', '*'),
      fc.string({ unit: 'grapheme', maxLength: 5000 }),
    );
    fc.assert(
      fc.property(wild, wild, (reason, person) => {
        const glass = decision({ isBreakGlass: true, reason, persons: [person] });
        for (const approval of [anApproval({ votes: [vote(person)] }), anApproval({ decision: glass })]) {
          const view = aView({ run: { reason, requestedBy: { door: 'slack', person, channel: 'C1' } }, approval });
          for (const message of [runCard(view, NOW), reminder(view, approval)]) {
            expect(whatExceeds(message)).toEqual([]);
            expect(JSON.stringify(message)).not.toMatch(/<!channel>|<@U1>/);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

const mrkdwn = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
const aButton = (label: string, verb: string, look: { style?: string; confirm?: unknown } = {}) => ({
  type: 'button',
  text: { type: 'plain_text', text: label },
  action_id: `command:${verb}`,
  value: `${verb} run_7F3K9Q2M`,
  ...look,
});
