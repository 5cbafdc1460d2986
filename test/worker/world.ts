/**
 * A world for the tests of the worker, the run book and the leases: over one directory, with an Octopus server of flags.
 * Free of the test runner, since processes that are there to be killed use it too.
 */
import { join } from 'node:path';
import { directoryObjectStore } from '../../lib/adapters/object-store.directory.ts';
import { OctoError } from '../../lib/domain/errors.ts';
import type { RunRecord } from '../../lib/domain/runs/run.ts';
import type { Clock } from '../../lib/ports/clock.ts';
import type { OctopusApi, OctopusNode } from '../../lib/ports/octopus.ts';
import type { HostTaskBody, HostTasks } from '../../lib/ports/workflow-runtime.ts';
import type { World } from '../../lib/ports/world.ts';
import { createRun } from '../../lib/repository/run-book.ts';

/** Flags of an Octopus server; `refuses` names what it accepts and does not do, `isDown` makes every call fail. */
export type ServerFlags = {
  isInMaintenance: boolean;
  nodes: { name: string; isDraining: boolean }[];
  isDown?: boolean;
  refuses?: 'maintenance' | 'drain';
};

const octopusOf = (server: ServerFlags): OctopusApi => {
  const up = () => {
    if (server.isDown) throw new OctoError('OctopusUnavailable', 'no answer');
  };
  const nodeOf = ({ name, isDraining }: ServerFlags['nodes'][number]) =>
    ({ id: `OctopusServerNodes-${name}`, name, isDraining, maxConcurrentTasks: 5 }) as OctopusNode;
  return {
    isInMaintenance: async () => {
      up();
      return server.isInMaintenance;
    },
    setMaintenance: async (isOn: boolean) => {
      up();
      if (server.refuses !== 'maintenance') server.isInMaintenance = isOn;
    },
    nodes: async () => {
      up();
      return server.nodes.map(nodeOf);
    },
    setDraining: async ({ id }: { id: string }, isDraining: boolean) => {
      up();
      const node = server.nodes.find(({ name }) => id.endsWith(`-${name}`));
      if (node && server.refuses !== 'drain') node.isDraining = isDraining;
    },
  } as Partial<OctopusApi> as OctopusApi;
};

export const HOST = 'prod-1';

type Parts = { directory: string; clock: Clock; server: ServerFlags; hostTasks?: HostTasks };

/** A world with one instance `prod` on one host; only what this part of the program uses is there. */
export const worldOver = ({ directory, clock, server, hostTasks }: Parts): World =>
  ({
    clock,
    state: directoryObjectStore({ directory: join(directory, 'state') }),
    hostDirectory: join(directory, 'host'),
    hostTasks,
    instanceNames: () => ['prod'],
    instance: () => ({ name: 'prod', hosts: [{ name: HOST }] }),
    octopusApi: async () => octopusOf(server),
  }) as unknown as World;

/** A run of a backup of `prod`, not yet entered. */
export const runRecord = (id = 'run_00000001', changes: Partial<RunRecord> = {}): RunRecord => ({
  id,
  workflow: 'backup',
  instance: 'prod',
  requestedAt: '2026-03-04T01:59:00.000Z',
  requestedBy: { door: 'terminal', person: 'ana', channel: null },
  reason: null,
  options: {},
  archiveId: null,
  status: 'running',
  endedAt: null,
  outcome: null,
  ...changes,
});

/** The run, entered into the run book. */
export const enteredRun = (world: World, id?: string): Promise<RunRecord> => createRun(world, runRecord(id));

export const taskBody = (changes: Partial<HostTaskBody> = {}): HostTaskBody => ({
  token: 'token-1',
  runId: 'run_00000001',
  step: 'work',
  state: 'Work',
  attempt: 0,
  notAfter: '2026-03-05T02:00:00.000Z',
  input: {},
  ...changes,
});
