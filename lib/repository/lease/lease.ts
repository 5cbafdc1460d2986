/**
 * The lease of a run on a server's quiet, kept twice: in the run book, and on the host's disk where it is readable
 * without any network. The disk decides; the run book's copy tells people, and stands in when the disk was lost.
 *
 * What may happen to a lease is decided in `domain/lease.ts`; putting the server back is left to `restore-lease.ts`.
 */
import { join } from 'node:path';
import { OctoError } from '../../domain/errors.ts';
import {
  endedLease,
  Lease,
  openedLease,
  ownFlags,
  renewedLease,
  type EarlierFlags,
  type OwnFlags,
} from '../../domain/runs/lease.ts';
import { stateKeys } from '../../domain/names.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { readHostFile, readHostFiles, removeHostFile, writeHostFile } from './host-file.ts';
import { readRecord, update } from '../update.ts';

type LeaseWorld = Pick<World, 'state' | 'clock' | 'hostDirectory'>;

/**
 * Looks at the server and writes down how the run found it, unless the caller knows that it cannot be asked; returns when
 * both copies are durable, so that the server may be changed. A run that asks again gets its open lease, with the flags of
 * the first time.
 * @throws LeaseOpen while another run's lease on the instance is open here, QuietLost when this run's was ended,
 * HostFileDamaged
 */
export const openLease = async (
  world: LeaseWorld & Pick<World, 'octopusApi'>,
  run: RunRecord,
  { quietMinutes, earlier: known }: { quietMinutes: number; earlier?: EarlierFlags },
): Promise<Lease> => {
  const { id: runId, instance, fence } = run;
  if (fence === undefined) throw new OctoError('Bug', `${runId} opens a lease without holding the lock`);
  const standing = await readLease(world, runId);
  if (standing !== null && standing.status !== 'closed')
    return inTurn(world, runId, () => renewLeaseOf(world, standing));
  await refuseWhileOthersHold(world, run);
  const earlier = known ?? (await readFlags(world, instance));
  const fresh = openedLease({ runId, instance, fence, earlier, quietMinutes }, world.clock.now());
  await publishLease(world, fresh);
  await writeHostFile(leaseFile(world.hostDirectory, runId), fresh);
  return fresh;
};

/** Moves the end of the run's lease away from now; `null` when it has none. @throws QuietLost, QuietTooLong */
export const renewLease = (world: LeaseWorld, runId: string): Promise<Lease | null> =>
  inTurn(world, runId, async () => {
    const lease = await readHostFile(leaseFile(world.hostDirectory, runId), Lease);
    return lease?.status === 'closed' ? null : lease && renewLeaseOf(world, lease);
  });

/**
 * Writes down which flags are the run's own, and renews the lease: before the run switches one, and again when it finds
 * that somebody else was faster. A run killed between this and the switching leaves a flag claimed that it never set.
 * @throws QuietLost, QuietTooLong, Bug when the run has no lease
 */
export const claimFlags = (world: LeaseWorld, runId: string, change: (own: OwnFlags) => OwnFlags): Promise<Lease> =>
  inTurn(world, runId, async () => {
    const lease = await readLease(world, runId);
    if (lease === null) throw new OctoError('Bug', `${runId} switches flags without a lease`);
    return renewLeaseOf(world, { ...lease, own: change(ownFlags(lease)) });
  });

/**
 * The run is done with the server, which it has put back itself or finds restored. Closing again changes nothing; `null`
 * when there was no lease.
 */
export const closeLease = (world: LeaseWorld, runId: string): Promise<Lease | null> =>
  inTurn(world, runId, async () => {
    const lease = await readLease(world, runId);
    if (lease === null) return null;
    const ended = lease.status === 'open' ? endedLease(lease, 'closed', world.clock.now()) : lease;
    // The mark on the disk goes first and is removed last: while the run book still shows an open lease, the disk says
    // that nobody restores anything from it any more.
    const path = leaseFile(world.hostDirectory, runId);
    if (lease.status === 'open') await writeHostFile(path, ended);
    await publishLease(world, ended);
    await removeHostFile(path);
    return ended;
  });

/** The server is put back, without the run: it finds out by this mark on the disk. No store is asked. */
export const markRestored = async (world: Pick<World, 'clock' | 'hostDirectory'>, lease: Lease): Promise<Lease> => {
  const restored = endedLease(lease, 'restored', world.clock.now());
  await writeHostFile(leaseFile(world.hostDirectory, lease.runId), restored);
  return restored;
};

/** Shows the lease in the run book as it stands on the disk. */
export const publishLease = async (world: Pick<World, 'state'>, lease: Lease): Promise<void> => {
  await update(world.state, leaseAt(lease.runId), () => lease);
};

/** The run's lease as it stands, ended or not; `null` when it never had one. */
export const readLease = async (world: Pick<World, 'state' | 'hostDirectory'>, runId: string): Promise<Lease | null> =>
  (await readHostFile(leaseFile(world.hostDirectory, runId), Lease)) ?? readRecord(world.state, leaseAt(runId));

/** The open leases of this host, whatever their end; what cannot be read is told to `onDamage`. */
export const readOpenLeases = async (hostDirectory: string, onDamage: (damage: OctoError) => void): Promise<Lease[]> =>
  (await readHostFiles(leaseFolder(hostDirectory), Lease, onDamage)).filter(({ status }) => status === 'open');

const leaseFolder = (hostDirectory: string): string => join(hostDirectory, 'leases');
const leaseFile = (hostDirectory: string, runId: string): string => join(leaseFolder(hostDirectory), `${runId}.json`);
const leaseAt = (runId: string) => ({ key: stateKeys.lease(runId), schema: Lease });

const turns = new Map<string, Promise<unknown>>();

/** The step and the renewal beside it both rewrite the lease of their run: one after the other, so that neither is lost. */
const inTurn = <T>({ hostDirectory }: LeaseWorld, runId: string, work: () => Promise<T>): Promise<T> => {
  const path = leaseFile(hostDirectory, runId);
  const turn = (turns.get(path) ?? Promise.resolve()).then(work, work);
  turns.set(path, turn);
  const leave = (): void => void (turns.get(path) === turn && turns.delete(path));
  turn.then(leave, leave);
  return turn;
};

/** The run book first: its condition tells whether the lease is still the run's; the disk follows. */
const renewLeaseOf = async (world: LeaseWorld, lease: Lease): Promise<Lease> => {
  const now = world.clock.now();
  const renewed = renewedLease(lease, now);
  await update(world.state, leaseAt(lease.runId), (current) => {
    if (current !== null) renewedLease(current, now);
    return renewed;
  });
  // A store that took longer than the lease had left: its worker may be putting the server back by now.
  renewedLease(lease, world.clock.now());
  await writeHostFile(leaseFile(world.hostDirectory, lease.runId), renewed);
  return renewed;
};

const refuseWhileOthersHold = async (world: LeaseWorld, { id, instance }: RunRecord): Promise<void> => {
  // A lease that cannot be read may be the instance's own.
  const refuse = (damage: OctoError): never => {
    throw damage;
  };
  const other = (await readOpenLeases(world.hostDirectory, refuse)).find((lease) => lease.instance === instance);
  if (other === undefined || other.runId === id) return;
  throw new OctoError('LeaseOpen', `${other.runId} has not given ${instance} back yet`, {
    facts: { instance, runId: other.runId, endsAt: other.endsAt },
  });
};

const readFlags = async (world: Pick<World, 'octopusApi'>, instance: string): Promise<EarlierFlags> => {
  const api = await world.octopusApi(instance);
  const nodes = await api.nodes();
  return {
    isInMaintenance: await api.isInMaintenance(),
    nodes: nodes.map(({ id, name, isDraining, maxConcurrentTasks }) => ({ id, name, isDraining, maxConcurrentTasks })),
  };
};
