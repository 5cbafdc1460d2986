/** What lists of runs look like in a terminal. */
import { expect, it } from 'vitest';
import { createRun } from '../../lib/repository/run-book.ts';
import { runRecord } from '../worker/world.ts';
import { commandsWorld } from './commands-world.ts';

it('runs are listed newest first, with times that people read', async () => {
  const { type, world } = commandsWorld();
  await createRun(world, runRecord('run_00000001'));
  await createRun(world, runRecord('run_00000002', { requestedAt: '2026-03-04T02:00:59.999Z' }));
  expect((await type('runs prod')).lines).toEqual([
    'run_00000002  running  backup prod  2026-03-04 02:00 UTC  ana',
    'run_00000001  running  backup prod  2026-03-04 01:59 UTC  ana',
  ]);
});
