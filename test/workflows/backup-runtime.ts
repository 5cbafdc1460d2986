/**
 * Plays a workflow against scripted steps: what each state answers is given, everything between them is the
 * runtime's own. One body for every runtime: it only uses the ports, and the states come from the history.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { OctoError, type ErrorCode } from '../../lib/domain/errors.ts';
import { createEngine } from '../../lib/engine/runtime.ts';
import type {
  ExecutionDescription,
  HostTaskBody,
  HostTasks,
  WorkflowRuntime,
} from '../../lib/ports/workflow-runtime.ts';
import { definitions, type BackupInput } from '../../lib/workflows/index.ts';
import { testClock } from '../clock.ts';

export type CloudPayload = Omit<HostTaskBody, 'token' | 'notAfter'>;
type PeoplePayload = CloudPayload & { input: { token: string } };
export type Asked = CloudPayload & { notAfter?: string };

/** What a state's step does: answers, fails with a code, or falls silent and never reports. */
export type Act = { output: unknown } | { fails: ErrorCode } | 'silent';
/** By state; a list is one act for each time the state is asked, the last of them for all that follow. */
export type Script = Record<string, Act | Act[]>;

export type Played = {
  states: string[];
  asked: Asked[];
  ended: ExecutionDescription;
};

export const RUN = 'run_7F3K9Q2M';
export const HOST = 'prod-1';
type Asking = Pick<BackupInput, 'consistency' | 'awaitSeconds'>;
const QUIESCED: Asking = { consistency: 'quiesced', awaitSeconds: null };

export const inputOf = (asking: Asking): BackupInput => ({
  run: RUN,
  instance: 'prod',
  hosts: [{ name: HOST, queueUrl: HOST }],
  ...asking,
});

/** Answers as the steps give them on a good day. */
export const GOOD: Record<string, unknown> = {
  PlanRun: { tolerance: { sizePercent: 30, filePercent: 10 }, notes: [] },
  AwaitApproval: {},
  ConfirmPlan: { awaitSeconds: null },
  PlanAgain: { tolerance: { sizePercent: 30, filePercent: 10 }, notes: [] },
  TakeLock: { fence: 1 },
  SaveKeys: { masterKeyFingerprint: '0011223344556677', licenseFingerprint: null, gaps: [] },
  PackFolders: { fileCount: 10, sizeBytes: 1000, addedBytes: 1000, problemCount: 0 },
  Quiesce: { consistency: 'quiesced', notes: [], askSeconds: null },
  AwaitAnswer: {},
  DumpDatabase: { consistency: 'quiesced', fileBytes: 1000, gaps: [] },
  SampleSecrets: { sampled: 12, sensitiveDocumentCount: 3 },
  PackChanges: { fileCount: 10, sizeBytes: 1000, addedBytes: 0, problemCount: 0 },
  Resume: { quietSeconds: 190, gaps: [] },
  VerifyDump: { verifiedAt: '2026-03-04T02:10:00.000Z' },
  StoreDatabase: {},
  ProveKey: { opened: 12, sampled: 12, gaps: [] },
  CheckReferences: { listed: 5, missing: 0, gaps: [] },
  SealArchive: {},
  Prune: { keptUntil: '2026-03-12T02:00:00.000Z', notes: [] },
  ResumeAfterFailure: { quietSeconds: 20, gaps: [] },
  Report: { word: 'good', code: null, message: null },
};

type Runtime = { workflows: WorkflowRuntime; hostTasks: HostTasks };

/** Plays a backup by the script over the embedded engine. */
export const playBackup = (script: Script, asking: Partial<Asking> = {}): Promise<Played> =>
  play({ workflow: 'backup', input: inputOf({ ...QUIESCED, ...asking }), good: GOOD }, script);

/** What is played: `good` are the answers of a good day, by state. */
export type Playing = { workflow: string; input: unknown; good: Record<string, unknown> };

/** Opens a runtime that calls these functions. `HOST` has a queue there. */
export type OpenRuntime = (
  functions: Record<string, (payload: unknown) => Promise<unknown>>,
) => Promise<Runtime & { queueUrl: string; advance(ms: number): Promise<void>; close(): Promise<void> }>;

const embedded: OpenRuntime = async (functions) => {
  const directory = await mkdtemp(join(tmpdir(), 'octo-workflow-'));
  const clock = testClock();
  const engine = createEngine({ directory, clock, definitions, functions });
  const close = async (): Promise<void> => {
    await engine.close();
    await rm(directory, { recursive: true, force: true });
  };
  return { ...engine, queueUrl: HOST, advance: clock.advance, close };
};

export const play = async (
  { workflow, input, good }: Playing,
  script: Script,
  open: OpenRuntime = embedded,
): Promise<Played> => {
  const player = actor(script, good);
  const runtime = await open({
    CloudStep: (payload) => player.cloudStep(payload as CloudPayload),
    PeopleStep: (payload) => player.peopleStep(payload as PeoplePayload, runtime.hostTasks),
    RemoveStep: (payload) => player.cloudStep(payload as CloudPayload),
  });
  try {
    const hosts = [{ name: HOST, queueUrl: runtime.queueUrl }];
    await runtime.workflows.start({ workflow, runId: RUN, input: { ...(input as object), hosts } });
    return await serve(runtime, player, () => runtime.advance(10_000));
  } finally {
    await runtime.close();
  }
};

const actor = (script: Script, good: Record<string, unknown>) => {
  const asked: Asked[] = [];
  const actOf = (state: string): Act => {
    const scripted = script[state] ?? { output: good[state] };
    const earlier = asked.filter((one) => one.state === state).length - 1;
    return Array.isArray(scripted) ? (scripted[earlier] ?? scripted.at(-1)!) : scripted;
  };
  return {
    asked,
    actOf,
    cloudStep: async (payload: CloudPayload): Promise<unknown> => {
      asked.push(payload);
      const act = actOf(payload.state);
      if (act === 'silent') return new Promise(() => {});
      if ('fails' in act) throw new OctoError(act.fails, `${payload.state} fails`);
      return act.output;
    },
    /** An answer is somebody who wakes the run; silence is nobody. */
    peopleStep: async (payload: PeoplePayload, hostTasks: HostTasks): Promise<unknown> => {
      const { token, ...input } = payload.input;
      asked.push({ ...payload, input });
      const act = actOf(payload.state);
      if (act === 'silent') return {};
      if ('fails' in act) throw new OctoError(act.fails, `${payload.state} fails`);
      await hostTasks.succeed(token, act.output);
      return {};
    },
  };
};

/** A worker that does what the script says; `idle` lets time pass while nothing is there to do. */
const serve = async (
  { workflows, hostTasks }: Runtime,
  { asked, actOf }: ReturnType<typeof actor>,
  idle: () => Promise<void>,
): Promise<Played> => {
  let ended = (await workflows.describe(RUN))!;
  for (let turnsWithoutTask = 0; ended.status === 'RUNNING'; ended = (await workflows.describe(RUN))!) {
    const taken = await hostTasks.take(HOST, { waitSeconds: 0 });
    if (taken === null) {
      // The runtime writes to a real disk between two states: time only passes when it had the chance to.
      await pause(2);
      turnsWithoutTask += 1;
      if (turnsWithoutTask % 10 === 0) await idle();
      continue;
    }
    turnsWithoutTask = 0;
    const { token, ...task } = taken.body;
    asked.push(task);
    await hostTasks.acknowledge(taken);
    const act = actOf(task.state);
    if (act === 'silent') continue;
    if ('fails' in act) {
      const error = new OctoError(act.fails, `${task.state} fails`);
      await hostTasks.fail(token, { error: error.code, cause: JSON.stringify(error) });
    } else await hostTasks.succeed(token, act.output);
  }
  return { states: await statesOf(workflows), asked, ended };
};

/** The task states that were entered, in order. */
const statesOf = async (workflows: WorkflowRuntime): Promise<string[]> => {
  const states: string[] = [];
  for await (const { type, details } of workflows.history(RUN))
    if (type === 'TaskStateEntered') states.push(String(details['name']));
  return states;
};
