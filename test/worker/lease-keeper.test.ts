/** Self-recovery: a silent run's server is given back, to whoever has it now, as soon as it can be reached. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { OctoError } from '../../lib/domain/errors.ts';
import { LEASE_SECONDS } from '../../lib/domain/runs/lease.ts';
import { claimFlags, openLease, readLease, renewLease } from '../../lib/repository/lease/lease.ts';
import { takeLock } from '../../lib/repository/lease/lock.ts';
import { readRun, readRunView } from '../../lib/repository/run-book.ts';
import { keepLeases } from '../../worker/host/lease-keeper.ts';
import { testClock } from '../clock.ts';
import { advanceUntil, makeWorld, memoryLog } from './support.ts';
import { enteredRun, type ServerFlags } from './world.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** A server that a run has made quiet and then fallen silent over. */
const setUp = async (earlier: Partial<ServerFlags> = {}) => {
  const clock = testClock();
  const server: ServerFlags = { isInMaintenance: false, nodes: [{ name: 'A', isDraining: false }], ...earlier };
  const world = makeWorld({ clock, server });
  const { id } = await enteredRun(world);
  await takeLock(world, (await readRun(world, id))!);
  await openLease(world, (await readRun(world, id))!, { quietMinutes: 60 });
  await claimFlags(world, id, () => ({
    isInMaintenance: !server.isInMaintenance,
    nodeIds: server.nodes.filter(({ isDraining }) => !isDraining).map(({ name }) => `OctopusServerNodes-${name}`),
  }));
  server.isInMaintenance = true;
  for (const node of server.nodes) node.isDraining = true;
  const log = memoryLog();
  const stop = new AbortController();
  const keep = () => {
    const done = keepLeases(world, { signal: stop.signal, log });
    stops.push(() => {
      stop.abort();
      return done;
    });
  };
  const note = async () => (await readRunView(world, id, () => []))?.steps.find(({ state }) => state === 'Recovery');
  const restored = () =>
    advanceUntil(clock, async () => expect((await readLease(world, id))?.status).toBe('restored'), 5000);
  return { clock, server, world, id, log, keep, note, restored };
};

describe('a lease that lapsed', () => {
  it('is restored, noted in the run book, and known to the run', async () => {
    const { server, world, id, keep, note, restored, log } = await setUp();
    keep();
    await restored();
    expect(server).toEqual({ isInMaintenance: false, nodes: [{ name: 'A', isDraining: false }] });
    await expect.poll(note).toMatchObject({ status: 'done', text: expect.stringContaining('maintenance mode is off') });
    await expect(renewLease(world, id)).rejects.toMatchObject({ code: 'QuietLost' });
    expect(log.lines[0]).toContain('server given back without its run');
  });

  it('leaves a maintenance mode on that was on before', async () => {
    const { server, keep, restored } = await setUp({ isInMaintenance: true, nodes: [{ name: 'A', isDraining: true }] });
    keep();
    await restored();
    expect(server).toEqual({ isInMaintenance: true, nodes: [{ name: 'A', isDraining: true }] });
  });

  it('leaves what someone has put back already', async () => {
    const { server, keep, restored, note } = await setUp();
    server.isInMaintenance = false;
    server.nodes[0]!.isDraining = false;
    keep();
    await restored();
    expect(server).toEqual({ isInMaintenance: false, nodes: [{ name: 'A', isDraining: false }] });
    await expect.poll(note).toMatchObject({ text: expect.stringContaining('nothing had to be changed') });
  });

  it('raises an alarm while the server does not answer, and is restored when it does', async () => {
    const { server, clock, keep, note, restored } = await setUp();
    server.isDown = true;
    keep();
    await advanceUntil(clock, async () => expect(await note()).toMatchObject({ status: 'failed' }), 5000);
    expect(await note()).toMatchObject({ error: { code: 'OctopusUnavailable' } });
    server.isDown = false;
    await restored();
    expect(server.isInMaintenance).toBe(false);
    await expect.poll(note).toMatchObject({ status: 'done', error: null });
  });

  it('is restored beside one that cannot be read, which is named', async () => {
    const { server, world, keep, restored, log } = await setUp();
    writeFileSync(join(world.hostDirectory, 'leases', 'run_00000000.json'), '{');
    keep();
    await restored();
    expect(server.isInMaintenance).toBe(false);
    expect(log.lines[0]).toContain('HostFileDamaged');
  });

  it('is restored while the store cannot be reached', async () => {
    const { server, world, keep, restored, log, id } = await setUp();
    world.state.read = () => Promise.reject(new OctoError('StoreUnavailable', 'no answer'));
    keep();
    await restored();
    expect(server).toEqual({ isInMaintenance: false, nodes: [{ name: 'A', isDraining: false }] });
    await expect.poll(() => log.lines.join()).toContain('recovery not noted');
    await expect(renewLease(world, id)).rejects.toMatchObject({ code: 'QuietLost' });
  });
});

it('a lease that its run renews is left alone', async () => {
  const { server, world, id, clock, keep, log } = await setUp();
  keep();
  for (let passed = 0; passed < 3 * LEASE_SECONDS; passed += 60) {
    await clock.advance(60_000);
    await renewLease(world, id);
  }
  expect(server.isInMaintenance).toBe(true);
  expect(log.lines).toEqual([]);
});
