/** The drill workflow against scripted steps: the sequence of states, and a way out for a failure of each of them. */
import { describe, expect, test } from 'vitest';
import { type DrillInput, plannedStates } from '../../lib/workflows/index.ts';
import { HOST, play, type Played, RUN, type Script } from './backup-runtime.ts';

const input: DrillInput = {
  run: RUN,
  instance: 'prod',
  hosts: [{ name: HOST, queueUrl: HOST }],
  archive: 'arc_20260304T020000Z_7F3K9Q2M',
  awaitSeconds: null,
};

const PROVEN = {
  tables: 20,
  rows: 900,
  keyProof: { opened: 12, sampled: 12 },
  references: { listed: 5, missing: 0 },
};

const GOOD: Record<string, unknown> = {
  DrillPlan: {},
  AwaitApproval: {},
  ConfirmPlan: { awaitSeconds: null },
  DrillDatabase: { sizeBytes: 1000 },
  DrillProof: { ...PROVEN, gaps: [], notes: ['a note'] },
  DrillFiles: { count: 10, sizeBytes: 1000 },
  DrillClear: {},
  DrillEvidence: {},
  Report: { word: 'good', code: null, message: null },
};

const playDrill = (script: Script, asking: Partial<DrillInput> = {}): Promise<Played> =>
  play({ workflow: 'drill', input: { ...input, ...asking }, good: GOOD }, script);

const PATH = plannedStates('drill', {});
const upTo = (state: string): string[] => PATH.slice(0, PATH.indexOf(state) + 1);
const inputOf = ({ asked }: Played, state: string) => asked.find((one) => one.state === state)?.input;

test('the straight path hands on what was found', async () => {
  const played = await playDrill({});
  expect(played.states).toEqual(PATH);
  expect(played.ended).toMatchObject({ status: 'SUCCEEDED', error: null });
  expect(inputOf(played, 'DrillEvidence')).toEqual({
    failure: null,
    clearFailure: null,
    drilled: {
      restored: { sizeBytes: 1000 },
      proven: PROVEN,
      files: { count: 10, sizeBytes: 1000 },
      gaps: [],
      notes: ['a note'],
    },
  });
});

test('where the policy wants it, people are asked before anything is restored', async () => {
  const { states } = await playDrill({}, { awaitSeconds: 600 });
  expect(states).toEqual(plannedStates('drill', { approval: true }));
});

describe('a failure of every state has its way out', () => {
  const failed = { Report: { output: { word: 'failed', code: 'Bug', message: 'broken' } } };
  const cleared = ['DrillDatabase', 'DrillProof', 'DrillFiles'];

  test('no state is without a row', () => {
    expect(['DrillPlan', ...cleared, 'DrillClear', 'DrillEvidence', 'Report']).toEqual(PATH);
  });

  test('DrillPlan: nothing was made, so nothing is cleared', async () => {
    const played = await playDrill({ DrillPlan: { fails: 'PlanRefused' }, ...failed });
    expect(played.states).toEqual(['DrillPlan', 'Report']);
    expect(inputOf(played, 'Report')).toMatchObject({ failure: { state: 'DrillPlan', error: 'PlanRefused' } });
  });

  test.each(cleared)('%s: what was made is cleared, and what was found is written down', async (state) => {
    const played = await playDrill({ [state]: { fails: 'ArchiveDamaged' }, ...failed });
    expect(played.states).toEqual([...upTo(state), 'DrillClear', 'DrillEvidence', 'Report']);
    expect(inputOf(played, 'DrillEvidence')).toMatchObject({
      failure: { state, error: 'ArchiveDamaged' },
      drilled: { restored: state === 'DrillDatabase' ? null : { sizeBytes: 1000 } },
    });
    expect(played.ended).toMatchObject({ status: 'FAILED', error: 'Bug' });
  });

  test.each(cleared)('%s: a worker that falls silent is waited for, then cleared after', async (state) => {
    const played = await playDrill({ [state]: 'silent', ...failed });
    expect(played.states.slice(-3)).toEqual(['DrillClear', 'DrillEvidence', 'Report']);
    expect(inputOf(played, 'DrillEvidence')).toMatchObject({ failure: { state, error: 'States.HeartbeatTimeout' } });
  });

  test('DrillClear: the finding stands, with a note that something is left', async () => {
    const played = await playDrill({ DrillClear: { fails: 'Bug' } });
    expect(played.states).toEqual(PATH);
    expect(inputOf(played, 'DrillEvidence')).toMatchObject({
      failure: null,
      clearFailure: { state: 'DrillClear', error: 'Bug' },
    });
  });

  test('DrillEvidence: a drill that is not written down is no evidence; what failed before it is told first', async () => {
    const alone = await playDrill({ DrillEvidence: { fails: 'Bug' }, ...failed });
    expect(inputOf(alone, 'Report')).toMatchObject({ failure: { state: 'DrillEvidence' } });
    const second = await playDrill({ DrillFiles: { fails: 'ArchiveDamaged' }, DrillEvidence: { fails: 'Bug' } });
    expect(inputOf(second, 'Report')).toMatchObject({ failure: { state: 'DrillFiles' } });
  });

  test('what passes by itself is tried again where it happened', async () => {
    const { states } = await playDrill({
      DrillDatabase: [{ fails: 'DatabaseUnreachable' }, { output: { sizeBytes: 1 } }],
    });
    expect(states).toEqual(PATH);
  });
});
