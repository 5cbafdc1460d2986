/**
 * The lease of a run on a server's quiet, kept twice: in the run book, and on the host's disk where it is readable
 * without any network. The disk decides; the run book's copy tells people, and stands in when the disk was lost.
 *
 * What may happen to a lease is decided in `domain/lease.ts`; putting the server back is left to `restore-lease.ts`.
 */
import { join } from 'node:path';
import { OctoError } from '../../domain/errors.ts';
import { endedLease, Lease, openedLease, renewedLease, type EarlierFlags } from '../../domain/runs/lease.ts';
import { stateKeys } from '../../domain/names.ts';
import type { RunRecord } from '../../domain/runs/run.ts';
import type { World } from '../../ports/world.ts';
import { readHostFile, readHostFiles, removeHostFile, writeHostFile } from './host-file.ts';
import { readRecord, update } from '../update.ts';

type LeaseWorld = Pick<World, 'state' | 'clock' | 'hostDirectory'>;

/**
 * Looks at the server and writes down how the run found it; returns when both copies are durable, so that the server may
 * be changed. A run that asks again gets its open lease, with the flags of the first time.
 * @throws LeaseOpen while another run's lease on the instance is open here, QuietLost when this run's was ended,
 * HostFileDamaged
 */
export const openLease = async (
  world: LeaseWorld & Pick<World, 'octopusApi'>,
  run: RunRecord,
  { quietMinutes }: { quietMinutes: number },
): Promise<Lease> => {
  const { id: runId, instance, fence } = run;
  if (fence === undefined) throw new OctoError('Bug', `${runId} opens a lease without holding the lock`);
  const standing = await readLease(world, runId);
  if (standing !== null && standing.status !== 'closed') return renewLeaseOf(world, standing);
  await refuseWhileOthersHold(world, run);
  const earlier = await readFlags(world, instance);
  const fresh = openedLease({ runId, instance, fence, earlier, quietMinutes }, world.clock.now());
  await publishLease(world, fresh);
  await writeHostFile(leaseFile(world.hostDirectory, runId), fresh);
  return fresh;
};

/** Moves the end of the run's lease away from now; `null` when it has none. @throws QuietLost, QuietTooLong */
export const renewLease = async (world: LeaseWorld, runId: string): Promise<Lease | null> => {
  const lease = await readHostFile(leaseFile(world.hostDirectory, runId), Lease);
  return lease && renewLeaseOf(world, lease);
};

/** The server is put back, by the run itself. Closing again changes nothing; `null` when there was no lease. */
export const closeLease = async (world: LeaseWorld, runId: string): Promise<Lease | null> => {
  const lease = await readLease(world, runId);
  if (lease === null || lease.status === 'closed') return lease;
  const closed = endedLease(lease, 'closed', world.clock.now());
  // The disk first: from here on nobody restores anything, whatever becomes of the run book.
  await removeHostFile(leaseFile(world.hostDirectory, runId));
  await publishLease(world, closed);
  return closed;
};

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
