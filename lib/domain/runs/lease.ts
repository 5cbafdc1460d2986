/**
 * The lease on a server's quiet: what was found before a run changed it, and until when the run answers for it.
 *
 * Written before the first change, in the run book and on the host's own disk, so that whoever comes after a crash puts
 * back exactly what the run had changed. A flag that somebody else had set is not the run's to clear, even when it was set
 * a moment before the run came to it: so each flag is claimed by itself, right before it is switched.
 */
import * as z from 'zod';
import { OctoError } from '../errors.ts';

/** How long a silent run keeps the server quiet. Renewed every few seconds while it works. */
export const LEASE_SECONDS = 300;

/** What a run has switched, or was about to when it was killed. Nothing else is put back. */
const OwnFlags = z.strictObject({ isInMaintenance: z.boolean(), nodeIds: z.array(z.string()) });
export type OwnFlags = z.infer<typeof OwnFlags>;

export const Lease = z.strictObject({
  runId: z.string(),
  instance: z.string(),
  fence: z.number().int(),
  openedAt: z.string(),
  /** Past this moment the worker puts the server back by itself. */
  endsAt: z.string(),
  /** No renewal goes beyond it: the longest quiet that the settings allow. */
  latestEndsAt: z.string(),
  /** `restored`: put back without the run, which must not go on as if the server were quiet. `closed`: the run is done with it. */
  status: z.enum(['open', 'restored', 'closed']),
  endedAt: z.string().nullable(),
  /** How the server was found when the lease was opened. */
  earlier: z.strictObject({
    isInMaintenance: z.boolean(),
    nodes: z.array(
      z.strictObject({ id: z.string(), name: z.string(), isDraining: z.boolean(), maxConcurrentTasks: z.number() }),
    ),
  }),
  /** Absent in leases of before it was kept: there, whatever was not set earlier counts as the run's own. */
  own: OwnFlags.optional(),
});
export type Lease = z.infer<typeof Lease>;
export type EarlierFlags = Lease['earlier'];

type Opening = { runId: string; instance: string; fence: number; earlier: EarlierFlags; quietMinutes: number };

/** A lease that begins now. */
export const openedLease = ({ quietMinutes, ...lease }: Opening, now: Date): Lease => {
  const latestEndsAt = later(now, quietMinutes * 60);
  return {
    ...lease,
    openedAt: now.toISOString(),
    endsAt: earliest(later(now, LEASE_SECONDS), latestEndsAt),
    latestEndsAt,
    status: 'open',
    endedAt: null,
    own: { isInMaintenance: false, nodeIds: [] },
  };
};

/** The lease with a later end. @throws QuietLost when it has ended or was ended, QuietTooLong at its longest */
export const renewedLease = (lease: Lease, now: Date): Lease => {
  const facts = { runId: lease.runId, endsAt: lease.endsAt, latestEndsAt: lease.latestEndsAt };
  if (now.toISOString() >= lease.latestEndsAt) {
    throw new OctoError('QuietTooLong', `the quiet of ${lease.instance} has lasted since ${lease.openedAt}`, { facts });
  }
  if (lease.status !== 'open' || isLapsed(lease, now)) {
    throw new OctoError('QuietLost', `the quiet of ${lease.instance} ended at ${lease.endedAt ?? lease.endsAt}`, {
      facts,
    });
  }
  return { ...lease, endsAt: earliest(later(now, LEASE_SECONDS), lease.latestEndsAt) };
};

/** The flags that whoever puts the server back has to clear. */
export const ownFlags = ({ own, earlier }: Lease): OwnFlags =>
  own ?? {
    isInMaintenance: !earlier.isInMaintenance,
    nodeIds: earlier.nodes.filter(({ isDraining }) => !isDraining).map(({ id }) => id),
  };

/** The lease as it stands once the server is put back: by its run (`closed`) or without it (`restored`). */
export const endedLease = (lease: Lease, status: 'restored' | 'closed', now: Date): Lease => ({
  ...lease,
  status,
  endedAt: lease.endedAt ?? now.toISOString(),
});

/** Has its end passed without a renewal? */
export const isLapsed = (lease: Lease, now: Date): boolean => now.toISOString() >= lease.endsAt;

/** How long the server was kept from its users; until now while it still is. */
export const quietSeconds = (lease: Lease, now: Date): number =>
  Math.round((Date.parse(lease.endedAt ?? now.toISOString()) - Date.parse(lease.openedAt)) / 1000);

const later = (now: Date, seconds: number): string => new Date(now.getTime() + seconds * 1000).toISOString();
const earliest = (a: string, b: string): string => (a < b ? a : b);
