/**
 * The workflows on Step Functions' and SQS' APIs: the same definitions, played with the same scripts as on the embedded engine,
 * enter the same states and ask the same of hosts and functions.
 */
import { describe, expect, test } from 'vitest';
import { sqsHostTasks } from '../../lib/adapters/host-tasks.sqs.ts';
import { stepFunctionsRuntime } from '../../lib/adapters/workflow-runtime.step-functions.ts';
import { definitions } from '../../lib/workflows/index.ts';
import { region, startAws, stateMachines } from '../adapters/aws-place.ts';
import { GOOD, HOST, inputOf, play, type OpenRuntime, type Script } from './backup-runtime.ts';

const onStepFunctions: OpenRuntime = async (functions) => {
  const aws = await startAws({ definitions, functions, hosts: [HOST] });
  return {
    workflows: stepFunctionsRuntime({ region, stateMachines, workflows: Object.keys(definitions) }),
    hostTasks: sqsHostTasks({ region, queueUrl: aws.queueUrl }),
    queueUrl: aws.queueUrl(HOST),
    advance: aws.clock.advance,
    close: aws.close,
  };
};

const scripts: Record<string, { script?: Script; awaitSeconds?: number; consistency?: 'online' }> = {
  'a good day, quiesced': {},
  'a good day, online': { consistency: 'online' },
  'a run that people approve': { awaitSeconds: 600 },
  'a wait that nobody ends': { awaitSeconds: 60, script: { AwaitApproval: 'silent' } },
  'a dump that fails while quiet': { script: { DumpDatabase: { fails: 'BackupDeviceFailed' } } },
  'a cloud step that fails': { script: { SealArchive: { fails: 'StoreDenied' } } },
  'a step that passes by itself': {
    script: { DumpDatabase: [{ fails: 'DatabaseBusy' }, { output: GOOD['DumpDatabase'] }] },
  },
};

describe('a backup goes the same way on both runtimes', () => {
  test.each(Object.keys(scripts))('%s', async (name) => {
    const { script = {}, awaitSeconds = null, consistency = 'quiesced' } = scripts[name]!;
    const backup = { workflow: 'backup', input: inputOf({ consistency, awaitSeconds }), good: GOOD };
    const here = await play(backup, script);
    const there = await play(backup, script, onStepFunctions);
    expect(there.states).toEqual(here.states);
    expect(there.ended.status).toBe(here.ended.status);
    const asked = ({ asked }: typeof here) => asked.map(({ state, attempt, step }) => ({ state, attempt, step }));
    expect(asked(there)).toEqual(asked(here));
  });
});
