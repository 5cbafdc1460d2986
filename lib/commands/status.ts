/** `/octo status`, and bare `/octo`: is every instance safe, what runs now, what comes next. */
import { isSafe, type Standing } from '../domain/settings/standing.ts';
import { readStanding } from '../runs/standing.ts';
import { duration, utcTime } from '../slack/text.ts';
import type { Command } from './grammar/command.ts';

export const status: Command = {
  words: ['status'],
  summary: 'Newest good archive and its age against the target, maintenance mode, what is running, the next run.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: {},
  example: '/octo status prod',
  perform: async (world, { positionals }) => {
    const chosen = positionals['instance'];
    const names = chosen === undefined ? world.instanceNames() : [world.instance(chosen).name];
    const found = await Promise.all(names.map((name) => readStanding(world, name)));
    return {
      headline: headline(found),
      lines: found.flatMap(linesOf),
      json: { instances: Object.fromEntries(found.map((standing) => [standing.instance, summary(standing)])) },
    };
  },
};

const headline = (found: Standing[]): string => {
  if (found.some(({ latestGood }) => latestGood === null)) return 'Not every instance has a good archive yet.';
  return found.every(isSafe)
    ? 'Every instance has a good archive within its target.'
    : 'Not every instance has a good archive within its target.';
};

const summary = (standing: Standing) => ({
  instance: standing.instance,
  isSafe: isSafe(standing),
  maintenance: standing.maintenance,
  maintenanceReason: standing.maintenanceReason,
  latestGood: standing.latestGood,
  targetSeconds: standing.targetSeconds,
  pause: standing.pause,
  nextRun: standing.nextRun,
  running: standing.running.map(({ id, workflow, requestedBy, requestedAt }) => ({
    run: id,
    workflow,
    by: requestedBy.person,
    since: requestedAt,
  })),
});

const linesOf = ({ instance, latestGood, targetSeconds, maintenance, ...standing }: Standing): string[] => [
  `${instance}: ${
    latestGood === null
      ? 'no good archive yet. Take one with: /octo backup now'
      : `newest good archive ${latestGood.archive}, ${duration(latestGood.ageSeconds)} old (target ${duration(targetSeconds)})`
  }`,
  `  maintenance mode ${maintenance}${standing.maintenanceReason === null ? '' : ` (${standing.maintenanceReason})`}`,
  `  ${nextWords(standing)}`,
  ...standing.running.map(
    ({ id, workflow, requestedBy }) => `  running: ${workflow} ${id}, asked for by ${requestedBy.person}`,
  ),
];

const nextWords = ({ nextRun, pause }: Pick<Standing, 'nextRun' | 'pause'>): string => {
  const paused = pause === null ? '' : ` (paused by ${pause.by}: /octo backup resume)`;
  return nextRun === null ? `no next run${paused}` : `next run ${utcTime(nextRun.at)}, ${nextRun.consistency}${paused}`;
};
