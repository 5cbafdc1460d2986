import { describe, expect, test } from 'vitest';
import { plannedStates } from '../../lib/workflows/index.ts';
import { GOOD, HOST, playBackup, RUN, type Script } from './backup-runtime.ts';

const QUIESCED = plannedStates('backup', { consistency: 'quiesced' });
const upTo = (state: string): string[] => QUIESCED.slice(0, QUIESCED.indexOf(state) + 1);
const failedReport = { Report: { output: { word: 'failed', code: 'Bug', message: 'broken' } } };
const reportOf = (asked: { state: string; input: unknown }[]) =>
  asked.find(({ state }) => state === 'Report')?.input as {
    failure: { state: string; error: string; cause: string } | null;
    resumeFailure: { state: string; error: string } | null;
    notes: string[];
    quietSeconds: number;
  };

describe('straight path', () => {
  test('quiesced', async () => {
    const { states, ended, asked } = await playBackup({});
    expect(states).toEqual(QUIESCED);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(reportOf(asked)).toEqual({
      failure: null,
      resumeFailure: null,
      notes: [],
      quietSeconds: 190,
      keptUntil: '2026-03-12T02:00:00.000Z',
    });
  });

  test('online: the dump comes before the folders, and the server is left alone', async () => {
    const { states, ended, asked } = await playBackup(
      { DumpDatabase: { output: { consistency: 'online', fileBytes: 1, gaps: [] } } },
      { consistency: 'online' },
    );
    expect(states).toEqual(plannedStates('backup', { consistency: 'online' }));
    expect(ended.status).toBe('SUCCEEDED');
    expect(asked.find(({ state }) => state === 'DumpDatabase')?.input).toEqual({ consistency: 'online' });
    expect(asked.find(({ state }) => state === 'PackFolders')?.input).toEqual({ instance: 'prod', pass: 'first' });
    expect(asked.find(({ state }) => state === 'PackChanges')?.input).toEqual({ instance: 'prod', pass: 'second' });
  });

  test('a wait that goes on online dumps online', async () => {
    const { states, asked } = await playBackup({
      Quiesce: { output: { consistency: 'online', notes: ['went on online'], askSeconds: null } },
    });
    expect(states).toEqual(QUIESCED);
    expect(asked.find(({ state }) => state === 'DumpDatabase')?.input).toEqual({ consistency: 'online' });
    expect(reportOf(asked).notes).toEqual(['went on online']);
  });

  test('gaps and notes are gathered on the way, and the seal hears of all gaps', async () => {
    const script: Script = {
      PlanRun: { output: { tolerance: { sizePercent: 1, filePercent: 2 }, notes: ['maintenance was on'] } },
      SaveKeys: { output: { gaps: ['no license'] } },
      Quiesce: { output: { consistency: 'quiesced', notes: ['1 task queued', '1 task paused'], askSeconds: null } },
      DumpDatabase: { output: { consistency: 'online', gaps: ['not quiet'] } },
      PackChanges: { output: { ...(GOOD['PackChanges'] as object), problemCount: 2 } },
      ProveKey: { output: { gaps: [] } },
      CheckReferences: { output: { gaps: ['2 files missing', 'and more'] } },
    };
    const { asked } = await playBackup(script);
    expect(asked.find(({ state }) => state === 'SealArchive')?.input).toEqual({
      instance: 'prod',
      gaps: ['no license', 'not quiet', '2 files missing', 'and more'],
      tolerance: { sizePercent: 1, filePercent: 2 },
    });
    expect(reportOf(asked).notes).toEqual(['maintenance was on', '1 task queued', '1 task paused']);
  });

  test('an outcome with gaps is no failed execution', async () => {
    const { ended } = await playBackup({ Report: { output: { word: 'gaps', code: null, message: null } } });
    expect(ended.status).toBe('SUCCEEDED');
  });
});

describe('what a step is asked', () => {
  test('hosts get the token apart, names and numbers, and when it is too late', async () => {
    const { asked } = await playBackup({});
    expect(asked.find(({ state }) => state === 'SaveKeys')).toEqual({
      runId: RUN,
      step: 'save-keys',
      state: 'SaveKeys',
      attempt: 0,
      notAfter: expect.stringMatching(/^2026-03-04T\d\d:\d\d:\d\d(\.\d+)?Z$/) as string,
      input: {},
    });
    expect(asked.find(({ state }) => state === 'TakeLock')).toEqual({
      runId: RUN,
      step: 'take-lock',
      state: 'TakeLock',
      attempt: 0,
      input: {},
    });
    expect(HOST).toBe('prod-1');
  });
});

describe('a failure of every state has its way out', () => {
  const toReport = [
    'PlanRun',
    'TakeLock',
    'SaveKeys',
    'PackFolders',
    'VerifyDump',
    'StoreDatabase',
    'ProveKey',
    'CheckReferences',
    'SealArchive',
    'Prune',
  ];
  const throughResume = ['Quiesce', 'DumpDatabase', 'SampleSecrets', 'PackChanges', 'Resume'];

  test('no state is without a row', () => {
    expect([...toReport, ...throughResume, 'Report'].sort()).toEqual([...QUIESCED].sort());
  });

  test.each(toReport)('%s: straight to the report, the server is not kept', async (state) => {
    const { states, ended, asked } = await playBackup({ [state]: { fails: 'Bug' }, ...failedReport });
    expect(states).toEqual([...upTo(state), 'Report']);
    expect(reportOf(asked).failure).toMatchObject({ state, error: 'Bug' });
    expect(JSON.parse(reportOf(asked).failure!.cause)).toMatchObject({ message: `${state} fails` });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'Bug', cause: 'broken' });
  });

  test.each(throughResume)('%s: the server is put back, then reported', async (state) => {
    const { states, ended, asked } = await playBackup({ [state]: { fails: 'Bug' }, ...failedReport });
    expect(states).toEqual([...upTo(state), 'ResumeAfterFailure', 'Report']);
    expect(reportOf(asked)).toMatchObject({ failure: { state }, resumeFailure: null, quietSeconds: 20 });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'Bug' });
  });

  test('a way back that fails as well is reported beside what led to it', async () => {
    const { states, asked } = await playBackup({
      DumpDatabase: { fails: 'DumpNotTrusted' },
      ResumeAfterFailure: { fails: 'Bug' },
      ...failedReport,
    });
    expect(states).toEqual([...upTo('DumpDatabase'), 'ResumeAfterFailure', 'Report']);
    expect(reportOf(asked)).toMatchObject({
      failure: { state: 'DumpDatabase', error: 'DumpNotTrusted' },
      resumeFailure: { state: 'ResumeAfterFailure', error: 'Bug' },
    });
  });

  test('a report that cannot be written at first is tried again', async () => {
    const { states, ended } = await playBackup({
      Report: [{ fails: 'StoreUnavailable' }, { fails: 'StoreConflict' }, { output: GOOD['Report'] }],
    });
    expect(states).toEqual(QUIESCED);
    expect(ended.status).toBe('SUCCEEDED');
  });

  test('a report that cannot be written at all ends the execution as failed', async () => {
    const { states, ended } = await playBackup({ Report: { fails: 'Bug' } });
    expect(states).toEqual(QUIESCED);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'Bug' });
  });
});

describe('a run that needs approval', () => {
  const APPROVED = plannedStates('backup', { consistency: 'quiesced', approval: true });
  const asking = { awaitSeconds: 60 };
  const STILL_WAITS = { output: { awaitSeconds: 600 } };

  test('waits, is confirmed, looks at the server again, and only then takes the lock', async () => {
    const { states, ended, asked } = await playBackup({}, asking);
    expect(states).toEqual(APPROVED);
    expect(states.slice(0, 5)).toEqual(['PlanRun', 'AwaitApproval', 'ConfirmPlan', 'PlanAgain', 'TakeLock']);
    expect(ended.status).toBe('SUCCEEDED');
    const input = (state: string) => asked.find((one) => one.state === state)?.input;
    expect(input('PlanRun')).toEqual({ consistency: 'quiesced', isLast: false });
    expect(input('PlanAgain')).toEqual({ consistency: 'quiesced', isLast: true });
  });

  test('one that needs none describes the server in its only preflight', async () => {
    const { asked } = await playBackup({});
    expect(asked.find(({ state }) => state === 'PlanRun')?.input).toEqual({ consistency: 'quiesced', isLast: true });
  });

  test('being woken decides nothing: it waits again until it is confirmed', async () => {
    const { states } = await playBackup(
      { ConfirmPlan: [STILL_WAITS, STILL_WAITS, { output: GOOD['ConfirmPlan'] }] },
      asking,
    );
    const waits = ['AwaitApproval', 'ConfirmPlan'];
    expect(states).toEqual(['PlanRun', ...waits, ...waits, ...waits, ...APPROVED.slice(3)]);
  });

  test('the end of a wait is no decision either: the records are asked', async () => {
    const { states, ended } = await playBackup({ AwaitApproval: 'silent' }, asking);
    expect(states).toEqual(APPROVED);
    expect(ended.status).toBe('SUCCEEDED');
  });

  test.each(['ApprovalDenied', 'ApprovalExpired', 'ApprovalVoid'] as const)('%s ends it untouched', async (code) => {
    const { states, ended, asked } = await playBackup({ ConfirmPlan: { fails: code }, ...failedReport }, asking);
    expect(states).toEqual(['PlanRun', 'AwaitApproval', 'ConfirmPlan', 'Report']);
    expect(reportOf(asked).failure).toMatchObject({ state: 'ConfirmPlan', error: code });
    expect(ended.status).toBe('FAILED');
  });

  test.each([
    ['AwaitApproval', 'Cancelled'],
    ['PlanAgain', 'PlanChanged'],
  ] as const)('a failure of %s goes to the report', async (state, code) => {
    const { states, asked } = await playBackup({ [state]: { fails: code }, ...failedReport }, asking);
    expect(states).toEqual([...APPROVED.slice(0, APPROVED.indexOf(state) + 1), 'Report']);
    expect(reportOf(asked).failure).toMatchObject({ state, error: code });
  });
});

describe('a run that asks people', () => {
  const ASKS = { output: { consistency: 'quiesced', notes: [], askSeconds: 120 } };
  const to = (state: string) => QUIESCED.slice(0, QUIESCED.indexOf(state) + 1);
  const after = QUIESCED.slice(QUIESCED.indexOf('Quiesce') + 1);

  test.each([
    ['woken', undefined],
    ['not woken in time', 'silent'],
  ] as const)('%s, it looks again, as often as it takes', async (_how, act) => {
    const { states, ended } = await playBackup({
      Quiesce: [ASKS, ASKS, { output: GOOD['Quiesce'] }],
      ...(act === undefined ? {} : { AwaitAnswer: act }),
    });
    const asking = ['AwaitAnswer', 'Quiesce'];
    expect(states).toEqual([...to('Quiesce'), ...asking, ...asking, ...after]);
    expect(ended.status).toBe('SUCCEEDED');
  });

  test('gives up through the way back', async () => {
    const { states, asked } = await playBackup({ Quiesce: [ASKS, { fails: 'TasksStillRunning' }], ...failedReport });
    expect(states).toEqual([...to('Quiesce'), 'AwaitAnswer', 'Quiesce', 'ResumeAfterFailure', 'Report']);
    expect(reportOf(asked).failure).toMatchObject({ state: 'Quiesce', error: 'TasksStillRunning' });
  });

  test('a wait that fails puts the server back', async () => {
    const { states } = await playBackup({ Quiesce: ASKS, AwaitAnswer: { fails: 'Bug' }, ...failedReport });
    expect(states).toEqual([...to('Quiesce'), 'AwaitAnswer', 'ResumeAfterFailure', 'Report']);
  });
});

describe('what passes by itself', () => {
  test('is tried again, with the number of the attempt', async () => {
    const { states, asked, ended } = await playBackup({
      SaveKeys: [{ fails: 'StoreUnavailable' }, { fails: 'StoreUnavailable' }, { output: GOOD['SaveKeys'] }],
    });
    expect(states).toEqual(QUIESCED);
    const attempts = asked.filter(({ state }) => state === 'SaveKeys');
    expect(attempts.map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    expect(attempts[1]!.notAfter! > attempts[0]!.notAfter!).toBe(true);
    expect(ended.status).toBe('SUCCEEDED');
  });

  test('a worker that falls silent while quiet is asked again, then given up, and the server put back', async () => {
    const { states, asked } = await playBackup({ DumpDatabase: 'silent', ...failedReport });
    expect(states).toEqual([...upTo('DumpDatabase'), 'ResumeAfterFailure', 'Report']);
    expect(asked.filter(({ state }) => state === 'DumpDatabase')).toHaveLength(5);
    expect(reportOf(asked).failure).toMatchObject({ state: 'DumpDatabase', error: 'States.HeartbeatTimeout' });
  });
});
