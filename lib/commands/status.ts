/** `/octo status`, and bare `/octo`: is every instance safe, what runs now, what can I do. */
import { OctoError } from '../domain/errors.ts';
import type { RunRecord } from '../domain/run.ts';
import type { World } from '../ports/world.ts';
import { latestGood } from '../repository/catalog.ts';
import { listRuns } from '../repository/run-book.ts';
import { duration } from '../slack/text.ts';
import type { Command } from './command.ts';

type Maintenance = 'on' | 'off' | 'unknown';

type InstanceStatus = {
  instance: string;
  /** As the server says it now; `unknown` with the reason when it does not answer. */
  maintenance: Maintenance;
  maintenanceReason: string | null;
  latestGood: { archive: string; takenAt: string; ageSeconds: number } | null;
  running: { run: string; workflow: string; by: string; since: string }[];
};

export const status: Command = {
  words: ['status'],
  summary: 'Newest good archive and its age, maintenance mode, and what is running.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: {},
  example: '/octo status prod',
  perform: async (world, { positionals }) => {
    const chosen = positionals['instance'];
    const names = chosen === undefined ? world.instanceNames() : [world.instance(chosen).name];
    const found = await Promise.all(names.map((name) => statusOf(world, name)));
    return {
      headline: found.every(({ latestGood }) => latestGood !== null)
        ? 'Every instance has a good archive.'
        : 'Not every instance has a good archive yet.',
      lines: found.flatMap(linesOf),
      json: { instances: Object.fromEntries(found.map((entry) => [entry.instance, entry])) },
    };
  },
};

const statusOf = async (world: World, instance: string): Promise<InstanceStatus> => {
  const [maintenance, newest, runs] = await Promise.all([
    maintenanceOf(world, instance),
    latestGood(world, instance),
    listRuns(world, { instance, limit: 10 }),
  ]);
  return {
    instance,
    ...maintenance,
    latestGood:
      newest === null
        ? null
        : {
            archive: newest.archiveId,
            takenAt: newest.takenAt,
            ageSeconds: Math.round((world.clock.now().getTime() - Date.parse(newest.takenAt)) / 1000),
          },
    running: runs.filter((run) => run.status === 'running').map(runningOf),
  };
};

const maintenanceOf = async (
  world: World,
  instance: string,
): Promise<{ maintenance: Maintenance; maintenanceReason: string | null }> => {
  try {
    const isOn = await (await world.octopusApi(instance)).isInMaintenance();
    return { maintenance: isOn ? 'on' : 'off', maintenanceReason: null };
  } catch (thrown) {
    return { maintenance: 'unknown', maintenanceReason: OctoError.from(thrown).message };
  }
};

const runningOf = (run: RunRecord) => ({
  run: run.id,
  workflow: run.workflow,
  by: run.requestedBy.person,
  since: run.requestedAt,
});

const linesOf = (entry: InstanceStatus): string[] => [
  `${entry.instance}: ${
    entry.latestGood === null
      ? 'no good archive yet. Take one with: /octo backup now'
      : `newest good archive ${entry.latestGood.archive}, ${duration(entry.latestGood.ageSeconds)} old`
  }`,
  `  maintenance mode ${entry.maintenance}${entry.maintenanceReason === null ? '' : ` (${entry.maintenanceReason})`}`,
  ...entry.running.map(({ run, workflow, by }) => `  running: ${workflow} ${run}, asked for by ${by}`),
];
