/** The wait policy `ask`: one question at a time, one answer each, and the server never quiet for longer than the settings allow. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { stateKeys } from '../../lib/domain/names.ts';
import type { AnswerKind, Asked } from '../../lib/domain/runs/question.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import { applySettings } from '../../lib/domain/settings/setting-fields.ts';
import type { OctopusApi, OctopusTask } from '../../lib/ports/octopus.ts';
import type { World } from '../../lib/ports/world.ts';
import { readToken } from '../../lib/repository/approvals.ts';
import { renewLease, readLease } from '../../lib/repository/lease/lease.ts';
import { takeLock } from '../../lib/repository/lease/lock.ts';
import { readAsked } from '../../lib/repository/people/questions.ts';
import { createRun, endRun, readRun, requestCancel } from '../../lib/repository/run-book.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { answerQuestion } from '../../lib/runs/people/answer.ts';
import { step as awaitAnswer } from '../../lib/steps/await-answer.ts';
import { step as quiesce } from '../../lib/steps/quiesce.ts';
import { testClock } from '../clock.ts';
import { perform } from './step-world.ts';

const MINUTE = 60_000;
type Found = { consistency: string; notes: string[]; askSeconds: number | null };

const directory = mkdtempSync(join(tmpdir(), 'octo-ask-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let clock: ReturnType<typeof testClock>;
let world: World;
let run: RunRecord;
let woken: string[];
/** What works on the server; emptied when the task ends. */
let tasks: OctopusTask[];
let flags: { isInMaintenance: boolean; isDraining: boolean };
let places = 0;

const TASK = {
  id: 'ServerTasks-7',
  description: 'Deploy Payments',
  state: 'Executing',
  hasPendingInterruptions: false,
};

beforeEach(async () => {
  clock = testClock();
  woken = [];
  flags = { isInMaintenance: false, isDraining: false };
  tasks = [{ ...TASK, queuedAt: clock.now().toISOString(), startedAt: clock.now().toISOString() } as OctopusTask];
  const at = join(directory, String((places += 1)));
  const api: Partial<OctopusApi> = {
    isInMaintenance: async () => flags.isInMaintenance,
    setMaintenance: async (isOn) => void (flags.isInMaintenance = isOn),
    nodes: async () =>
      [{ id: 'n', name: 'n', isDraining: flags.isDraining, isOffline: false, maxConcurrentTasks: 5 }] as never,
    setDraining: async (_node, isDraining) => void (flags.isDraining = isDraining),
    activeTasks: async () => tasks,
  };
  world = {
    clock,
    state: directoryObjectStore({ directory: join(at, 'state') }),
    hostDirectory: join(at, 'host'),
    octopusApi: async () => api,
    instance: (name: string) => ({ name, isProduction: true }),
    policy: { people: ['ana', 'ben'], groups: {}, statements: [] },
    hostTasks: { succeed: async (token: string) => void woken.push(token) },
  } as unknown as World;
  await changeSettings(world, 'prod', (current) =>
    applySettings(current, { wait: '5', 'on-timeout': 'ask', quiet: '40' }),
  );
  const requestedAt = clock.now().toISOString();
  const created = await createRun(world, {
    id: 'run_7F3K9Q2M',
    workflow: 'backup',
    instance: 'prod',
    requestedAt,
    requestedBy: { door: 'slack', person: 'ana', channel: 'C1' },
    reason: null,
    options: { consistency: 'quiesced' },
    archiveId: null,
    status: 'running',
    endedAt: null,
    outcome: null,
  });
  await takeLock(world, created);
  run = (await readRun(world, created.id))!;
});

/** The step as its worker does it, which renews the lease all along. */
const look = async (): Promise<Found> => {
  const ended = { is: false };
  const found = perform<Found>(quiesce, { world, run }).finally(() => (ended.is = true));
  found.catch(() => undefined);
  for (let turns = 0; !ended.is; turns += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (turns % 5 === 4 && clock.sleeping() > 0) {
      await clock.advance(5000);
      await renewLease(world, run.id).catch(() => undefined);
    }
  }
  return found;
};
const pass = (minutes: number) => clock.advance(minutes * MINUTE);
/** Time goes by as the workflow lets it: a look every two minutes. */
const looks = async (count: number): Promise<Found> => {
  let found = await look();
  for (let n = 1; n < count && found.askSeconds !== null; n += 1) {
    await clock.advance(found.askSeconds * 1000);
    found = await look();
  }
  return found;
};
const asked = async (): Promise<Asked> => (await readAsked(world, run.id))!;
const answer = (kind: AnswerKind, person = 'ben') =>
  answerQuestion(world, { runId: run.id, by: { door: 'slack', person }, kind });

describe('quiesce asks', () => {
  it('when the tasks do not end in time, and looks again while the server stays quiet', async () => {
    const found = await look();
    expect(found).toEqual({ consistency: 'quiesced', notes: [], askSeconds: 120 });
    const { question } = await asked();
    expect(question).toMatchObject({ n: 1, tasks: '"Deploy Payments" (ServerTasks-7, 5 min)' });
    expect(Date.parse(question.until) - Date.parse((await readLease(world, run.id))!.openedAt)).toBe(39 * MINUTE);
    await clock.advance(120_000);
    expect(await look()).toMatchObject({ askSeconds: 120 });
    expect((await asked()).question).toEqual(question);
    expect(flags).toEqual({ isInMaintenance: true, isDraining: true });
  });

  it('needs no answer any more once the tasks have ended, and takes none then', async () => {
    await look();
    tasks = [];
    expect(await look()).toMatchObject({ consistency: 'quiesced', askSeconds: null });
    expect((await asked()).answer).toMatchObject({ kind: 'quiet', by: null });
    await expect(answer('abort')).rejects.toMatchObject({ code: 'QuestionAnswered' });
  });

  it('gives up without an answer, a minute before the longest quiet is over', async () => {
    await expect(looks(30)).rejects.toMatchObject({
      code: 'TasksStillRunning',
      message: expect.stringMatching(/^after 39 min still at work: .*; nobody answered in time$/) as string,
    });
    expect((await asked()).answer).toMatchObject({ kind: 'none' });
    await expect(answer('wait')).rejects.toMatchObject({ code: 'QuestionAnswered' });
  });
});

describe('an answer', () => {
  it('wait: fifteen minutes more, then it asks anew', async () => {
    await look();
    await answer('wait');
    const before = clock.now().getTime();
    expect(await look()).toMatchObject({ askSeconds: 120 });
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(15 * MINUTE);
    expect(await asked()).toMatchObject({ question: { n: 2 }, answer: null });
    await answer('online', 'ana');
    expect(await look()).toMatchObject({ consistency: 'online', askSeconds: null });
  });

  it('wait: is noted when the tasks end in the time that it gave', async () => {
    await look();
    await answer('wait');
    tasks = [];
    expect((await look()).notes).toEqual(['ben let it wait longer for tasks to end']);
  });

  it('online: the server is given back at once', async () => {
    await look();
    await answer('online');
    const { consistency, notes } = await look();
    expect(consistency).toBe('online');
    expect(notes).toEqual([expect.stringMatching(/^went on online as ben said, after 5 min still at work: "Deploy/)]);
    expect(flags).toEqual({ isInMaintenance: false, isDraining: false });
  });

  it('abort: gives up, also when the tasks have ended by then', async () => {
    await look();
    await answer('abort');
    tasks = [];
    await expect(look()).rejects.toMatchObject({
      code: 'TasksStillRunning',
      message: expect.stringMatching(/; ben gave up$/) as string,
    });
  });

  it('is one: the first stands for everybody, and the same again changes nothing', async () => {
    await look();
    const both = await Promise.allSettled([answer('online', 'ana'), answer('abort', 'ben')]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { answer: standing } = await asked();
    const again = await answer(standing!.kind as AnswerKind, standing!.by!.person);
    expect(again.isNew).toBe(false);
    await expect(answer('wait', standing!.by!.person)).rejects.toMatchObject({ code: 'QuestionAnswered' });
  });

  it('a restore cannot go on without quiet: it is not offered, refused, and never done by the settings', async () => {
    run = { ...run, workflow: 'restore' };
    await look();
    expect((await asked()).question).toMatchObject({ canGoOnline: false });
    await expect(answer('online')).rejects.toMatchObject({ code: 'AnswerNotOffered' });
    await changeSettings(world, 'prod', (current) => applySettings(current, { 'on-timeout': 'online' }));
    await expect(look()).rejects.toMatchObject({ code: 'TasksStillRunning' });
  });

  it('is refused of strangers, before the question, after its time and after the run', async () => {
    await expect(answer('wait')).rejects.toMatchObject({ code: 'QuestionNotOpen' });
    await look();
    await expect(answer('wait', 'mallory (slack)')).rejects.toMatchObject({ code: 'QuestionNotYours' });
    await expect(
      answerQuestion(world, { runId: 'run_00000000', by: { door: 'slack', person: 'ben' }, kind: 'wait' }),
    ).rejects.toMatchObject({ code: 'RunUnknown' });
    await requestCancel(world, run.id, { by: 'ana' });
    await expect(answer('wait')).rejects.toMatchObject({
      code: 'QuestionNotOpen',
      message: expect.stringContaining('is being stopped') as string,
    });
    await world.state.delete(stateKeys.cancel(run.id));
    await pass(60);
    await expect(answer('wait')).rejects.toMatchObject({ code: 'QuestionNotOpen' });
    await endRun(world, run.id, {
      word: 'failed',
      gaps: [],
      notes: [],
      error: null,
      safeNow: '',
      doNext: '',
      backup: null,
    });
    await expect(answer('wait')).rejects.toMatchObject({ code: 'QuestionNotOpen' });
  });

  it('wakes the run, also when it came before the run had come to wait', async () => {
    await look();
    await perform(awaitAnswer, { world, run, input: { token: 'one' } });
    expect(woken).toEqual([]);
    expect((await answer('wait')).isWoken).toBe(true);
    expect(woken).toEqual(['one']);
    await perform(awaitAnswer, { world, run, input: { token: 'two' } });
    expect(woken).toEqual(['one', 'two']);
    expect(await readToken(world, run.id)).toBe('two');
  });
});
