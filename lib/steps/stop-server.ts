/**
 * The server is stopped, and its rows are counted as nobody changes them any more: a return is proven by these counts.
 *
 * That it is being stopped is written down first, so that whoever comes after a kill starts it again.
 */
import * as z from 'zod';
import type { ServerJournal } from '../domain/restores/journal.ts';
import { isOctoError } from '../domain/errors.ts';
import type { World } from '../ports/world.ts';
import { openLease, readLease } from '../repository/lease/lease.ts';
import { changeJournal, readJournal } from '../repository/restore-journal.ts';
import { readSettings } from '../repository/settings.ts';
import { requireRestorePlan } from './restoring/restore-of-run.ts';
import { stopServer } from './restoring/server-service.ts';
import { defineStep } from './step.ts';

/** A server that does not answer has no flags to be put back. */
const NO_FLAGS = { isInMaintenance: false, nodes: [] };

/** @throws ServerNotStopped */
export const step = defineStep(
  { name: 'stop-server', runsOn: 'host', input: z.strictObject({}), output: z.strictObject({}) },
  async (world, _input, { run, beat, signal }) => {
    const { octopus } = await requireRestorePlan(world, run);
    if ((await readLease(world, run.id)) === null) {
      const { quietMinutes } = await readSettings(world, run.instance);
      await openLease(world, run, { quietMinutes, earlier: NO_FLAGS });
    }
    await beat({ text: 'stopping the server' });
    const stoppedAt = world.clock.now().toISOString();
    const server = { wasRunning: octopus.isRunning, stoppedAt, counts: null } satisfies ServerJournal;
    await changeJournal(world, run.id, (journal) => ({ ...journal, server: journal.server ?? server }));
    await stopServer(world, run.instance, { signal });
    await beat({ text: 'counting the rows of its database' });
    await noteCounts(world, run);
    return {};
  },
);

/** Counted once: when this runs again its first counts stand. */
const noteCounts = async (world: World, { id, instance }: { id: string; instance: string }): Promise<void> => {
  const server = (await readJournal(world, id))?.server;
  if (!server || server.counts !== null) return;
  const counts = await countRows(world, instance).catch((thrown: unknown) => {
    // A server that was broken before may have a database that nobody can read.
    if (!server.wasRunning && isOctoError(thrown)) return null;
    throw thrown;
  });
  await changeJournal(world, id, (journal) => ({ ...journal, server: { ...server, counts } }));
};

const countRows = async (world: Pick<World, 'octopusDatabase'>, instance: string): Promise<Record<string, number>> =>
  (await world.octopusDatabase(instance)).counts();
