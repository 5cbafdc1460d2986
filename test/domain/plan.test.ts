/** The hash of a plan: the same wherever it is made, another for whatever an approver would have to see again. */
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, Plan, planDifferences, planHash } from '../../lib/domain/runs/plan.ts';

const PLAN: Plan = {
  version: 1,
  run: 'run_7F3K9Q2M',
  workflow: 'backup',
  instance: 'prod',
  consistency: 'quiesced',
  octopus: { version: '2024.4.7106', installationId: 'c0ffee' },
  database: 'OctopusDeploy',
  folders: [{ name: 'packages', path: '/octopus/packages' }],
  masterKeyFingerprint: '0011223344556677',
  destination: 'prod/archives/arc_20260304T020000Z_7F3K9Q2M/',
};

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  );
};

describe('planHash', () => {
  it('is SHA-256 of the canonical JSON, as anybody can compute it', () => {
    const text =
      '{"consistency":"quiesced","database":"OctopusDeploy","destination":"prod/archives/arc_20260304T020000Z_7F3K9Q2M/","folders":[{"name":"packages","path":"/octopus/packages"}],"instance":"prod","masterKeyFingerprint":"0011223344556677","octopus":{"installationId":"c0ffee","version":"2024.4.7106"},"run":"run_7F3K9Q2M","version":1,"workflow":"backup"}';
    expect(canonicalJson(PLAN)).toBe(text);
    expect(planHash(PLAN)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('does not depend on the order of members, and survives being stored', () => {
    expect(planHash(reversed(PLAN) as Plan)).toBe(planHash(PLAN));
    expect(planHash(Plan.parse(JSON.parse(JSON.stringify(PLAN))))).toBe(planHash(PLAN));
  });

  it.each(Object.keys(PLAN) as (keyof Plan)[])('covers %s', (field) => {
    const other: Plan = { ...PLAN, [field]: 'another' };
    expect(planHash(other)).not.toBe(planHash(PLAN));
    expect(planDifferences(PLAN, other)).toEqual([field]);
  });

  it('of any JSON reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });
});
