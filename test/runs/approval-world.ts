/** A run that waits for approval, on a real store: asked for, planned and opened as the workflow does it, without its server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { Statement, type Policy } from '../../lib/domain/runs/approval-policy.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { Plan } from '../../lib/domain/runs/plan.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import type { World } from '../../lib/ports/world.ts';
import { freezePlan } from '../../lib/repository/approvals.ts';
import { say, type Saying } from '../../lib/runs/decide.ts';
import { requestBackup } from '../../lib/runs/request.ts';
import { step as awaitApproval } from '../../lib/steps/await-approval.ts';
import { step as confirmPlan } from '../../lib/steps/confirm-plan.ts';
import type { Step } from '../../lib/steps/step.ts';
import { testClock, type TestClock } from '../clock.ts';

export type ApprovalWorld = {
  world: World;
  clock: TestClock;
  store: ObjectStore;
  /** The tokens that runs were woken with, in order; one wakes once. */
  woken: string[];
  policy(...statements: unknown[]): void;
  /** A run that `person` asked for, whose plan stands and which waits. */
  waitingRun(person?: string): Promise<RunRecord>;
  opened(run: RunRecord, token?: string): Promise<void>;
  /** What the run is told when it is woken; over another store where one is given. */
  confirm(run: RunRecord, store?: ObjectStore): Promise<{ awaitSeconds: number | null }>;
  say(run: RunRecord, person: string, saying?: Partial<Saying>): ReturnType<typeof say>;
  /** The same world over another store. */
  over(store: ObjectStore): World;
  remove(): void;
};

export const PEOPLE = ['ana', 'ben', 'cara', 'dan'];

export const approvalWorld = (): ApprovalWorld => {
  const directory = mkdtempSync(join(tmpdir(), 'octo-approval-'));
  const store = directoryObjectStore({ directory });
  const clock = testClock();
  const woken: string[] = [];
  let runs = 0;
  const policy: { -readonly [K in keyof Policy]: Policy[K] } = {
    people: PEOPLE,
    groups: { approvers: ['ben', 'cara'] },
    statements: [],
  };
  const world = {
    clock,
    state: store,
    policy,
    instance: (name: string) => ({ name, isProduction: false, hosts: [{ name: `${name}-1` }] }),
    instanceNames: () => ['prod'],
    workflows: { start: () => Promise.resolve(), describe: () => Promise.resolve(null) },
    hostTasks: {
      succeed: (token: string) => {
        if (woken.includes(token)) return Promise.reject(new OctoError('TaskGone', 'answered already'));
        woken.push(token);
        return Promise.resolve();
      },
    },
  } as unknown as World;
  const perform = (
    step: Step,
    run: RunRecord,
    { input = {}, state = store }: { input?: unknown; state?: ObjectStore },
  ) =>
    step.perform({ ...world, state }, input, {
      run,
      state: step.name,
      attempt: 0,
      signal: new AbortController().signal,
      beat: () => Promise.resolve(),
    });
  const self: ApprovalWorld = {
    world,
    clock,
    store,
    woken,
    policy: (...statements) => {
      policy.statements = statements.map((statement) => Statement.parse(statement));
    },
    waitingRun: async (person = 'ana') => {
      const by = { door: 'slack' as const, person, channel: 'C1' };
      const requestKey = `run ${(runs += 1)} of ${directory}`;
      const consistency = 'quiesced' as const;
      const { run } = await requestBackup(world, { instance: 'prod', by, requestKey, reason: null, consistency });
      await freezePlan(world, planOf(run));
      await self.opened(run);
      return run;
    },
    opened: async (run, token = `token of ${run.id}`) => {
      await perform(awaitApproval, run, { input: { token } });
    },
    confirm: async (run, state = store) =>
      (await perform(confirmPlan, run, { state })) as { awaitSeconds: number | null },
    say: (run, person, saying = {}) =>
      say(world, {
        runId: run.id,
        by: { door: 'slack', person },
        kind: 'approve',
        reason: saying.kind === 'deny' || saying.kind === 'break-glass' ? 'because' : null,
        typed: null,
        ...saying,
      }),
    over: (other) => ({ ...world, state: other }),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  return self;
};

export const planOf = (run: RunRecord): Plan => ({
  version: 1,
  run: run.id,
  workflow: 'backup',
  instance: run.instance,
  consistency: 'quiesced',
  octopus: { version: '2024.4.7106', installationId: 'c0ffee' },
  database: 'OctopusDeploy',
  folders: [{ name: 'packages', path: '/octopus/packages' }],
  masterKeyFingerprint: '0011223344556677',
  destination: `${run.instance}/archives/${run.archiveId}/`,
});
