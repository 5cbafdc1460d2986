/**
 * Puts servers back whose run has fallen silent: at the worker's start and every minute, from the leases on this host's
 * disk, with or without network to anything but Octopus itself. What fails is tried again a minute later, for ever.
 *
 * A lapsed lease means that its run acts no more: a step that cannot renew stops at half of it. The run, when it comes
 * back, finds the lease restored and does not go on as if the server were still quiet. A server that a restore had stopped,
 * or half exchanged, is put back as it was.
 */
import { OctoError } from '../../lib/domain/errors.ts';
import { isLapsed, type Lease } from '../../lib/domain/runs/lease.ts';
import type { StepNote } from '../../lib/domain/runs/run.ts';
import type { Log } from '../../lib/log.ts';
import type { World } from '../../lib/ports/world.ts';
import { markRestored, publishLease, readOpenLeases } from '../../lib/repository/lease/lease.ts';
import { writeStepNote } from '../../lib/repository/run-book.ts';
import { giveServerBack } from '../../lib/steps/restoring/return-server.ts';

const LOOK_SECONDS = 60;

/** Looks after the leases of this host until `signal` fires. */
export const keepLeases = async (world: World, { signal, log }: { signal: AbortSignal; log: Log }): Promise<void> => {
  while (!signal.aborted) {
    await restoreWhere(world, log, (lease) => isLapsed(lease, world.clock.now()));
    await world.clock.sleep(LOOK_SECONDS * 1000, signal).catch(() => undefined);
  }
};

/** Puts back what `host` keeps quiet, lapsed or not: its worker is leaving. The first host of an instance does so. */
export const giveBack = async (world: World, { host, log }: { host: string; log: Log }): Promise<void> => {
  const served = new Set(world.instanceNames().filter((name) => world.instance(name).hosts[0]?.name === host));
  await restoreWhere(world, log, ({ instance }) => served.has(instance));
};

const restoreWhere = async (world: World, log: Log, isDue: (lease: Lease) => boolean): Promise<void> => {
  const onDamage = (error: OctoError) => log.error('a lease cannot be read', { error });
  const open = await readOpenLeases(world.hostDirectory, onDamage);
  await Promise.all(open.filter(isDue).map((lease) => restore(world, log, lease)));
};

const restore = async (world: World, log: Log, lease: Lease): Promise<void> => {
  const { runId: run, instance } = lease;
  try {
    const signal = new AbortController().signal;
    const { returned, notes } = await giveServerBack(world, { id: run, instance }, { signal });
    const restored = await markRestored(world, lease);
    const changes = [...(returned.how === 'returned' ? ['the target was put back as it was'] : []), ...notes];
    const found = changes.length === 0 ? 'nothing had to be changed' : changes.join(', ');
    log.warn('server given back without its run', { run, instance, found });
    const text = `${instance} was given back: ${found}`;
    await noteInRunBook(world, log, { lease: restored, note: { status: 'done', text, error: null } });
  } catch (thrown) {
    const error = OctoError.from(thrown);
    const text = `${instance} may still be kept from its users; tried again as long as this worker runs`;
    log.error(text, { run, instance, error });
    const { code, message, advice } = error;
    await noteInRunBook(world, log, { lease, note: { status: 'failed', text, error: { code, message, advice } } });
  }
};

type Noted = { lease: Lease; note: Pick<StepNote, 'status' | 'text' | 'error'> };

/** People see it under the run. A run book out of reach changes nothing: what holds is on this disk. */
const noteInRunBook = async (world: World, log: Log, { lease, note }: Noted): Promise<void> => {
  const now = world.clock.now().toISOString();
  const times = { startedAt: now, updatedAt: now, endedAt: now };
  const recovery = { state: 'Recovery', step: 'recovery', attempt: 0, percent: null, ...times, ...note };
  try {
    await publishLease(world, lease);
    await writeStepNote(world, lease.runId, recovery);
  } catch (error) {
    log.warn('recovery not noted', { run: lease.runId, error });
  }
};
