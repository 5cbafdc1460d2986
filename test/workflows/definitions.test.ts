import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { catalogue, type ErrorCode } from '../../lib/domain/errors.ts';
import { archiveErrors } from '../../lib/domain/errors/archive.ts';
import type { ErrorEntry } from '../../lib/domain/errors/entry.ts';
import { keysErrors } from '../../lib/domain/errors/keys.ts';
import { octopusErrors } from '../../lib/domain/errors/octopus.ts';
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

const backup = definitions['backup'] as Definition;
const tasks = Object.entries(backup.States).filter((entry): entry is [string, TaskState] => entry[1].Type === 'Task');

type Request = { step: string; input: unknown };
const requestOf = (task: TaskState): Request => {
  const { MessageBody, Payload } = task.Arguments as { MessageBody?: Request; Payload?: Request };
  return (MessageBody ?? Payload)!;
};

test('the definitions are valid ASL, and within our subset', () => {
  expect(aslValidator(structuredClone(backup)).errorsText()).toBe('');
  expect(checkDefinition(backup)).toEqual([]);
});

describe('states and steps', () => {
  test('every step is used, and every state served', () => {
    const used = new Set(tasks.map(([, task]) => requestOf(task).step));
    expect([...used].sort()).toEqual(stepNames().sort());
  });

  test.each(tasks)('%s runs where its step does', async (name, task) => {
    const step = await loadStep(requestOf(task).step);
    expect(step.name).toBe(requestOf(task).step);
    const isHost = task.Resource === 'arn:aws:states:::sqs:sendMessage.waitForTaskToken';
    expect(step.runsOn).toBe(isHost ? 'host' : 'cloud');
    const special: Record<string, string> = {
      PlanAgain: 'plan-run',
      PackChanges: 'pack-folders',
      ResumeAfterFailure: 'resume',
      Report: 'report-run',
    };
    expect(special[name] ?? name).toBe(special[name] === undefined ? stateNameOf(step.name) : step.name);
  });

  test('the planned states are task states', () => {
    const names = new Set(tasks.map(([name]) => name));
    for (const consistency of ['quiesced', 'online'])
      for (const approval of [true, false])
        expect(plannedStates('backup', { consistency, approval }).filter((name) => !names.has(name))).toEqual([]);
    expect(plannedStates('no-such-workflow', {})).toEqual([]);
  });
});

describe('what is tried again', () => {
  const retryable = (group: Record<string, ErrorEntry>): string[] =>
    Object.keys(group).filter((code) => group[code]!.retry);
  const groups = {
    archive: retryable(archiveErrors),
    keys: retryable(keysErrors),
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
    TakeLock: cloud,
    SaveKeys: [...host, ...groups.octopus, ...groups.keys],
    PackFolders: [...host, ...groups.octopus, ...groups.archive],
    Quiesce: [...host, ...groups.octopus],
    DumpDatabase: [...host, ...groups.octopus, ...groups.sqlServer],
    SampleSecrets: [...host, ...groups.sqlServer],
    PackChanges: [...host, ...groups.octopus, ...groups.archive],
    Resume: [...host, ...groups.octopus],
    VerifyDump: [...host, ...groups.octopus, ...groups.sqlServer],
    StoreDatabase: [...host, ...groups.archive],
    ProveKey: [...host, ...groups.keys],
    CheckReferences: [...host, ...groups.octopus, ...groups.sqlServer, ...groups.archive],
    SealArchive: cloud,
    ResumeAfterFailure: [...host, ...groups.octopus],
    Report: ['States.Timeout', ...cloud],
  };

  test.each(tasks)('%s', (name, task) => {
    const named = (task.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
    expect([...named].sort()).toEqual([...expected[name]!].sort());
    for (const code of named.filter((error) => !/^(States|Lambda)\./.test(error)))
      expect(catalogue[code as ErrorCode]).toMatchObject({ retry: true });
  });
});

test.each(tasks)('%s has an end, and its heart beats more often than that', (_name, task) => {
  const { TimeoutSeconds = Number.POSITIVE_INFINITY, HeartbeatSeconds = 0 } = task;
  // How long people are waited for is the policy's to say: an expression over what it wants.
  if (typeof TimeoutSeconds === 'string') return;
  expect(TimeoutSeconds).toBeLessThanOrEqual(172_800);
  expect(HeartbeatSeconds).toBeLessThan(TimeoutSeconds);
});
