/** The verification by schedule: it finds every kind of damage in its time, marks it, tells it once, and goes on after a kill. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../lib/archive/pack/packs.ts';
import type { ChatMessage, PostOnce } from '../../lib/ports/chat.ts';
import type { World } from '../../lib/ports/world.ts';
import { damagedNames } from '../../lib/repository/damage.ts';
import { changeSettings } from '../../lib/repository/settings.ts';
import { moveVerification, readVerification } from '../../lib/repository/store-care/verification.ts';
import { unlistArchive } from '../../lib/repository/store-care/unlist.ts';
import { verifyTick } from '../../lib/runs/verify-tick.ts';
import { backUp, serverWorld } from '../archive/backup.ts';
import { runOf } from '../archive/fixtures.ts';
import { plant, scratchDirectory, scratchWorld } from '../archive/scratch.ts';
import { noise } from '../archive/trees.ts';
import { type TestClock, testClock } from '../clock.ts';

/** The hand goes round in eighteen hours: so it moves by a five-hundredth. */
const MINUTES_MS = 130_000;
type Posted = ChatMessage & { channel: string; once?: PostOnce };

/** An archive of a few objects, read again within a day. */
const served = async () => {
  const directory = scratchDirectory();
  const clock = testClock(new Date());
  const posted: Posted[] = [];
  const scratch = { ...scratchWorld(directory), clock };
  const chat = {
    post: async (message: Posted) => {
      posted.push(message);
      return { channel: message.channel, ts: `${posted.length}` };
    },
  };
  const world = { ...serverWorld(directory, scratch), clock, chat } as unknown as World & { clock: TestClock };
  await changeSettings(world, 'prod', (settings) => ({ ...settings, verifyDays: 1 }));
  plant(join(directory, 'server'), { 'Packages/a.zip': noise(50_000, 1), 'TaskLogs/1.txt': 'log' });
  const at = await backUp(world, runOf(1), Buffer.from('the database'));
  const tick = () => verifyTick(world, { instance: 'prod', channel: 'C1', signal: new AbortController().signal });
  /** The minutes in which the hand passes this name. */
  const passName = async (name: string) => {
    const seen = await readVerification(world, 'prod');
    const position = Math.max(0, Number.parseInt(name.slice(0, 12), 16) / 16 ** 12 - 0.0005);
    const hand = { position, movedUntil: clock.now().toISOString(), cameRoundAt: null };
    await moveVerification(world, 'prod', { seen, next: { hand, untold: [] } });
    await clock.advance(MINUTES_MS);
    await tick();
  };
  const passArchive = () => passName(sha256Hex(Buffer.from(at.archiveId)));
  return { directory, world, at, posted, tick, passName, passArchive, store: join(directory, 'store', 'prod') };
};

const fileIn = (store: string, folder: string) => {
  const name = readdirSync(join(store, folder)).toSorted()[0]!;
  return { path: join(store, folder, name), key: `prod/${folder}/${name}`, sha256: name.slice(0, 64) };
};

test('a sound store is read through, and nobody is bothered', async () => {
  const { world, posted, tick, passName, passArchive, store } = await served();
  await tick();
  const { hand } = await readVerification(world, 'prod');
  expect(hand).toMatchObject({ position: 0, movedUntil: world.clock.now().toISOString() });
  for (const folder of ['packs', 'database', 'indexes']) await passName(fileIn(store, folder).sha256);
  await passArchive();
  expect((await readVerification(world, 'prod')).hand.movedUntil).toBe(world.clock.now().toISOString());
  expect(posted).toEqual([]);
  expect(await damagedNames(world, 'prod')).toEqual(new Set());
});

test.each([
  ['a pack of files', 'packs'],
  ['a pack of the database', 'database'],
  ['an index', 'indexes'],
])('%s that has rotted is found, marked and told once', async (_what, folder) => {
  const { world, at, posted, passName, passArchive, store } = await served();
  const { path, key, sha256 } = fileIn(store, folder);
  writeFileSync(path, 'rotten');
  await passName(sha256);
  expect(await damagedNames(world, 'prod')).toEqual(new Set([sha256, at.archiveId]));
  expect(posted.map(({ channel }) => channel)).toEqual(['C1']);
  expect(posted[0]!.text).toBe('Damage found in the stored archives of prod: 1 object, 1 archive no longer good.');
  expect(JSON.stringify(posted[0]!.blocks)).toContain(key);
  await passName(sha256);
  await passArchive();
  expect(posted).toHaveLength(1);
});

test.each([
  ['a pack', 'packs'],
  ['an index', 'indexes'],
])('%s that is gone is found when its archive is looked at', async (_what, folder) => {
  const { world, at, posted, passArchive, store } = await served();
  const { path, sha256 } = fileIn(store, folder);
  rmSync(path);
  await passArchive();
  expect(await damagedNames(world, 'prod')).toEqual(new Set([sha256, at.archiveId]));
  expect(posted).toHaveLength(1);
});

test.each(['manifest.json', 'restore.sh', 'sections/proof.json'])(
  'a damaged %s makes its archive damaged',
  async (name) => {
    const { world, at, posted, passArchive, store } = await served();
    writeFileSync(join(store, 'archives', at.archiveId, name), '{"half of');
    await passArchive();
    expect(await damagedNames(world, 'prod')).toEqual(new Set([at.archiveId]));
    expect(posted).toHaveLength(1);
  },
);

test('what was deleted meanwhile is no damage', async () => {
  const { world, at, posted, passName, passArchive, store } = await served();
  await unlistArchive(world, at, 'run_1');
  const { path, sha256 } = fileIn(store, 'packs');
  rmSync(path);
  await passName(sha256);
  await passArchive();
  expect(posted).toEqual([]);
});

test('killed before it could mark or tell, it does so at the next tick', async () => {
  const { world, at, posted, passArchive, tick, store } = await served();
  rmSync(fileIn(store, 'packs').path);
  const { create } = world.archives;
  // The store takes no marks; then the chat takes no message; then all is well.
  world.archives.create = () => Promise.reject(new Error('killed'));
  await expect(passArchive()).rejects.toThrow('killed');
  expect((await readVerification(world, 'prod')).untold).toHaveLength(1);
  world.archives.create = create;
  const { post } = world.chat;
  world.chat.post = () => Promise.reject(new Error('no chat'));
  await expect(tick()).rejects.toThrow('no chat');
  world.chat.post = post;
  await tick();
  await tick();
  expect(posted).toHaveLength(1);
  expect((await damagedNames(world, 'prod')).has(at.archiveId)).toBe(true);
  expect((await readVerification(world, 'prod')).untold).toEqual([]);
});

test('stopped in the middle, it goes on where it was', async () => {
  const { world, passArchive, tick } = await served();
  await passArchive();
  const { hand } = await readVerification(world, 'prod');
  await world.clock.advance(MINUTES_MS);
  const signal = AbortSignal.abort(new Error('stopped'));
  await expect(verifyTick(world, { instance: 'prod', channel: null, signal })).rejects.toThrow('stopped');
  expect((await readVerification(world, 'prod')).hand).toEqual(hand);
  await tick();
  expect((await readVerification(world, 'prod')).hand.movedUntil).toBe(world.clock.now().toISOString());
});
