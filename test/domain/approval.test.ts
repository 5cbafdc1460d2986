/** What votes amount to, and how long a run waits. Who may vote is decided with the policy, in `test/runs/decide.test.ts`. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expiry, judge, openedNow, remindersDue, secondsToWait, type Vote } from '../../lib/domain/runs/approval.ts';
import { type Requirement, Statement, type Policy } from '../../lib/domain/runs/approval-policy.ts';

const NOW = new Date('2026-03-04T02:00:00.000Z');
const PEOPLE = ['ana', 'ben', 'cara', 'dan'];
const policyOf = (count: number, approvers: string[] = ['everyone']): Policy => ({
  people: PEOPLE,
  groups: {},
  statements: [Statement.parse({ effect: 'approve', verbs: ['backup'], approvers, count, breakGlass: ['dan'] })],
});
const judging = (policy: Policy) => ({
  policy,
  asking: {
    verb: 'backup' as const,
    instance: { name: 'prod', isProduction: true },
    by: { door: 'slack', person: 'ana' },
  },
  planHash: 'seen',
  now: NOW,
});
const vote = (person: string, kind: Vote['kind'] = 'approve', planHash = 'seen'): Vote => ({
  person,
  door: 'slack',
  kind,
  reason: kind === 'approve' ? null : `${person} says so`,
  planHash,
  at: NOW.toISOString(),
});

describe('judge', () => {
  it('counts people, not votes', () => {
    expect(judge([vote('ben'), vote('ben')], judging(policyOf(2)))).toBeNull();
    expect(judge([vote('ben'), vote('cara')], judging(policyOf(2)))).toMatchObject({
      kind: 'approved',
      persons: ['ben', 'cara'],
    });
  });

  it('lets one denial outweigh every approval, and a break-glass', () => {
    const votes = [vote('ben'), vote('dan', 'break-glass'), vote('cara', 'deny')];
    expect(judge(votes, judging(policyOf(1)))).toMatchObject({
      kind: 'denied',
      persons: ['cara'],
      reason: 'cara says so',
    });
  });

  it('calls it a break-glass only where it took one', () => {
    expect(judge([vote('ben'), vote('dan', 'break-glass')], judging(policyOf(1)))).toMatchObject({
      isBreakGlass: false,
    });
    expect(judge([vote('ben'), vote('dan', 'break-glass')], judging(policyOf(2)))).toMatchObject({
      isBreakGlass: true,
      persons: ['dan'],
    });
  });

  it('never lets anything through without enough other people who may, whatever votes there are', () => {
    const anyVote = fc.record({
      person: fc.constantFrom(...PEOPLE, 'zoe (slack)', ''),
      kind: fc.constantFrom('approve' as const, 'deny' as const),
      planHash: fc.constantFrom('seen', 'another'),
    });
    fc.assert(
      fc.property(fc.array(anyVote, { maxLength: 8 }), fc.integer({ min: 1, max: 4 }), (cast, count) => {
        const votes = cast.map(({ person, kind, planHash }) => vote(person, kind, planHash));
        const decision = judge(votes, judging(policyOf(count, ['ana', 'ben', 'cara'])));
        const able = new Set(
          votes
            .filter(({ person, planHash }) => ['ben', 'cara'].includes(person) && planHash === 'seen')
            .map(({ person }) => person),
        );
        const isRight = able.size >= count && decision?.persons.every((person) => able.has(person));
        expect(decision?.kind !== 'approved' || isRight).toBe(true);
      }),
    );
  });
});

describe('waiting', () => {
  const need: Requirement = {
    count: 1,
    approvers: ['everyone'],
    expiryMinutes: 120,
    remindMinutes: [30, 90, 300],
    isTyped: false,
    mayApproveSelf: false,
    breakGlass: [],
  };
  const opening = openedNow(need, { planHash: 'seen', now: NOW });
  const after = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);

  it.each([
    [0, 30 * 60, 0],
    [30, 60 * 60, 1],
    [89, 60, 1],
    [90, 30 * 60, 2],
    [119.999, 1, 2],
    [120, 1, 2],
    [500, 1, 3],
  ])('%f minutes after it was asked', (minutes, seconds, reminders) => {
    expect(secondsToWait(opening, need, after(minutes))).toBe(seconds);
    expect(remindersDue(opening, need, after(minutes))).toBe(reminders);
  });

  it('ends at its end, by nobody', () => {
    expect(expiry(opening)).toMatchObject({ kind: 'expired', persons: [], at: '2026-03-04T04:00:00.000Z' });
  });
});
