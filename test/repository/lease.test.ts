/** The lease: the flags of the first look survive everything, and only what the run changed is put back. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LEASE_SECONDS, quietSeconds } from '../../lib/domain/runs/lease.ts';
import type { World } from '../../lib/ports/world.ts';
import { stateKeys } from '../../lib/domain/names.ts';
import {
  claimFlags,
  closeLease,
  markRestored,
  openLease,
  readLease,
  readOpenLeases,
  renewLease,
} from '../../lib/repository/lease/lease.ts';
import { takeLock } from '../../lib/repository/lease/lock.ts';
import { restoreFromLease } from '../../lib/repository/lease/restore-lease.ts';
import { readRun } from '../../lib/repository/run-book.ts';
import { jumpingClock, testClock } from '../clock.ts';
import { fail, makeWorld } from '../worker/support.ts';
import { enteredRun, runRecord, type ServerFlags } from '../worker/world.ts';

const flags = (changes: Partial<ServerFlags> = {}): ServerFlags => ({
  isInMaintenance: false,
  nodes: [
    { name: 'A', isDraining: false },
    { name: 'B', isDraining: true },
  ],
  ...changes,
});

const lockedRun = async (world: World, id = 'run_00000001') => {
  await takeLock(world, await enteredRun(world, id));
  return (await readRun(world, id))!;
};

const opened = async (server = flags(), quietMinutes = 60) => {
  const clock = testClock();
  const world = makeWorld({ clock, server });
  const run = await lockedRun(world);
  return { clock, world, server, run, lease: await openLease(world, run, { quietMinutes }) };
};

/** What the step `quiesce` does to a server: it claims what is not set, and sets it. Gives the lease as it stands then. */
const quiet = async (world: World, server: ServerFlags, runId = 'run_00000001') => {
  const nodeIds = server.nodes.filter(({ isDraining }) => !isDraining).map(({ name }) => `OctopusServerNodes-${name}`);
  const isInMaintenance = !server.isInMaintenance;
  const lease = await claimFlags(world, runId, () => ({ isInMaintenance, nodeIds }));
  setAll(server);
  return lease;
};

const setAll = (server: ServerFlags): void => {
  server.isInMaintenance = true;
  for (const node of server.nodes) node.isDraining = true;
};

/** The world of a process that is killed before its next write to the state store. */
const killed = (world: World): World => {
  const dead = () => Promise.reject(new Error('killed'));
  return { ...world, state: { ...world.state, create: dead, change: dead } };
};

describe('lease', () => {
  it('is on the disk and in the run book when it is open', async () => {
    const { world, lease } = await opened();
    expect(lease.earlier).toEqual({
      isInMaintenance: false,
      nodes: [
        { id: 'OctopusServerNodes-A', name: 'A', isDraining: false, maxConcurrentTasks: 5 },
        { id: 'OctopusServerNodes-B', name: 'B', isDraining: true, maxConcurrentTasks: 5 },
      ],
    });
    expect(await readOpenLeases(world.hostDirectory, fail)).toEqual([lease]);
    const object = await world.state.read(stateKeys.lease('run_00000001'));
    expect(JSON.parse(object!.bytes.toString())).toEqual(lease);
  });

  it('is refused without the lock', async () => {
    const world = makeWorld();
    await expect(openLease(world, runRecord(), { quietMinutes: 1 })).rejects.toMatchObject({ code: 'Bug' });
  });

  it('keeps the flags of the first look when the run asks again, also from the run book when the disk was lost', async () => {
    const { world, server, run, lease } = await opened();
    const { own } = await quiet(world, server);
    expect((await openLease(world, run, { quietMinutes: 60 })).earlier).toEqual(lease.earlier);
    rmSync(join(world.hostDirectory, 'leases'), { recursive: true });
    expect(await openLease(world, run, { quietMinutes: 60 })).toMatchObject({ earlier: lease.earlier, own });
    expect(await readOpenLeases(world.hostDirectory, fail)).toHaveLength(1);
  });

  it('keeps another run out until the server is given back', async () => {
    const { world, lease, clock } = await opened();
    await clock.advance(3_600_000);
    const other = await lockedRun(world, 'run_00000002');
    await expect(openLease(world, other, { quietMinutes: 1 })).rejects.toMatchObject({
      code: 'LeaseOpen',
      facts: { runId: lease.runId },
    });
    await markRestored(world, lease);
    await expect(openLease(world, other, { quietMinutes: 1 })).resolves.toMatchObject({ runId: other.id });
  });

  it('is renewed while it stands, never beyond the longest quiet', async () => {
    const { world, clock, lease } = await opened(flags(), 6);
    await clock.advance(120_000);
    const renewed = await renewLease(world, lease.runId);
    expect(renewed?.endsAt).toBe(lease.latestEndsAt);
    await clock.advance(240_000);
    await expect(renewLease(world, lease.runId)).rejects.toMatchObject({ code: 'QuietTooLong' });
  });

  it('cannot be renewed once it lapsed or was restored', async () => {
    const { world, clock, lease } = await opened();
    await clock.advance(LEASE_SECONDS * 1000);
    await expect(renewLease(world, lease.runId)).rejects.toMatchObject({ code: 'QuietLost' });

    const second = await opened();
    await markRestored(second.world, second.lease);
    await expect(renewLease(second.world, lease.runId)).rejects.toMatchObject({ code: 'QuietLost' });
    await expect(openLease(second.world, second.run, { quietMinutes: 1 })).rejects.toMatchObject({ code: 'QuietLost' });
  });

  it('closes once and knows how long it was quiet', async () => {
    const { world, clock, lease } = await opened();
    await clock.advance(190_000);
    const closed = await closeLease(world, lease.runId);
    await clock.advance(60_000);
    expect(await closeLease(world, lease.runId)).toEqual(closed);
    expect(quietSeconds(closed!, clock.now())).toBe(190);
    expect(await renewLease(world, lease.runId)).toBeNull();
    expect(await readOpenLeases(world.hostDirectory, fail)).toEqual([]);
    expect(await closeLease(world, 'run_00000002')).toBeNull();
  });

  it('counts the quiet until the server was given back without its run', async () => {
    const { world, clock, lease } = await opened();
    await clock.advance(100_000);
    await markRestored(world, lease);
    await clock.advance(100_000);
    expect(quietSeconds((await closeLease(world, lease.runId))!, clock.now())).toBe(100);
    expect((await readLease(world, lease.runId))?.status).toBe('restored');
    expect(await readOpenLeases(world.hostDirectory, fail)).toEqual([]);
  });

  it('loses no claim to a renewal at the same moment', async () => {
    const { world, lease } = await opened();
    await Promise.all([
      renewLease(world, lease.runId),
      claimFlags(world, lease.runId, (own) => ({ ...own, isInMaintenance: true })),
      renewLease(world, lease.runId),
      claimFlags(world, lease.runId, (own) => ({ ...own, nodeIds: ['OctopusServerNodes-A'] })),
      renewLease(world, lease.runId),
    ]);
    const own = { isInMaintenance: true, nodeIds: ['OctopusServerNodes-A'] };
    expect(await readOpenLeases(world.hostDirectory, fail)).toMatchObject([{ own }]);
    expect((await readLease(world, lease.runId))?.own).toEqual(own);
  });

  it('claims nothing once it has ended', async () => {
    const { world, lease } = await opened();
    await closeLease(world, lease.runId);
    await expect(claimFlags(world, lease.runId, (own) => own)).rejects.toMatchObject({ code: 'QuietLost' });
    await expect(claimFlags(world, 'run_00000002', (own) => own)).rejects.toMatchObject({ code: 'Bug' });
  });

  it('killed while it was closed: the next attempt finds it closed, whatever the run book shows, and ends the work', async () => {
    const { world, server, lease } = await opened();
    await quiet(world, server);
    const patient = { ...world, clock: jumpingClock() };
    await restoreFromLease(patient, (await readLease(world, lease.runId))!);
    await expect(closeLease(killed(world), lease.runId)).rejects.toThrow('killed');
    // Somebody switches it on now: it is not the run's any more.
    server.isInMaintenance = true;
    expect(await restoreFromLease(patient, (await readLease(world, lease.runId))!)).toEqual([]);
    expect(await closeLease(world, lease.runId)).toMatchObject({ status: 'closed' });
    expect(server.isInMaintenance).toBe(true);
    rmSync(join(world.hostDirectory, 'leases'), { recursive: true });
    expect((await readLease(world, lease.runId))?.status).toBe('closed');
  });
});

describe('restore from a lease', () => {
  const restored = async (earlier: ServerFlags, meanwhile: (server: ServerFlags) => void = () => {}) => {
    const { world, server } = await opened(earlier);
    const lease = await quiet(world, server);
    meanwhile(server);
    return { server, changes: await restoreFromLease({ ...world, clock: jumpingClock() }, lease) };
  };

  it('puts back what the run changed, and leaves what was set before', async () => {
    const { server, changes } = await restored(flags());
    expect(server).toMatchObject(flags());
    expect(changes).toEqual(['maintenance mode is off again', 'node A takes tasks again']);
  });

  it('never ends a maintenance mode that someone else had begun', async () => {
    const { server, changes } = await restored(flags({ isInMaintenance: true }));
    expect(server.isInMaintenance).toBe(true);
    expect(changes).toEqual(['node A takes tasks again']);
  });

  it('does not begin again what someone ended meanwhile', async () => {
    const { server, changes } = await restored(flags({ isInMaintenance: true }), (server) => {
      server.isInMaintenance = false;
      for (const node of server.nodes) node.isDraining = false;
    });
    expect(server).toMatchObject({ isInMaintenance: false, nodes: [{ isDraining: false }, { isDraining: false }] });
    expect(changes).toEqual([]);
  });

  it('leaves what somebody set between the first look and the claim', async () => {
    const { world, server, lease } = await opened();
    setAll(server);
    expect(await restoreFromLease({ ...world, clock: jumpingClock() }, lease)).toEqual([]);
    expect(server).toMatchObject({ isInMaintenance: true, nodes: [{ isDraining: true }, { isDraining: true }] });
  });

  it('reads a lease of before claims were kept: what was not set earlier was the run’s', async () => {
    const { world, server, lease } = await opened();
    setAll(server);
    const { own: _own, ...old } = lease;
    await restoreFromLease({ ...world, clock: jumpingClock() }, old);
    expect(server).toMatchObject(flags());
  });

  it('passes over a node that is gone, and leaves one that came later', async () => {
    const { server } = await restored(flags(), (server) => {
      server.nodes = [{ name: 'C', isDraining: true }];
    });
    expect(server).toMatchObject({ isInMaintenance: false, nodes: [{ name: 'C', isDraining: true }] });
  });

  it('reads back: an accepted change that does not show is an error, and the other flag is put back all the same', async () => {
    const { world, server } = await opened();
    const lease = await quiet(world, server);
    server.refuses = 'maintenance';
    const patient = { ...world, clock: jumpingClock() };
    await expect(restoreFromLease(patient, lease)).rejects.toMatchObject({ code: 'LeaseNotRestored' });
    expect(server.nodes[0]?.isDraining).toBe(false);
    delete server.refuses;
    expect(await restoreFromLease(patient, lease)).toEqual(['maintenance mode is off again']);

    setAll(server);
    server.refuses = 'drain';
    await expect(restoreFromLease(patient, lease)).rejects.toMatchObject({ facts: { nodes: 'A' } });
  });

  it('does nothing for a lease that has ended', async () => {
    const { world, server, lease } = await opened();
    const closed = await closeLease(world, lease.runId);
    setAll(server);
    expect(await restoreFromLease(world, closed!)).toEqual([]);
    expect(server.isInMaintenance).toBe(true);
  });
});
