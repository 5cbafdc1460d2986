/** `kill -9` of the product in each state: the run goes on after the next start, and Octopus is never left in maintenance mode. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { plannedStates } from '../../lib/workflows/index.ts';
import { type Installation, install } from './installation.ts';

let place: Installation;

beforeAll(async () => {
  place = await install();
});
afterAll(() => place.remove());

describe('a product that is killed', () => {
  it.each(plannedStates('backup', { consistency: 'quiesced' }))('in %s goes on and ends good', async (state) => {
    const runId = await place.ask('ana', '/octo backup now');
    await place.until(runId, ({ run, steps }) => run.status === 'ended' || steps.some((note) => note.state === state));
    await place.kill();
    await place.start();
    const { run } = await place.ended(runId);

    expect(run.outcome).toMatchObject({ word: 'good', error: null });
    const { damaged } = await verifyArchive(place.world, { instance: 'prod', archiveId: run.archiveId! }, {});
    expect(damaged).toEqual([]);
    const api = await place.world.octopusApi('prod');
    expect(await api.isInMaintenance()).toBe(false);
    expect((await api.nodes()).some(({ isDraining }) => isDraining)).toBe(false);
  });
});
