/** Days on which something is wrong with the store, here S3: nothing half is listed, and what passes by itself is survived. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { verifyArchive } from '../../lib/archive/verify.ts';
import { type Installation, install } from './installation.ts';

let place: Installation;
/** Archives that ought to be listed. */
const sealed: string[] = [];
let mend: () => Promise<void> = async () => {};

beforeAll(async () => {
  place = await install({ hasS3: true });
});
afterAll(() => place.remove());

afterEach(async () => {
  await mend();
  await expectNoHarm();
});

/** Octopus is open to its users, and what is listed is what was sealed. */
const expectNoHarm = async (): Promise<void> => {
  expect(await place.closedDoors()).toEqual([]);
  expect(await place.listed()).toEqual(sealed);
};

it('store-full: the backup fails, Octopus is not touched', async () => {
  mend = await place.fault('store-full');
  const { run } = await place.ended(await place.ask('ana', '/octo backup now'));
  expect(run.outcome).toMatchObject({ word: 'failed', error: { code: 'StoreFull' }, backup: null });
  const card = await place.lastWord(run.id);
  for (const said of ['Backup failed', 'StoreFull', 'Do next']) expect(card).toContain(said);
});

it('store-slow: the backup takes longer, and is good', async () => {
  mend = await place.fault('store-slow=20');
  const { run } = await place.ended(await place.ask('ana', '/octo backup now'));
  expect(run.outcome).toMatchObject({ word: 'good', gaps: [] });
  sealed.push(run.archiveId!);
});

it('full when all but the manifest is stored: what is there is not listed', async () => {
  const runId = await place.ask('ana', '/octo backup now');
  await place.until(runId, ({ steps }) => steps.some(({ state }) => state === 'StoreDatabase'));
  mend = await place.fault('store-full');
  const { run } = await place.ended(runId);
  expect(run.outcome).toMatchObject({ word: 'failed', error: { code: 'StoreFull' }, backup: null });
  expect(run.outcome?.safeNow).toContain(`The newest good archive, ${sealed[0]}, is`);
});

it('store-wrong-bytes: no wrong byte is believed, and what was stored is whole', async () => {
  const at = { instance: 'prod', archiveId: sealed[0]! };
  mend = await place.fault('store-wrong-bytes');
  await expect(verifyArchive(place.world, at, {})).rejects.toMatchObject({ code: 'StoreDamaged' });
  await mend();
  expect((await verifyArchive(place.world, at, {})).damaged).toEqual([]);
});
