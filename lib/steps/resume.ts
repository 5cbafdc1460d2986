/**
 * The way back: the flags of the server as this run found them, read back, and the lease closed.
 *
 * Serves the straight path and the one after a failure. It heeds neither a cancelled run nor anything else that would
 * keep the server from its users; a run that never changed anything has nothing to put back.
 */
import * as z from 'zod';
import { quietSeconds } from '../domain/runs/lease.ts';
import { closeLease, readLease } from '../repository/lease/lease.ts';
import { restoreFromLease } from '../repository/lease/restore-lease.ts';
import { defineStep } from './step.ts';

const Output = z.strictObject({ quietSeconds: z.number(), gaps: z.array(z.string()) });

/** @throws LeaseNotRestored, OctopusUnavailable */
export const step = defineStep(
  { name: 'resume', runsOn: 'host', isWayOut: true, input: z.strictObject({}), output: Output },
  async (world, _input, { run }) => {
    const lease = await readLease(world, run.id);
    if (lease === null) return { quietSeconds: 0, gaps: [] };
    await restoreFromLease(world, lease);
    const closed = (await closeLease(world, run.id)) ?? lease;
    const gaps = lease.status === 'restored' ? ['Octopus was given back to its users before the run had ended'] : [];
    return { quietSeconds: quietSeconds(closed, world.clock.now()), gaps };
  },
);
