/**
 * Random histories of backups, failed runs, deletions, readers and collections: whatever happens in whatever order, every
 * archive in the list and every one that is read is whole, and in the end only what is needed is left.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { collectUnneeded, TRASH_HOURS } from '../../lib/archive/care/collect.ts';
import { neededObjects } from '../../lib/archive/care/needed.ts';
import { newIndex } from '../../lib/archive/index/archive-index.ts';
import { encodeIndex } from '../../lib/archive/index/index-text.ts';
import { besideDamaged, listPacks, sha256Hex, storeByContent, storeIndex } from '../../lib/archive/pack/packs.ts';
import { sharedObjects } from '../../lib/archive/pack/shared-objects.ts';
import type { Manifest } from '../../lib/domain/archives/archive.ts';
import { archiveIdOf, archiveKeys, runIdOf } from '../../lib/domain/names.ts';
import { writeManifest } from '../../lib/repository/archives.ts';
import { listArchives } from '../../lib/repository/catalog.ts';
import { holdForReading, releaseReading } from '../../lib/repository/store-care/reader-holds.ts';
import { trashedNames } from '../../lib/repository/store-care/trash.ts';
import { unlistArchive } from '../../lib/repository/store-care/unlist.ts';
import { storeWorld, type StoreWorld } from '../repository/store-world.ts';
import { manifestOf } from './fixtures.ts';

const HOUR_MS = 3_600_000;
const CONTENTS = 6;

type Act =
  | { kind: 'backup'; contents: number[]; isSealed: boolean }
  | { kind: 'delete' | 'read' | 'release'; which: number }
  | { kind: 'pass'; hours: number }
  | { kind: 'collect' };

/** What a history has come to, as far as the store does not say it. */
type History = { world: StoreWorld; runs: number; read: Map<string, Manifest> };

/** As `lib/archive` stores: nothing is taken over that is named, and the same content then gets another name. */
const backUp = async (history: History, { contents, isSealed }: { contents: number[]; isSealed: boolean }) => {
  const { world } = history;
  const avoided = await trashedNames(world, 'prod');
  const present = await listPacks(world, archiveKeys.packs('prod'));
  const index = newIndex(world.clock.now().getTime() * 1000 + history.runs++);
  for (const content of new Set(contents)) {
    const bytes = Buffer.from(`pack of content ${content}`);
    const pack = besideDamaged({ bytes, sha256: sha256Hex(bytes) }, avoided);
    if (!present.has(pack.sha256)) await storeByContent(world, `${archiveKeys.packs('prod')}${pack.sha256}`, pack);
    index.packs.push({ sha256: pack.sha256, sizeBytes: pack.bytes.length, runId: 'run_1' });
  }
  const stored = await storeIndex(world, 'prod', encodeIndex(index));
  const ofDump = await storeIndex(world, 'prod', encodeIndex(newIndex(index.startedAt + 1000)));
  if (!isSealed) return;
  const requestedAt = world.clock.now().toISOString();
  const id = runIdOf(`run ${history.runs}`);
  const manifest = manifestOf({ archiveId: archiveIdOf({ id, requestedAt }), word: 'good' });
  const folders = { ...manifest.folders, ...stored };
  await writeManifest(world, { ...manifest, folders, database: { ...manifest.database, ...ofDump } });
};

const chosen = async ({ world }: History, which: number): Promise<Manifest | undefined> => {
  const listed = await Array.fromAsync(listArchives(world, 'prod'));
  return listed[which % Math.max(1, listed.length)];
};

const perform = async (history: History, act: Act): Promise<void> => {
  const { world, read } = history;
  if (act.kind === 'backup') await backUp(history, act);
  else if (act.kind === 'pass') await world.clock.advance(act.hours * HOUR_MS);
  else if (act.kind === 'collect') await collectUnneeded(world, 'prod', async () => {});
  else if (act.kind === 'release') {
    for (const manifest of read.values()) await releaseReading(world, manifest, 'run_R');
    read.clear();
  } else {
    const manifest = await chosen(history, act.which);
    if (manifest === undefined) return;
    if (act.kind === 'delete') await unlistArchive(world, manifest, 'run_D').catch(() => undefined);
    else {
      await holdForReading(world, manifest, { runId: 'run_R', hours: 24 * 365 });
      read.set(manifest.archiveId, manifest);
    }
  }
};

const missing = async ({ world, read }: History): Promise<string[]> => {
  const listed = await Array.fromAsync(listArchives(world, 'prod'));
  const present = new Set((await Array.fromAsync(world.archives.list('prod/'))).map(({ key }) => key));
  const needs = await Promise.all([...listed, ...read.values()].map((manifest) => sharedObjects(world, manifest)));
  return needs.flatMap(({ sizes }) => [...sizes.keys()]).filter((key) => !present.has(key));
};

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('backup' as const),
      contents: fc.array(fc.nat(CONTENTS - 1), { maxLength: 4 }),
      isSealed: fc.constantFrom(true, true, false),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'release' as const), which: fc.nat(9) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), hours: fc.constantFrom(1, 25, TRASH_HOURS) }),
  },
  { weight: 5, arbitrary: fc.constant({ kind: 'collect' as const }) },
);

test('nothing that is needed ever goes, and what is not goes in the end', async () => {
  const property = fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 25 }), async (acts) => {
    const history: History = { world: storeWorld(), runs: 0, read: new Map() };
    for (const one of acts) {
      await perform(history, one);
      expect(await missing(history)).toEqual([]);
    }
    const { world } = history;
    for (const hours of [25, TRASH_HOURS]) {
      await perform(history, { kind: 'release', which: 0 });
      await world.clock.advance(hours * HOUR_MS);
      await collectUnneeded(world, 'prod', async () => {});
    }
    const { objects, archives } = await neededObjects(world, 'prod', async () => {});
    const left = (await Array.fromAsync(world.archives.list('prod/'))).map(({ key }) => key);
    const manifests = [...archives].map((archiveId) => archiveKeys.manifest('prod', archiveId));
    expect(left.toSorted()).toEqual([...objects, ...manifests].toSorted());
  });
  await fc.assert(property, { numRuns: 8 });
}, 120_000);
