/** The restore workflow against scripted steps: the sequence of states, and a way out for a failure of each of them. */
import { describe, expect, test } from 'vitest';
import { plannedStates, type RestoreInput } from '../../lib/workflows/index.ts';
import { GOOD as OF_BACKUP, HOST, play, type Played, RUN, type Script } from './backup-runtime.ts';

const input: RestoreInput = {
  run: RUN,
  instance: 'prod',
  hosts: [{ name: HOST, queueUrl: HOST }],
  archive: 'arc_20260304T020000Z_7F3K9Q2M',
  from: 'prod',
  only: 'all',
  as: 'same',
  awaitSeconds: null,
};

const GOOD: Record<string, unknown> = {
  ...OF_BACKUP,
  PlanRestore: { isRunning: true, tolerance: { shrinkPercent: 10, growthPercent: 100 }, notes: [] },
  PlanRestoreAgain: { isRunning: true, tolerance: { shrinkPercent: 10, growthPercent: 100 }, notes: [] },
  DumpDatabase: { consistency: 'online', fileBytes: 1000, gaps: [] },
  LoadDatabase: { tables: 20, rows: 900, keyProof: { opened: 12, sampled: 12 }, isChecked: true, gaps: [], notes: [] },
  StageFolders: { fileCount: 10, sizeBytes: 1000, writtenBytes: 100, notes: [] },
  CountLosses: {},
  StopServer: {},
  SwapDatabase: {},
  LoadKeys: { isReplaced: false },
  SwapFolders: { notes: [] },
  StartServer: { notes: [] },
  ProbeServer: { served: 15, gaps: [] },
  WakeServer: { quietSeconds: 90, notes: [], gaps: [] },
  ClearAside: { kept: [], notes: [] },
  ReturnTarget: { how: 'returned', tables: 20, quietSeconds: 100, notes: [] },
};

const playRestore = (script: Script, asking: Partial<RestoreInput> = {}): Promise<Played> =>
  play({ workflow: 'restore', input: { ...input, ...asking }, good: GOOD }, script);

const PATH = plannedStates('restore', { only: 'all' });
const upTo = (state: string): string[] => PATH.slice(0, PATH.indexOf(state) + 1);
const failedReport = { Report: { output: { word: 'failed', code: 'Bug', message: 'broken' } } };
const isDown = { output: { ...(GOOD['PlanRestore'] as object), isRunning: false } };

type Reported = {
  failure: { state: string; error: string } | null;
  resumeFailure: { state: string; error: string } | null;
  notes: string[];
  quietSeconds: number;
  restored: Record<string, unknown>;
};
const reportOf = ({ asked }: Played) => asked.find(({ state }) => state === 'Report')?.input as Reported;

describe('straight path', () => {
  test('of all of an archive', async () => {
    const played = await playRestore({});
    expect(played.states).toEqual(PATH);
    expect(played.ended).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(reportOf(played)).toEqual({
      failure: null,
      resumeFailure: null,
      notes: [],
      quietSeconds: 90,
      restored: {
        loaded: { tables: 20, rows: 900, keyProof: { opened: 12, sampled: 12 } },
        staged: { fileCount: 10, sizeBytes: 1000, writtenBytes: 100 },
        probed: { served: 15 },
        kept: [],
        returned: null,
        gaps: [],
      },
    });
  });

  test.each(['database', 'folders'] as const)('of the %s only', async (only) => {
    const { states } = await playRestore({}, { only });
    expect(states).toEqual(plannedStates('restore', { only }));
    expect(states).not.toContain(only === 'database' ? 'SwapFolders' : 'SwapDatabase');
  });

  test('onto a server that does not answer: nothing is asked of it, nothing archived', async () => {
    const { states } = await playRestore({ PlanRestore: isDown });
    const asked = new Set(PATH.slice(PATH.indexOf('SaveKeys'), PATH.indexOf('LoadDatabase')));
    expect(states).toEqual(PATH.filter((state) => !asked.has(state) && !['Quiesce', 'CountLosses'].includes(state)));
  });

  test('behind approval, the preflight is repeated', async () => {
    const { states } = await playRestore({}, { awaitSeconds: 600 });
    expect(states).toEqual(plannedStates('restore', { only: 'all', approval: true }));
  });

  test('gaps of the safety archive are its own; those of the restore are reported', async () => {
    const played = await playRestore({
      SaveKeys: { output: { gaps: ['no license'] } },
      LoadDatabase: {
        output: { ...(GOOD['LoadDatabase'] as object), gaps: ['one secret is broken'], notes: ['a user'] },
      },
      WakeServer: { output: { quietSeconds: 90, notes: ['3 cancelled'], gaps: ['a trigger stays off'] } },
      ClearAside: { output: { kept: ['database old'], notes: [] } },
    });
    expect(played.asked.find(({ state }) => state === 'SealArchive')?.input).toMatchObject({ gaps: ['no license'] });
    expect(reportOf(played)).toMatchObject({
      notes: ['a user', '3 cancelled'],
      restored: { gaps: ['one secret is broken', 'a trigger stays off'], kept: ['database old'] },
    });
  });

  test('a wait for tasks that asks people looks again', async () => {
    const asks = { output: { consistency: 'quiesced', notes: [], askSeconds: 120 } };
    const { states } = await playRestore({ Quiesce: [asks, { output: GOOD['Quiesce'] }] });
    expect(states).toEqual([...upTo('Quiesce'), 'AwaitAnswer', 'Quiesce', ...PATH.slice(PATH.indexOf('CountLosses'))]);
  });
});

describe('a failure of every state has its way out', () => {
  const toReport = PATH.slice(0, PATH.indexOf('LoadDatabase'));
  const throughReturn = PATH.slice(PATH.indexOf('LoadDatabase'), PATH.indexOf('ClearAside'));

  test('no state is without a row', () => {
    expect([...toReport, ...throughReturn, 'ClearAside', 'Report']).toEqual(PATH);
  });

  test.each([...toReport, 'ClearAside'])('%s: straight to the report, the server is not touched', async (state) => {
    const played = await playRestore({ [state]: { fails: 'Bug' }, ...failedReport });
    expect(played.states).toEqual([...upTo(state), 'Report']);
    expect(reportOf(played).failure).toMatchObject({ state, error: 'Bug' });
    expect(played.ended).toMatchObject({ status: 'FAILED', error: 'Bug', cause: 'broken' });
  });

  test.each(throughReturn)('%s: the target is returned, then reported', async (state) => {
    const played = await playRestore({ [state]: { fails: 'Bug' }, ...failedReport });
    expect(played.states).toEqual([...upTo(state), 'ReturnTarget', 'Report']);
    expect(reportOf(played)).toMatchObject({
      failure: { state, error: 'Bug' },
      resumeFailure: null,
      quietSeconds: 100,
      restored: { returned: { how: 'returned', tables: 20 } },
    });
  });

  test('a worker that falls silent is waited for, then the target is returned', async () => {
    const played = await playRestore({ SwapDatabase: 'silent', ...failedReport });
    expect(played.states.slice(-2)).toEqual(['ReturnTarget', 'Report']);
    expect(reportOf(played).failure).toMatchObject({ state: 'SwapDatabase', error: 'States.HeartbeatTimeout' });
  });

  test('the way back tries on, and when it fails for good the report says so', async () => {
    const tried = await playRestore({
      SwapDatabase: { fails: 'DatabaseExists' },
      ReturnTarget: [
        { fails: 'DatabaseUnreachable' },
        { fails: 'OctopusUnavailable' },
        { output: GOOD['ReturnTarget'] },
      ],
    });
    expect(tried.states.slice(-2)).toEqual(['ReturnTarget', 'Report']);
    expect(reportOf(tried).resumeFailure).toBeNull();
    const failed = await playRestore({ SwapDatabase: { fails: 'Bug' }, ReturnTarget: { fails: 'ReturnNotProven' } });
    expect(reportOf(failed)).toMatchObject({
      failure: { state: 'SwapDatabase' },
      resumeFailure: { state: 'ReturnTarget', error: 'ReturnNotProven' },
    });
  });

  test('what passes by itself is tried again where it happened', async () => {
    const { states, ended } = await playRestore({
      SwapDatabase: [{ fails: 'DatabaseUnreachable' }, { output: {} }],
      StartServer: [{ fails: 'OctopusUnavailable' }, { output: { notes: [] } }],
    });
    expect(states).toEqual(PATH);
    expect(ended.status).toBe('SUCCEEDED');
  });
});
