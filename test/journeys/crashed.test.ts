/** `kill -9` of the product in each state: the run goes on after the next start, and Octopus is never left in maintenance mode. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { plannedStates } from '../../lib/workflows/index.ts';
import { type Installation, install } from './installation.ts';

/** Each run is killed in every fourth state, and goes through three others between. */
const RUNS = 4;
const STATES = plannedStates('backup', { consistency: 'quiesced' });
const TURNS = Array.from({ length: RUNS }, (_, turn) => STATES.filter((_state, at) => at % RUNS === turn));

let place: Installation;

beforeAll(async () => {
  place = await install();
});
afterAll(() => place.remove());

describe('a product that is killed', () => {
  it.each(TURNS.map((states) => [states.join(', '), states] as const))(
    'in %s goes on and ends good',
    async (_, states) => {
      const runId = await place.ask('ana', '/octo backup now');
      for (const state of states) {
        await place.until(
          runId,
          ({ run, steps }) => run.status === 'ended' || steps.some((note) => note.state === state),
        );
        await place.kill();
        await place.start();
      }
      const { run } = await place.ended(runId);

      expect(run.outcome).toMatchObject({ word: 'good', error: null });
      const { damaged } = await verifyArchive(place.world, { instance: 'prod', archiveId: run.archiveId! }, {});
      expect(damaged).toEqual([]);
      expect(await place.closedDoors()).toEqual([]);
    },
  );
});
