/** A deletion from the request to its end: the real definition, engine, steps and stores; only the chat is left out. */
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../lib/engine/runtime.ts';
import { Statement } from '../../lib/domain/runs/approval-policy.ts';
import { checkDefinition, type Definition } from '../../lib/engine/asl.ts';
import type { World } from '../../lib/ports/world.ts';
import { readManifest } from '../../lib/repository/archives.ts';
import { holdArchive } from '../../lib/repository/holds.ts';
import { readLock, releaseLock, takeLock } from '../../lib/repository/lease/lock.ts';
import { createRun, readRun } from '../../lib/repository/run-book.ts';
import { say } from '../../lib/runs/decide.ts';
import { readView } from '../../lib/runs/report.ts';
import { requestRun } from '../../lib/runs/request.ts';
import { runLines } from '../../lib/slack/run/run-lines.ts';
import { loadStep } from '../../lib/steps/index.ts';
import { performCloudStep } from '../../lib/steps/performing/perform-step.ts';
import { definitions, plannedStates } from '../../lib/workflows/index.ts';
import { runOf } from '../archive/fixtures.ts';
import { sealAged, storeWorld } from '../repository/store-world.ts';
import { advanceUntil, temporaryDirectory } from '../worker/support.ts';

const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

/** Five archives, a day apart; `free` lets a deletion through without asking anybody. */
const served = async ({ isFree = false } = {}) => {
  const directory = temporaryDirectory();
  const stores = storeWorld(directory);
  const archives = [];
  for (let day = 0; day < 5; day++) archives.push(await sealAged(stores, day * 24));
  const free = { effect: 'approve', who: ['ana'], verbs: ['delete'], count: 0 };
  const cloudStep = (payload: unknown) => performCloudStep(world, { payload, loadStep });
  const engine = createEngine({
    directory: join(directory, 'engine'),
    clock: stores.clock,
    definitions,
    functions: { CloudStep: cloudStep, PeopleStep: cloudStep, RemoveStep: cloudStep },
  });
  engines.push(engine);
  const world = {
    ...stores,
    workflows: engine.workflows,
    hostTasks: engine.hostTasks,
    hostDirectory: join(directory, 'host'),
    instance: (name: string) => ({ name, isProduction: false, hosts: [{ name: 'prod-1' }] }),
    instanceNames: () => ['prod'],
    policy: { people: ['ana', 'ben'], groups: {}, statements: isFree ? [Statement.parse(free)] : [] },
  } as unknown as World;
  const ask = async (archiveId: string) => {
    const by = { door: 'slack' as const, person: 'ana', channel: 'C1' };
    const options = { archive: archiveId };
    const request = { workflow: 'delete', instance: 'prod', by, requestKey: archiveId, reason: null, options } as const;
    return (await requestRun(world, request)).run;
  };
  const until = async (runId: string, holds: (status: string, isOpen: boolean) => boolean) => {
    await advanceUntil(
      stores.clock,
      async () => {
        const view = await readView(world, runId);
        expect(holds(view?.run.status ?? '', view?.approval?.opening != null)).toBe(true);
      },
      100,
    );
  };
  const ended = async (runId: string) => {
    await until(runId, (status) => status === 'ended');
    return (await readRun(world, runId))!.outcome!;
  };
  const opened = (runId: string) => until(runId, (_status, isOpen) => isOpen);
  const decide = async (runId: string, kind: 'approve' | 'deny') => {
    await opened(runId);
    return say(world, { runId, by: { door: 'slack', person: 'ben' }, kind, reason: 'because', typed: null });
  };
  const isListed = async (archiveId: string) => (await readManifest(world, { instance: 'prod', archiveId })) !== null;
  return { world, ids: archives.map(({ archiveId }) => archiveId), ask, opened, ended, decide, isListed };
};

test('the definition is within our subset, and its planned states are its own', () => {
  const definition = definitions['delete'] as Definition;
  expect(checkDefinition(definition)).toEqual([]);
  for (const approval of [true, false])
    expect(plannedStates('delete', { approval }).filter((state) => !(state in definition.States))).toEqual([]);
});

test('approved by somebody else, the archive is gone, and nothing else', async () => {
  const { world, ids, ask, ended, decide, isListed } = await served();
  const run = await ask(ids[4]!);
  await decide(run.id, 'approve');
  expect(await ended(run.id)).toMatchObject({
    word: 'good',
    error: null,
    deleted: { archiveId: ids[4], word: 'good' },
  });
  expect(await isListed(ids[4]!)).toBe(false);
  for (const id of ids.slice(0, 4)) expect(await isListed(id)).toBe(true);
  expect((await readLock(world, 'prod')).holder).toBeNull();
  const lines = runLines((await readView(world, run.id))!, world.clock.now());
  expect(lines.join('\n')).toContain(`Deleted: ${ids[4]}, good`);
});

test('denied, it stays', async () => {
  const { ids, ask, ended, decide, isListed } = await served();
  const run = await ask(ids[4]!);
  await decide(run.id, 'deny');
  expect(await ended(run.id)).toMatchObject({ word: 'refused', error: { code: 'ApprovalDenied' }, deleted: null });
  expect(await isListed(ids[4]!)).toBe(true);
});

test('held while the run waited, it stays although it was approved', async () => {
  const { world, ids, ask, opened, ended, decide, isListed } = await served();
  const run = await ask(ids[4]!);
  await opened(run.id);
  const hold = { by: 'cay', reason: null, heldAt: world.clock.now().toISOString() };
  await holdArchive(world, { instance: 'prod', archiveId: ids[4]! }, hold);
  await decide(run.id, 'approve');
  expect(await ended(run.id)).toMatchObject({
    word: 'refused',
    error: { code: 'ArchiveHeld', state: 'DeleteArchive' },
  });
  expect(await isListed(ids[4]!)).toBe(true);
});

test('one of the newest good ones is refused before anybody is asked', async () => {
  const { ids, ask, ended, isListed } = await served();
  const run = await ask(ids[1]!);
  expect(await ended(run.id)).toMatchObject({ word: 'refused', error: { code: 'ArchiveNeeded', state: 'PlanDelete' } });
  expect(await isListed(ids[1]!)).toBe(true);
});

test('let through by the policy it needs nobody, but not while another run is at work', async () => {
  const { world, ids, ask, ended, isListed } = await served({ isFree: true });
  await takeLock(world, await createRun(world, runOf(1)));
  const refused = await ask(ids[4]!);
  expect(await ended(refused.id)).toMatchObject({ word: 'refused', error: { code: 'LockHeld' } });
  expect(await isListed(ids[4]!)).toBe(true);
  await releaseLock(world, runOf(1));
  const run = await ask(ids[3]!);
  expect(run.approval).toBeUndefined();
  expect(await ended(run.id)).toMatchObject({ word: 'good', deleted: { archiveId: ids[3] } });
  expect(await isListed(ids[3]!)).toBe(false);
});
