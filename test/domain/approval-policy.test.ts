/** Who may ask for what, and who has to approve: statements, defaults, and names that nothing bears. */
import { describe, expect, it } from 'vitest';
import {
  peopleIn,
  policyProblems,
  requirement,
  Statement,
  VERBS,
  type Policy,
} from '../../lib/domain/runs/approval-policy.ts';

const policyOf = (...statements: unknown[]): Policy => ({
  people: ['ana', 'ben', 'cara'],
  groups: { dba: ['ben', 'ghost'] },
  statements: statements.map((statement) => Statement.parse(statement)),
});
const asking = (person = 'ana', change: Partial<Parameters<typeof requirement>[1]> = {}) => ({
  verb: 'backup' as const,
  instance: { name: 'prod', isProduction: true },
  by: { door: 'slack', person },
  ...change,
});
const BACKUP = { effect: 'approve', verbs: ['backup'] };

describe('without a statement', () => {
  const HARMLESS = new Set<string>(['backup', 'drill', 'settings']);

  it.each(VERBS.filter((verb) => HARMLESS.has(verb)))('%s needs nobody', (verb) => {
    expect(requirement(policyOf(), asking('ana', { verb }))).toEqual({ kind: 'free' });
  });

  it.each(VERBS.filter((verb) => !HARMLESS.has(verb)))('%s needs one other person', (verb) => {
    expect(requirement(policyOf(), asking('ana', { verb }))).toMatchObject({
      kind: 'approval',
      requirement: { count: 1, approvers: ['everyone'], mayApproveSelf: false, isTyped: true },
    });
  });
});

describe('a statement', () => {
  it('says how many of whom, for how long, and takes defaults for the rest', () => {
    const policy = policyOf({ ...BACKUP, approvers: ['@dba', 'cara'], count: 2, expiryMinutes: 30 });
    expect(requirement(policy, asking())).toEqual({
      kind: 'approval',
      requirement: {
        count: 2,
        approvers: ['@dba', 'cara'],
        expiryMinutes: 30,
        remindMinutes: [30, 90, 210],
        isTyped: true,
        mayApproveSelf: false,
        breakGlass: [],
      },
    });
  });

  it('is about its people, verbs and instances, and nothing else', () => {
    const policy = policyOf({ ...BACKUP, who: ['@dba'], instances: ['prod'] });
    const kinds = [
      asking('ben'),
      asking('ana'),
      asking('ben', { instance: { name: 'test', isProduction: false } }),
      asking('ben', { verb: 'restore' }),
    ].map((one) => requirement(policy, one).kind);
    expect(kinds).toEqual(['approval', 'free', 'free', 'approval']);
  });

  it('leaves out whom it excepts', () => {
    const policy = policyOf({ ...BACKUP, except: ['@dba'] });
    expect(requirement(policy, asking('ben')).kind).toBe('free');
    expect(requirement(policy, asking('ana')).kind).toBe('approval');
  });

  it('about everyone means strangers too, and the schedule only by name', () => {
    const schedule = asking('schedule', { by: { door: 'schedule', person: 'schedule' } });
    expect(requirement(policyOf(BACKUP), asking('zoe (slack)')).kind).toBe('approval');
    expect(requirement(policyOf(BACKUP), schedule).kind).toBe('free');
    expect(requirement(policyOf({ ...BACKUP, who: ['schedule'] }), schedule).kind).toBe('approval');
    expect(requirement(policyOf({ effect: 'deny', verbs: 'everything' }), schedule).kind).toBe('free');
  });

  it('asks for the name to be typed on production, unless it says otherwise', () => {
    const test = { instance: { name: 'test', isProduction: false } };
    const isTyped = (policy: Policy, one: Parameters<typeof requirement>[1]) =>
      (requirement(policy, one) as { requirement: { isTyped: boolean } }).requirement.isTyped;
    expect(isTyped(policyOf(BACKUP), asking())).toBe(true);
    expect(isTyped(policyOf(BACKUP), asking('ana', test))).toBe(false);
    expect(isTyped(policyOf({ ...BACKUP, typedConfirmation: false }), asking())).toBe(false);
    expect(isTyped(policyOf({ ...BACKUP, typedConfirmation: true }), asking('ana', test))).toBe(true);
  });
});

describe('several statements', () => {
  it('the first that fits decides', () => {
    const policy = policyOf({ ...BACKUP, who: ['ana'], count: 0 }, { ...BACKUP, count: 2 });
    expect(requirement(policy, asking('ana')).kind).toBe('free');
    expect(requirement(policy, asking('ben'))).toMatchObject({ requirement: { count: 2 } });
  });

  it('a denial wins wherever it stands', () => {
    const denial = { effect: 'deny', who: ['ana'], verbs: 'everything' };
    for (const policy of [policyOf(denial, BACKUP), policyOf({ ...BACKUP, count: 0 }, denial)]) {
      expect(requirement(policy, asking('ana')).kind).toBe('denied');
      expect(requirement(policy, asking('ben')).kind).not.toBe('denied');
    }
  });
});

describe('names', () => {
  it('stand for people that the configuration knows, each once, whoever else is in a group', () => {
    expect(peopleIn(policyOf(), ['@dba', 'ben', 'ghost', '@nobody'])).toEqual(['ben']);
    expect(peopleIn(policyOf(), ['everyone'])).toEqual(['ana', 'ben', 'cara']);
    expect(peopleIn(policyOf(), [])).toEqual([]);
  });

  it('that nothing bears are named with their place', () => {
    const policy = policyOf(
      { effect: 'deny', verbs: ['backup'], who: ['schedule', 'zoe'], except: ['@ops'], instances: ['prd'] },
      { ...BACKUP, approvers: ['@dba', 'schedule'], breakGlass: ['ann'] },
    );
    const problems = policyProblems(policy, ['prod']).map(({ path, message }) => `${path.join('.')}: ${message}`);
    expect(problems).toEqual([
      'groups.dba: there is no "ghost"',
      'approval.0.instances: there is no "prd"',
      'approval.0.who: there is no "zoe"',
      'approval.0.except: there is no "@ops"',
      'approval.1.approvers: there is no "schedule"',
      'approval.1.breakGlass: there is no "ann"',
    ]);
  });

  it('of settings cannot be waited for', () => {
    const policy = policyOf({ effect: 'approve', verbs: ['settings'] });
    expect(policyProblems({ ...policy, groups: {} }, ['prod'])).toEqual([
      { path: ['approval', 0, 'verbs'], message: 'settings can be denied, but not approved' },
    ]);
  });

  it('of people are not those that mean something else', () => {
    const policy = { people: ['everyone', 'schedule'], groups: {}, statements: [] };
    expect(policyProblems(policy, [])).toHaveLength(2);
  });
});
