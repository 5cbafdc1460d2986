/** `/octo status`, and bare `/octo`: is every instance safe, what runs now, what comes next. */
import { isSafe, type Standing, type Verification } from '../domain/settings/standing.ts';
import { readStanding } from '../runs/standing.ts';
import { objectivesWords } from '../slack/run/drill-words.ts';
import { count, duration, utcTime } from '../slack/text.ts';
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
      lines: [...found.flatMap(linesOf), '', 'To do something: /octo backup now · /octo backup list · /octo help'],
      json: { instances: Object.fromEntries(found.map((standing) => [standing.instance, summary(standing)])) },
    };
  },
};

const headline = (found: Standing[]): string => {
  if (found.some(({ unreadable }) => unreadable.length > 0))
    return 'Not everything can be read; what is known follows.';
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
  damagedArchives: standing.damagedCount,
  verification: standing.verification,
  objectives: standing.objectives,
  unreadable: standing.unreadable,
  running: standing.running.map(({ id, workflow, requestedBy, requestedAt }) => ({
    run: id,
    workflow,
    by: requestedBy.person,
    since: requestedAt,
  })),
});

const linesOf = ({ instance, maintenance, ...standing }: Standing): string[] => [
  `${instance}: ${archiveWords(standing)}`,
  ...standing.unreadable.map((what) => `  not known: ${what}`),
  ...damageWords(standing),
  ...verificationWords(standing.verification),
  ...(standing.objectives === null ? [] : [`  ${objectivesWords(standing.objectives, utcTime).join(' · ')}`]),
  `  maintenance mode ${maintenance}${standing.maintenanceReason === null ? '' : ` (${standing.maintenanceReason})`}`,
  `  ${nextWords(standing)}`,
  ...standing.running.map(
    ({ id, workflow, requestedBy }) => `  running: ${workflow} ${id}, asked for by ${requestedBy.person}`,
  ),
];

const archiveWords = ({
  latestGood,
  targetSeconds,
  areArchivesRead,
}: Pick<Standing, 'latestGood' | 'targetSeconds' | 'areArchivesRead'>): string => {
  if (!areArchivesRead) return 'its archives cannot be read';
  if (latestGood === null) return 'no good archive yet. Take one with: /octo backup now';
  const target = targetSeconds === null ? 'target unknown' : `target ${duration(targetSeconds)}`;
  return `newest good archive ${latestGood.archive}, ${duration(latestGood.ageSeconds)} old (${target})`;
};

const damageWords = ({ damagedCount }: Pick<Standing, 'damagedCount'>): string[] =>
  damagedCount === 0 ? [] : [`  ${count(damagedCount, 'archive')} DAMAGED and not counted: /octo backup list`];

/** A verification that a day's rest would not explain is behind. */
const BEHIND_SECONDS = 86_400;

const verificationWords = (verification: Verification | null): string[] => {
  if (verification === null) return [];
  const { days, cameRoundAt, behindSeconds } = verification;
  const last = cameRoundAt === null ? 'for the first time' : `last time by ${utcTime(cameRoundAt)}`;
  const behind = behindSeconds > BEHIND_SECONDS ? `; ${duration(behindSeconds)} BEHIND` : '';
  return [`  everything stored is read again within ${count(days, 'day')}, ${last}${behind}`];
};

const nextWords = ({ nextRun, pause }: Pick<Standing, 'nextRun' | 'pause'>): string => {
  const paused = pause === null ? '' : ` (paused by ${pause.by}: /octo backup resume)`;
  return nextRun === null ? `no next run${paused}` : `next run ${utcTime(nextRun.at)}, ${nextRun.consistency}${paused}`;
};
