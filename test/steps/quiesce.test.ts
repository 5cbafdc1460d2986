import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { OctopusApi } from '../../lib/ports/octopus.ts';
import type { World } from '../../lib/ports/world.ts';
import { closeLease, readLease } from '../../lib/repository/lease/lease.ts';
import { readLock, releaseLock } from '../../lib/repository/lease/lock.ts';
import { step as quiesce } from '../../lib/steps/quiesce.ts';
import { step as resume } from '../../lib/steps/resume.ts';
import { stateKeys } from '../../lib/domain/names.ts';
import { Settings } from '../../lib/domain/settings/settings.ts';
import { readSettings } from '../../lib/repository/settings.ts';
import { update } from '../../lib/repository/update.ts';
import { openStepWorld, perform, type StepWorld } from './step-world.ts';

type Quiet = { consistency: string; notes: string[] };

let on: StepWorld;
let api: OctopusApi;

beforeAll(async () => {
  on = await openStepWorld({ queueMs: 20, taskSeconds: { min: 0, max: 0 } });
  api = await on.world.octopusApi('prod');
});
afterEach(async () => {
  Object.assign(on.octopus.faults, { isMaintenanceIgnored: false, isDrainIgnored: false, areTasksEndless: false });
  await api.setMaintenance(false);
  for (const node of await api.nodes()) await api.setDraining(node, false);
  const { holder } = await readLock(on.world, 'prod');
  if (holder !== null) await closeLease(on.world, holder.runId);
  if (holder !== null) await releaseLock(on.world, { instance: 'prod', id: holder.runId });
});
afterAll(async () => on.close());

const flags = async () => ({
  isInMaintenance: await api.isInMaintenance(),
  draining: (await api.nodes()).map(({ isDraining }) => isDraining),
});

/** The world, with one method of the Octopus API answered by the test. */
const withApi = (changes: Partial<OctopusApi>): World => ({
  ...on.world,
  octopusApi: async () => ({ ...api, ...changes }),
});

const changeWait = async (wait: Settings['wait']): Promise<void> => {
  await readSettings(on.world, 'prod');
  await update(on.world.state, { key: stateKeys.settings('prod'), schema: Settings }, (current) => ({
    ...current!,
    wait,
  }));
};

describe('quiet and back', () => {
  test('maintenance on, nodes drained, nothing at work; then everything as it was', async () => {
    const run = await on.newRun({ hasLock: true });
    const found = await perform<Quiet>(quiesce, { world: on.world, run });
    expect(found.consistency).toBe('quiesced');
    expect(await flags()).toEqual({ isInMaintenance: true, draining: [true] });

    const back = await perform<{ quietSeconds: number }>(resume, { world: on.world, run });
    // It looked twice, 20 s apart.
    expect(back.quietSeconds).toBeGreaterThanOrEqual(20);
    expect(await flags()).toEqual({ isInMaintenance: false, draining: [false] });
    expect(await readLease(on.world, run.id)).toMatchObject({ status: 'closed' });
  });

  test('a second attempt keeps what the first one had found', async () => {
    const run = await on.newRun({ hasLock: true });
    await perform(quiesce, { world: on.world, run });
    expect(await perform<Quiet>(quiesce, { world: on.world, run, attempt: 1 })).toMatchObject({
      consistency: 'quiesced',
    });
    await perform(resume, { world: on.world, run });
    expect(await flags()).toEqual({ isInMaintenance: false, draining: [false] });
  });

  test('what someone else had switched on stays on', async () => {
    await api.setMaintenance(true);
    for (const node of await api.nodes()) await api.setDraining(node, true);
    const run = await on.newRun({ hasLock: true });
    await perform(quiesce, { world: on.world, run });
    await perform(resume, { world: on.world, run });
    expect(await flags()).toEqual({ isInMaintenance: true, draining: [true] });
  });

  /** Between two looks at maintenance mode, the given one and the next, somebody switches everything on. */
  const interruptedAfter = (look: number): World => {
    let looked = 0;
    return withApi({
      isInMaintenance: async () => {
        const isOn = await api.isInMaintenance();
        looked += 1;
        if (looked === look) {
          await api.setMaintenance(true);
          for (const node of await api.nodes()) await api.setDraining(node, true);
        }
        return isOn;
      },
    });
  };

  test.each([
    ['before the run comes to its own', 1],
    ['while the run claims it', 2],
  ])('what someone else switches on %s stays on', async (_when, look) => {
    const run = await on.newRun({ hasLock: true });
    await perform(quiesce, { world: interruptedAfter(look), run });
    expect(await readLease(on.world, run.id)).toMatchObject({
      earlier: { isInMaintenance: false },
      own: { isInMaintenance: false, nodeIds: [] },
    });
    await perform(resume, { world: on.world, run });
    expect(await flags()).toEqual({ isInMaintenance: true, draining: [true] });
  });

  test('a node that someone else drains while the run claims it stays drained', async () => {
    let looked = 0;
    const world = withApi({
      nodes: async () => {
        const nodes = await api.nodes();
        looked += 1;
        if (looked === 2) for (const node of nodes) await api.setDraining(node, true);
        return nodes;
      },
    });
    const run = await on.newRun({ hasLock: true });
    await perform(quiesce, { world, run });
    await perform(resume, { world: on.world, run });
    expect(await flags()).toEqual({ isInMaintenance: false, draining: [true] });
  });

  test('a way back killed while it closed the lease switches nothing off that was switched on meanwhile', async () => {
    const run = await on.newRun({ hasLock: true });
    await perform(quiesce, { world: on.world, run });
    const change = () => Promise.reject(new Error('killed'));
    const world = { ...on.world, state: { ...on.world.state, change } };
    await expect(perform(resume, { world, run })).rejects.toThrow('killed');
    expect(await flags()).toEqual({ isInMaintenance: false, draining: [false] });
    await api.setMaintenance(true);
    await perform(resume, { world: on.world, run });
    expect(await flags()).toEqual({ isInMaintenance: true, draining: [false] });
    expect(await readLease(on.world, run.id)).toMatchObject({ status: 'closed' });
  });

  test('a way back without a way in changes nothing, and may be taken twice', async () => {
    const run = await on.newRun({ hasLock: true });
    expect(await perform(resume, { world: on.world, run })).toEqual({ quietSeconds: 0, gaps: [] });
    await perform(quiesce, { world: on.world, run });
    const first = await perform(resume, { world: on.world, run });
    expect(await perform(resume, { world: on.world, run })).toEqual(first);
  });

  test('tasks left in the queue and tasks waiting for a person are named, not waited for', async () => {
    await api.setMaintenance(true);
    for (const node of await api.nodes()) await api.setDraining(node, true);
    const taskId = await leaveInQueue();
    const run = await on.newRun({ hasLock: true });
    const { notes } = await perform<Quiet>(quiesce, { world: on.world, run });
    expect(notes.join('\n')).toContain('left in the queue');
    expect((await api.activeTasks()).find(({ id }) => id === taskId)?.state).toBe('Queued');
    expect(notes.join('\n')).toContain('waiting for a person');
  });
});

describe('what keeps a server from quiet', () => {
  test('maintenance mode that does not take', async () => {
    on.octopus.faults.isMaintenanceIgnored = true;
    const run = await on.newRun({ hasLock: true });
    await expect(perform(quiesce, { world: on.world, run })).rejects.toMatchObject({ code: 'MaintenanceNotTaken' });
    on.octopus.faults.isMaintenanceIgnored = false;
    await perform(resume, { world: on.world, run });
    expect(await flags()).toEqual({ isInMaintenance: false, draining: [false] });
  });

  test('a drain that does not take, with the node named', async () => {
    on.octopus.faults.isDrainIgnored = true;
    const run = await on.newRun({ hasLock: true });
    await expect(perform(quiesce, { world: on.world, run })).rejects.toMatchObject({
      code: 'DrainNotTaken',
      facts: { taking: ['prod-1'] },
    });
    await perform(resume, { world: on.world, run });
    expect(await flags()).toMatchObject({ isInMaintenance: false });
  });

  test('a task that never ends is named, and by default the backup is given up', async () => {
    on.octopus.faults.areTasksEndless = true;
    await changeWait({ minutes: 1, onTimeout: 'abort' });
    await startDeployment();
    const run = await on.newRun({ hasLock: true });
    await expect(perform(quiesce, { world: on.world, run })).rejects.toMatchObject({
      code: 'TasksStillRunning',
      message: expect.stringMatching(/after 1 min still at work: "Deploy .+" \(ServerTasks-\d+, \d+ min\)/) as string,
    });
    await perform(resume, { world: on.world, run });
    expect(await flags()).toEqual({ isInMaintenance: false, draining: [false] });
  });

  test('or goes on online, with the server given back at once', async () => {
    on.octopus.faults.areTasksEndless = true;
    await changeWait({ minutes: 1, onTimeout: 'online' });
    await startDeployment();
    const run = await on.newRun({ hasLock: true });
    const found = await perform<Quiet>(quiesce, { world: on.world, run });
    expect(found.consistency).toBe('online');
    expect(found.notes[0]).toMatch(/^went on online, after 1 min still at work/);
    expect(await flags()).toEqual({ isInMaintenance: false, draining: [false] });
    expect(await readLease(on.world, run.id)).toMatchObject({ status: 'closed' });
  });

  test('a queued deployment that ran between two looks makes it look again', async () => {
    const run = await on.newRun({ hasLock: true });
    const quiet = (await api.activeTasks()).filter((task) => task.state === 'Queued' || task.hasPendingInterruptions);
    const passing = {
      ...quiet[0]!,
      id: 'ServerTasks-999999',
      state: 'Queued' as const,
      hasPendingInterruptions: false,
    };
    const looks = [[...quiet, passing], quiet, quiet];
    let looked = 0;
    const world = withApi({ activeTasks: async () => looks[Math.min(looked++, looks.length - 1)]! });
    expect(await perform<Quiet>(quiesce, { world, run })).toMatchObject({ consistency: 'quiesced' });
    expect(looked).toBe(3);
  });
});

/** The stand-in draws a project; one that has nothing to deploy is drawn again. */
const deploy = async (): Promise<string> => {
  for (let drawn = 1; ; drawn += 1) {
    try {
      return await on.octopus.deploy();
    } catch (thrown) {
      if (drawn === 50) throw thrown;
    }
  }
};

/** A deployment that a drained node left alone: one that was queued while the node still turned may have slipped through. */
const leaveInQueue = async (): Promise<string> => {
  for (;;) {
    const taskId = await deploy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const task = (await api.activeTasks()).find(({ id }) => id === taskId);
    if (task?.state === 'Queued') return taskId;
  }
};

/** Starts a deployment and waits until it is at work. */
const startDeployment = async (): Promise<void> => {
  const taskId = await deploy();
  for (;;) {
    const task = (await api.activeTasks()).find(({ id }) => id === taskId);
    if (task?.state === 'Executing') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
