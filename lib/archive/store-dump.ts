/**
 * Stores a database dump: only pages that the last dump did not have, or all of it in order where fewer than half of
 * them were found again. Its index puts the file together byte for byte. @see docs/format.md §4
 */
import { stat } from 'node:fs/promises';
import { OctoError } from '../domain/errors.ts';
import { archiveKeys } from '../domain/names.ts';
import type { World } from '../ports/world.ts';
import { damagedNames } from '../repository/damage.ts';
import { type ArchiveIndex, addBlock, addFile, addPiece, indexMerger, newIndex } from './index/archive-index.ts';
import { PACK_BYTES, PIECE_BYTES } from './pack/batches.ts';
import { type Ask, type Crew, openCrew, tasksIn } from './crew/crew.ts';
import type { Span } from './crew/pages.ts';
import { hostIndexes } from './index/host-indexes.ts';
import { encodeIndex } from './index/index-text.ts';
import { addedBytes } from './pack-folders.ts';
import type { Watch } from './pack/pack-tree.ts';
import { besideDamaged, listPacks, storeByContent, storeIndex } from './pack/packs.ts';
import {
  type NewPageTable,
  type PageTable,
  type StoredBlock,
  createPageTable,
  openPageTable,
} from './dump/page-table.ts';
import { type Dump, type LastDump, type PagePlan, planPages } from './dump/plan-pages.ts';

/** The one file of a dump's index. */
export const DUMP_NAME = 'database.bak';

export type StoreDumpRequest = {
  instance: string;
  runId: string;
  path: string;
  /** As in `PackFoldersRequest`. */
  avoid?: ReadonlySet<string>;
};
export type StoredDump = {
  indexKey: string;
  indexSha256: string;
  sizeBytes: number;
  sha256: string;
  addedBytes: number;
  reusedPercent: number;
};

type Host = Pick<World, 'archives' | 'clock' | 'hostDirectory'>;

/** Below this share it is not worth to scatter a dump over old packs. */
const WORTHWHILE_REUSE = 0.5;
const BLOCKS_PER_PACK = PACK_BYTES / PIECE_BYTES;

/** @throws DumpChanged, and what the store throws */
export const storeDump = async (world: Host, request: StoreDumpRequest, watch: Watch = {}): Promise<StoredDump> => {
  const { directory } = hostIndexes(world.hostDirectory, request.instance);
  const before = await stat(request.path);
  const dump = { path: request.path, sizeBytes: before.size };
  // Its threads start while the store is asked.
  const crew = openCrew({ slotBytes: PACK_BYTES, mostTasks: tasksIn(before.size), signal: watch.signal });
  let table: PageTable | null = null;
  let planned;
  try {
    const present = await listPacks(world, archiveKeys.database(request.instance));
    const damaged = await damagedNames(world, request.instance, request.avoid);
    table = await openPageTable(directory);
    const isPresent = ({ pack }: StoredBlock): boolean =>
      !damaged.has(pack.sha256) && present.get(pack.sha256) === pack.sizeBytes;
    const last = table && { table, isPresent };
    planned = await planAndHash(dump, { last, directory }, { crew, watch });
    const blocks = await packBlocks({ world, request, crew, present, damaged, watch }, planned.plan);
    await assertUnchanged(dump.path, before);
    const index = indexOf({ ...planned, ...dump, blocks }, world.clock.now());
    const bytes = encodeIndex(index);
    const stored = await storeIndex(world, request.instance, bytes);
    for (const [number, block] of blocks.entries()) planned.next.addBlock(number, block);
    await planned.next.finish();
    return {
      ...stored,
      sizeBytes: dump.sizeBytes,
      sha256: planned.sha256,
      addedBytes: addedBytes(index.packs, { runId: request.runId, indexBytes: bytes.length }),
      reusedPercent: Math.round(100 * (1 - planned.plan.newBytes / dump.sizeBytes)),
    };
  } catch (thrown) {
    await planned?.next.discard();
    throw thrown;
  } finally {
    table?.close();
    await crew.close();
  }
};

type Planned = { plan: PagePlan; next: NewPageTable; sha256: string };

/** One worker names the pages while another hashes the whole file. */
const planAndHash = async (
  dump: Dump,
  { last, directory }: { last: LastDump | null; directory: string },
  { crew, watch }: { crew: Crew; watch: Watch },
): Promise<Planned> => {
  let sha256 = '';
  let planned: Omit<Planned, 'sha256'> | undefined;
  const onProgress = (bytes: number) => watch.onProgress?.({ bytes, ofBytes: dump.sizeBytes * 2 });
  const plan = async (ask: Ask, against: LastDump | null): Promise<void> => {
    const next = await createPageTable(directory);
    planned = {
      next,
      plan: await planOrDiscard(next, () => planPages(dump, { last: against, next }, { ask, onProgress })),
    };
    if (against !== null && planned.plan.newBytes > dump.sizeBytes * (1 - WORTHWHILE_REUSE)) {
      await next.discard();
      await plan(ask, null);
    }
  };
  const hashAll = async (ask: Ask): Promise<void> => {
    sha256 = await ask('hashFile', { path: dump.path });
  };
  await crew.each([(ask: Ask) => plan(ask, last), hashAll], (task, ask) => task(ask));
  return { ...planned!, sha256 };
};

const planOrDiscard = async (next: NewPageTable, plan: () => Promise<PagePlan>): Promise<PagePlan> => {
  try {
    return await plan();
  } catch (thrown) {
    await next.discard();
    throw thrown;
  }
};

type Packing = {
  world: Host;
  request: StoreDumpRequest;
  crew: Crew;
  present: ReadonlyMap<string, number>;
  damaged: ReadonlySet<string>;
  watch: Watch;
};
type NewBlock = { number: number; spans: Span[] };

/** Packs the new blocks; all blocks of the plan as they are stored, by number. */
const packBlocks = async (packing: Packing, plan: PagePlan): Promise<StoredBlock[]> => {
  const blocks: StoredBlock[] = [];
  const fresh: NewBlock[] = [];
  for (const [number, block] of plan.blocks.entries()) {
    if ('stored' in block) blocks[number] = block.stored;
    else fresh.push({ number, spans: block.spans });
  }
  const packs = Array.from({ length: Math.ceil(fresh.length / BLOCKS_PER_PACK) }, (_, pack) =>
    fresh.slice(pack * BLOCKS_PER_PACK, (pack + 1) * BLOCKS_PER_PACK),
  );
  let done = 0;
  await packing.crew.each(packs, async (group, ask) => {
    for (const [n, block] of (await packGroup(packing, group, ask)).entries()) blocks[group[n]!.number] = block;
    packing.watch.onProgress?.({ bytes: packs.length + ++done, ofBytes: packs.length * 2 });
  });
  await packing.crew.settled();
  return blocks;
};

const packGroup = async (packing: Packing, group: NewBlock[], ask: Ask): Promise<StoredBlock[]> => {
  const { world, request, crew, present, damaged, watch } = packing;
  const slot = await crew.takeSlot();
  const packed = await ask('packSpans', {
    slot,
    path: request.path,
    blocks: group.map(({ spans }) => spans),
  });
  const { bytes, sha256 } = besideDamaged({ bytes: Buffer.from(slot, 0, packed.length), ...packed }, damaged);
  const upload = async (): Promise<void> => {
    if (present.get(sha256) !== bytes.length) {
      const key = `${archiveKeys.database(request.instance)}${sha256}`;
      await storeByContent(world, key, { bytes, sha256, signal: watch.signal });
    }
  };
  crew.background(upload().finally(() => crew.giveSlot(slot)));
  const pack = { sha256, sizeBytes: bytes.length, runId: request.runId };
  return packed.blocks.map((block) => ({ ...block, pack }));
};

const indexOf = (
  { plan, sha256, sizeBytes, blocks }: Planned & Dump & { blocks: StoredBlock[] },
  takenAt: Date,
): ArchiveIndex => {
  const index = newIndex(takenAt.getTime() * 1000);
  const merge = indexMerger(index);
  const mtime = takenAt.getTime() * 1000;
  const file = addFile(index, { path: DUMP_NAME, mode: 0o600, mtime, size: sizeBytes, sha256 });
  for (const block of blocks) addBlock(index, { ...block, pack: merge.pack(block.pack) });
  const { position, length, block, offset } = plan.pieces;
  for (let row = 0; row < position.length; row++) {
    addPiece(index, file, {
      position: position.at(row),
      length: length.at(row),
      block: block.at(row),
      offset: offset.at(row),
    });
  }
  return index;
};

const assertUnchanged = async (path: string, before: { size: number; mtimeMs: number }): Promise<void> => {
  const after = await stat(path);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
    throw new OctoError('DumpChanged', `the backup file changed while it was stored: ${path}`, { facts: { path } });
  }
};
