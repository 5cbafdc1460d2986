/** `/octo backup now`, whole: signed HTTP in, one card and one archive out, the server as it was before. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { latestGood } from '../../lib/repository/catalog.ts';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { type Installation, eventually, install } from './installation.ts';

let place: Installation;

beforeAll(async () => {
  place = await install();
});
afterAll(() => place.remove());

const cardOf = (runId: string) =>
  place.slack.api
    .messages()
    .filter(({ visibleTo, blocks }) => visibleTo === null && JSON.stringify(blocks).includes(runId));

const isInMaintenance = async (): Promise<boolean> => (await place.world.octopusApi('prod')).isInMaintenance();

describe('/octo backup now', () => {
  it('ends good, with one card, a whole archive, and Octopus as it was', async () => {
    const runId = await place.ask('ana', '/octo backup now reason:"before the upgrade"');
    const { run } = await place.ended(runId);

    expect(run).toMatchObject({ requestedBy: { person: 'ana', door: 'slack' }, reason: 'before the upgrade' });
    expect(run.outcome).toMatchObject({ word: 'good', gaps: [], error: null });
    expect(run.outcome?.backup?.keyProof.opened).toBe(run.outcome?.backup?.keyProof.sampled);
    expect(run.outcome?.backup?.files).toMatchObject({ missingCount: 0 });

    const card = await eventually('the card to be final', async () => {
      const [only, ...others] = cardOf(runId);
      expect(others).toEqual([]);
      return only?.text.includes('good') === true ? only : null;
    });
    expect(JSON.stringify(card.blocks)).toContain(run.archiveId);

    const manifest = await latestGood(place.world, 'prod');
    expect(manifest).toMatchObject({ archiveId: run.archiveId, runId, word: 'good' });
    const verified = await verifyArchive(place.world, { instance: 'prod', archiveId: run.archiveId! }, {});
    expect(verified.damaged).toEqual([]);

    expect(await isInMaintenance()).toBe(false);
    const nodes = await (await place.world.octopusApi('prod')).nodes();
    expect(nodes.map(({ isDraining }) => isDraining)).toEqual([false]);
  });

  it('stores next to nothing when little has changed', async () => {
    const { run } = await place.ended(await place.ask('ana', '/octo backup now'));
    expect(run.outcome?.word).toBe('good');
    expect(run.outcome!.backup!.addedBytes).toBeLessThan(run.outcome!.backup!.totalBytes / 4);
  });

  it('is joined by whoever asks while it runs', async () => {
    const first = await place.ask('ana', '/octo backup now consistency:online');
    const second = await place.ask('ben', '/octo backup now');
    expect(second).toBe(first);
    expect((await place.ended(first)).run.outcome).toMatchObject({
      word: 'good',
      backup: { consistency: 'online', quietSeconds: 0 },
    });
  });

  it('leaves a maintenance mode on that somebody else switched on', async () => {
    const api = await place.world.octopusApi('prod');
    await api.setMaintenance(true);
    const { run } = await place.ended(await place.ask('ana', '/octo backup now'));
    expect(run.outcome?.word).toBe('good');
    expect(await isInMaintenance()).toBe(true);
    await api.setMaintenance(false);
  });

  it('starts nothing when it is not understood', async () => {
    const before = place.slack.api.messages().length;
    await place.slack.api.type('ana', '/octo bakcup now');
    const answer = await eventually('an answer', async () => place.slack.api.messages()[before] ?? null);
    expect(answer.visibleTo).not.toBeNull();
    expect(JSON.stringify(answer.blocks)).toMatch(/nearest is .{0,4}backup now.*CommandUnknown/);
  });
});
