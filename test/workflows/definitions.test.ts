import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { catalogue, type ErrorCode } from '../../lib/domain/errors.ts';
import { archiveErrors } from '../../lib/domain/errors/archive.ts';
import type { ErrorEntry } from '../../lib/domain/errors/entry.ts';
import { keysErrors } from '../../lib/domain/errors/keys.ts';
import { octopusErrors } from '../../lib/domain/errors/octopus.ts';
import { restoreDatabaseErrors } from '../../lib/domain/errors/restore-database.ts';
import { restoreFoldersErrors } from '../../lib/domain/errors/restore-folders.ts';
import { sqlServerErrors } from '../../lib/domain/errors/sql-server.ts';
import { storeErrors } from '../../lib/domain/errors/store.ts';
import { workerErrors } from '../../lib/domain/errors/worker.ts';
import { stateNameOf } from '../../lib/domain/names.ts';
import { checkDefinition, type Definition, type TaskState } from '../../lib/engine/asl.ts';
import { loadStep, stepNames } from '../../lib/steps/index.ts';
import { definitions, plannedStates } from '../../lib/workflows/index.ts';

// The package has no types and is CommonJS.
const aslValidator = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  errorsText(): string;
};

const named = Object.entries(definitions) as [string, Definition][];
const tasksOf = ({ States }: Definition): [string, TaskState][] =>
  Object.entries(States).filter((entry): entry is [string, TaskState] => entry[1].Type === 'Task');
/** Workflow, state, and what the state is. */
const tasks = named.flatMap(([workflow, definition]) =>
  tasksOf(definition).map(([name, task]): [string, string, TaskState] => [workflow, name, task]),
);

type Request = { step: string; input: unknown };
const requestOf = (task: TaskState): Request => {
  const { MessageBody, Payload } = task.Arguments as { MessageBody?: Request; Payload?: Request };
  return (MessageBody ?? Payload)!;
};

test.each(named)('%s is valid ASL, and within our subset', (_workflow, definition) => {
  expect(aslValidator(structuredClone(definition)).errorsText()).toBe('');
  expect(checkDefinition(definition)).toEqual([]);
});

describe('states and steps', () => {
  test('every step is used, and every state served', () => {
    const used = new Set(tasks.map(([, , task]) => requestOf(task).step));
    expect([...used].sort()).toEqual(stepNames().sort());
  });

  test.each(tasks)('%s: %s runs where its step does', async (_workflow, name, task) => {
    const step = await loadStep(requestOf(task).step);
    expect(step.name).toBe(requestOf(task).step);
    const isHost = task.Resource === 'arn:aws:states:::sqs:sendMessage.waitForTaskToken';
    expect(step.runsOn).toBe(isHost ? 'host' : 'cloud');
    const special: Record<string, string> = {
      PlanAgain: 'plan-run',
      PlanRestoreAgain: 'plan-restore',
      PackChanges: 'pack-folders',
      ResumeAfterFailure: 'resume',
      Report: 'report-run',
    };
    expect(special[name] ?? name).toBe(special[name] === undefined ? stateNameOf(step.name) : step.name);
  });

  test.each(named)('the planned states of %s are task states', (workflow, definition) => {
    const names = new Set(tasksOf(definition).map(([name]) => name));
    for (const consistency of ['quiesced', 'online'])
      for (const only of ['all', 'database', 'folders'])
        for (const approval of [true, false]) {
          const planned = plannedStates(workflow, { consistency, only, approval });
          expect(planned.length).toBeGreaterThan(0);
          expect(planned.filter((name) => !names.has(name))).toEqual([]);
        }
  });

  test('a workflow that is not there has no states', () => {
    expect(plannedStates('no-such-workflow', {})).toEqual([]);
  });

  /** What changes the server, and what puts it back. */
  const CHANGING = /^(Quiesce|AwaitAnswer|StopServer|Swap|Load|Stage|StartServer|CountLosses|ProbeServer|WakeServer)/;
  test.each(tasks.filter(([, name]) => CHANGING.test(name)))(
    '%s: a failed %s leads to the way back',
    (_workflow, _name, task) => {
      for (const { Next } of task.Catch ?? []) expect(Next).toMatch(/^(ResumeAfterFailure|ReturnTarget|Quiesce)$/);
    },
  );
});

describe('what is tried again', () => {
  const retryable = (group: Record<string, ErrorEntry>): string[] =>
    Object.keys(group).filter((code) => group[code]!.retry);
  const groups = {
    archive: retryable(archiveErrors),
    keys: retryable(keysErrors),
    copies: retryable(restoreDatabaseErrors),
    folders: retryable(restoreFoldersErrors),
    octopus: retryable(octopusErrors),
    sqlServer: retryable(sqlServerErrors),
    store: retryable(storeErrors),
    worker: retryable(workerErrors),
  };
  const LAMBDA = [
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.TooManyRequestsException',
  ];
  const host = ['States.HeartbeatTimeout', ...groups.store, ...groups.worker];
  const cloud = [...LAMBDA, ...groups.store];
  /** What each state's step touches decides what can pass by itself there. */
  const expected: Record<string, string[]> = {
    PlanRun: [...host, ...groups.octopus, ...groups.sqlServer],
    AwaitApproval: cloud,
    ConfirmPlan: cloud,
    PlanAgain: [...host, ...groups.octopus, ...groups.sqlServer],
    PlanRestore: [...host, ...groups.octopus, ...groups.keys, ...groups.sqlServer],
    PlanRestoreAgain: [...host, ...groups.octopus, ...groups.keys, ...groups.sqlServer],
    PlanDelete: cloud,
    DrillPlan: [...host, ...groups.sqlServer],
    DrillDatabase: [...host, ...groups.sqlServer, ...groups.archive, ...groups.copies],
    DrillProof: [...host, ...groups.keys, ...groups.sqlServer, ...groups.archive, ...groups.copies],
    DrillFiles: [...host, ...groups.archive],
    DrillClear: [...host, ...groups.sqlServer],
    DrillEvidence: ['States.Timeout', ...cloud],
    DeleteArchive: cloud,
    LoadDatabase: [
      ...host,
      ...groups.octopus,
      ...groups.keys,
      ...groups.sqlServer,
      ...groups.archive,
      ...groups.copies,
    ],
    StageFolders: [...host, ...groups.octopus, ...groups.archive],
    CountLosses: [...host, ...groups.octopus, ...groups.sqlServer],
    StopServer: [...host, ...groups.octopus, ...groups.sqlServer],
    SwapDatabase: [...host, ...groups.sqlServer],
    LoadKeys: [...host, ...groups.octopus, ...groups.keys],
    SwapFolders: [...host, ...groups.folders],
    StartServer: [...host, ...groups.octopus],
    ProbeServer: [...host, ...groups.octopus, ...groups.sqlServer],
    WakeServer: [...host, ...groups.octopus],
    ClearAside: [...host, ...groups.sqlServer],
    ReturnTarget: [...host, ...groups.octopus, ...groups.keys, ...groups.sqlServer, ...groups.folders],
    TakeLock: cloud,
    SaveKeys: [...host, ...groups.octopus, ...groups.keys],
    PackFolders: [...host, ...groups.octopus, ...groups.archive],
    Quiesce: [...host, ...groups.octopus],
    AwaitAnswer: cloud,
    DumpDatabase: [...host, ...groups.octopus, ...groups.sqlServer],
    SampleSecrets: [...host, ...groups.sqlServer],
    PackChanges: [...host, ...groups.octopus, ...groups.archive],
    Resume: [...host, ...groups.octopus],
    VerifyDump: [...host, ...groups.octopus, ...groups.sqlServer],
    StoreDatabase: [...host, ...groups.archive],
    ProveKey: [...host, ...groups.keys],
    CheckReferences: [...host, ...groups.octopus, ...groups.sqlServer, ...groups.archive],
    SealArchive: cloud,
    Prune: cloud,
    ResumeAfterFailure: [...host, ...groups.octopus],
    Report: ['States.Timeout', ...cloud],
  };

  test.each(tasks)('%s: %s', (_workflow, name, task) => {
    const codes = (task.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
    expect([...codes].sort()).toEqual([...expected[name]!].sort());
    for (const code of codes.filter((error) => !/^(States|Lambda)\./.test(error)))
      expect(catalogue[code as ErrorCode]).toMatchObject({ retry: true });
  });
});

test.each(tasks)('%s: %s has an end, and its heart beats more often than that', (_workflow, _name, task) => {
  const { TimeoutSeconds = Number.POSITIVE_INFINITY, HeartbeatSeconds = 0 } = task;
  // How long people are waited for is the policy's to say: an expression over what it wants.
  if (typeof TimeoutSeconds === 'string') return;
  expect(TimeoutSeconds).toBeLessThanOrEqual(172_800);
  expect(HeartbeatSeconds).toBeLessThan(TimeoutSeconds);
});
