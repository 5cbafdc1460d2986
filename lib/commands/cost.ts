/** `/octo cost`: what an instance costs in AWS in a month, estimated from its schedule and its archives. Asks AWS nothing. */
import { type CostLine, monthlyCost } from '../domain/cost.ts';
import { secretNames } from '../domain/names.ts';
import { columns } from '../domain/reply.ts';
import { comingSlots } from '../domain/settings/schedule.ts';
import type { World } from '../ports/world.ts';
import { listArchives } from '../repository/catalog.ts';
import { readSettings } from '../repository/settings.ts';
import { count, size } from '../slack/text.ts';
import type { Command } from './grammar/command.ts';
import { instanceNamed } from './grammar/instance.ts';

const MONTH_MS = 30 * 86_400_000;
/** Every five minutes of a month: no schedule asks for more. */
const MOST_RUNS = 8_640;

export const cost: Command = {
  words: ['cost'],
  summary: 'What an instance costs in AWS in a month, estimated from its schedule and its archives.',
  positionals: [{ name: 'instance', summary: 'which Octopus server', isOptional: true }],
  options: {},
  example: '/octo cost prod',
  perform: async (world, { positionals }) => {
    const instance = instanceNamed(world, positionals['instance']);
    const facts = await factsOf(world, instance);
    const lines = monthlyCost(facts);
    const dollars = lines.reduce((sum, line) => sum + line.dollars, 0);
    return {
      headline: `${instance} costs about ${money(dollars)} a month in AWS; an estimate from list prices, without transfer and discounts.`,
      lines: [
        ...columns(lines.map(({ what, dollars: part }: CostLine) => [what, money(part)])),
        `${count(facts.runsPerMonth, 'backup')} a month by schedule, ${size(facts.storedBytes)} stored, ${size(facts.addedBytesPerRun)} new in the last one.`,
      ],
      json: { instance, ...facts, lines, dollars },
    };
  },
};

const money = (dollars: number): string => `$${dollars.toFixed(2)}`;

const factsOf = async (world: World, instance: string) => {
  const { schedule } = await readSettings(world, instance);
  const now = world.clock.now();
  const until = new Date(now.getTime() + MONTH_MS);
  const archives = await Array.fromAsync(listArchives(world, instance));
  const added = archives.map(({ database, folders }) => database.addedBytes + folders.addedBytes);
  const kept = await Promise.all(
    [secretNames.masterKeys(instance), secretNames.licenses(instance)].map((prefix) => world.secretStore.list(prefix)),
  );
  return {
    runsPerMonth: comingSlots(schedule, { after: now, until, most: MOST_RUNS }).length,
    addedBytesPerRun: added[0] ?? 0,
    storedBytes: added.reduce((sum, bytes) => sum + bytes, 0),
    hosts: world.instance(instance).hosts.length,
    secrets: kept.flat().length,
  };
};
