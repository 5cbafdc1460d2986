/** `/octo cost`: an estimate that grows with what is asked of the instance. */
import { expect, it } from 'vitest';
import { monthlyCost } from '../../lib/domain/cost.ts';
import { commandsWorld } from './commands-world.ts';

const facts = { runsPerMonth: 30, addedBytesPerRun: 1e9, storedBytes: 100e9, hosts: 1, secrets: 2 };
const of = (changes: Partial<typeof facts>) =>
  Object.fromEntries(monthlyCost({ ...facts, ...changes }).map(({ what, dollars }) => [what, dollars]));

it('adds up what is paid for', () => {
  const once = of({});
  expect(once['workflows']).toBeCloseTo(30 * 25 * 0.000025, 6);
  expect(once['stored archives']).toBeCloseTo(2.3, 6);
  expect(once['secrets and the key']).toBeCloseTo(1.8, 6);
  expect(of({ runsPerMonth: 60 })['workflows']).toBeCloseTo(once['workflows']! * 2, 6);
  expect(of({ hosts: 2 })['queues']).toBeCloseTo(once['queues']! * 2, 6);
  expect(of({ runsPerMonth: 0 })['requests to the stores']).toBeLessThan(once['requests to the stores']!);
});

it('is told from schedule and archives', async () => {
  const { type, seal } = commandsWorld();
  await seal(5);
  const reply = await type('cost prod');
  expect(reply.headline).toMatch(/^prod costs about \$\d+\.\d\d a month in AWS/);
  // Six a day online, and one in maintenance mode.
  expect(reply.lines.at(-1)).toMatch(/^210 backups a month by schedule/);
  expect(reply.json).toMatchObject({ instance: 'prod', runsPerMonth: 210, hosts: 1 });
});
