/**
 * Reads packs back through the crew: whole ones to verify, ranges of them to extract.
 *
 * Blocks that lie close together are fetched with one request. What is wrong with a pack is returned, not thrown, so that
 * one damaged object does not hide the others.
 */
import { isOctoError } from '../domain/errors.ts';
import type { World } from '../ports/world.ts';
import { type ArchiveIndex, type Pack, IN_PIECES, blockAt, fileAt, pieceAt } from './index/archive-index.ts';
import { PACK_BYTES, STORED_PACK_BYTES } from './pack/batches.ts';
import { type Crew, openCrew, tasksIn } from './crew/crew.ts';
import { release } from './crew/release.ts';
import type { WantedBlock, Write } from './crew/unpack-blocks.ts';

/** Blocks of one pack, sorted by offset; `at` is the offset in the pack. */
export type WantedPack = { key: string; pack: Pack; blocks: WantedBlock[] };
export type Damage = { key: string; what: string };

/** What is done with files and pieces: where to write them (`[]`: only compare), or `null` to leave them alone. */
export type Wish = {
  file(row: number): Write[] | null;
  piece(file: number, position: number): Write[] | null;
};

/** To read everything and write nothing. */
export const COMPARE_ALL: Wish = { file: () => [], piece: () => [] };

/** Gaps up to this size are read over: a request costs more. */
const LARGEST_GAP = 256 << 10;

/** The packs that a wish needs, one after the other. `prefix` is the key prefix of the packs. */
export const wantedPacks = function* (index: ArchiveIndex, prefix: string, wish: Wish): Generator<WantedPack> {
  const spans = wantedSpans(index, wish);
  const byPack = index.packs.map((): number[] => []);
  for (const block of spans.keys()) byPack[index.blocks.pack.at(block)]!.push(block);
  for (const [row, rows] of byPack.entries()) {
    const pack = index.packs[row]!;
    const blocks = rows
      .map((block) => ({ ...blockAt(index, block), at: index.blocks.offset.at(block), spans: spans.get(block)! }))
      .sort((a, b) => a.at - b.at);
    if (blocks.length > 0) yield { key: `${prefix}${pack.sha256}`, pack, blocks };
  }
};

const wantedSpans = (index: ArchiveIndex, wish: Wish): Map<number, WantedBlock['spans']> => {
  const spans = new Map<number, WantedBlock['spans']>();
  const add = (block: number, span: WantedBlock['spans'][number]): void => {
    const list = spans.get(block);
    if (list === undefined) spans.set(block, [span]);
    else list.push(span);
  };
  for (const row of index.files.paths.keys()) {
    const block = index.files.block.at(row);
    const writes = block === IN_PIECES ? null : wish.file(row);
    if (writes === null) continue;
    const { size, sha256 } = fileAt(index, row);
    add(block, { offset: index.files.offset.at(row), length: size, sha256, writes });
  }
  for (let row = 0; row < index.pieces.file.length; row++) {
    const { position, block, offset, length } = pieceAt(index, row);
    const writes = wish.piece(index.pieces.file.at(row), position);
    if (writes !== null) add(block, { offset, length, sha256: '', writes });
  }
  return spans;
};

type Reading = {
  world: Pick<World, 'archives'>;
  packs: Iterable<WantedPack>;
  /** `true` reads every byte of the packs and compares their SHA-256 too. */
  isWhole: boolean;
  signal?: AbortSignal | undefined;
  onRead?: (bytes: number) => void;
};

/** Reads, compares and writes what is wanted; what was found damaged. */
export const readPacks = async (reading: Reading): Promise<Damage[]> => {
  const packs = [...reading.packs];
  const damages: Damage[] = [];
  let [bytes, spans] = [0, 0];
  for (const block of packs.flatMap(({ blocks }) => blocks)) {
    bytes += block.rawLength;
    spans += block.spans.length;
  }
  const crew = openCrew({ slotBytes: STORED_PACK_BYTES, mostTasks: tasksIn(bytes, spans), signal: reading.signal });
  try {
    await crew.each(fetchAll(reading, { packs, crew, damages }), async (fetched, ask) => {
      try {
        const what = await ask('unpackBlocks', { ...fetched.input, blocks: fetched.blocks });
        if (what !== null) damages.push({ key: fetched.key, what });
      } finally {
        crew.giveSlot(fetched.input.slot);
      }
      reading.onRead?.(fetched.input.length);
    });
  } finally {
    await crew.close();
  }
  return damages;
};

type Fetched = {
  key: string;
  input: { slot: SharedArrayBuffer; length: number; packSha256: string | null };
  blocks: WantedBlock[];
};
type Fetching = { packs: WantedPack[]; crew: Crew; damages: Damage[] };

/** Requests under way beside the crew. */
const READ_AHEAD = 3;

/** Fetches ranges into slots, a few ahead of those who unpack. */
const fetchAll = async function* (reading: Reading, { packs, crew, damages }: Fetching): AsyncGenerator<Fetched> {
  const queue: Promise<Fetched | null>[] = [];
  for (const wanted of packs) {
    for (const blocks of reading.isWhole ? [wanted.blocks] : joinNeighbours(wanted.blocks)) {
      const slot = await crew.takeSlot();
      const fetching = fetchInto(slot, { reading, wanted, blocks }).then((found) => {
        if ('input' in found) return found;
        crew.giveSlot(slot);
        damages.push(found);
        return null;
      });
      fetching.catch(() => undefined);
      queue.push(fetching);
      if (queue.length < READ_AHEAD) continue;
      const fetched = await queue.shift()!;
      if (fetched !== null) yield fetched;
    }
  }
  while (queue.length > 0) {
    const fetched = await queue.shift()!;
    if (fetched !== null) yield fetched;
  }
};

/** Blocks that one request fetches. */
const joinNeighbours = (blocks: WantedBlock[]): WantedBlock[][] => {
  const groups: WantedBlock[][] = [];
  let end = -Infinity;
  for (const block of blocks) {
    const first = groups.at(-1)?.[0];
    const isNear = first !== undefined && block.at - end <= LARGEST_GAP;
    if (isNear && block.at + block.length - first.at <= PACK_BYTES) groups.at(-1)!.push(block);
    else groups.push([block]);
    end = block.at + block.length;
  }
  return groups;
};

const fetchInto = async (
  slot: SharedArrayBuffer,
  { reading, wanted, blocks }: { reading: Reading; wanted: WantedPack; blocks: WantedBlock[] },
): Promise<Fetched | Damage> => {
  const { key, pack } = wanted;
  const start = reading.isWhole ? 0 : blocks[0]!.at;
  const end = reading.isWhole ? pack.sizeBytes : blocks.at(-1)!.at + blocks.at(-1)!.length;
  const object = await readOrDamage(reading, key, reading.isWhole ? null : { start, end });
  if ('what' in object) return object;
  if (object.bytes.length !== end - start) {
    return { key, what: `has ${object.bytes.length} bytes where ${end - start} were expected` };
  }
  Buffer.from(slot).set(object.bytes);
  release(object.bytes);
  return {
    key,
    input: { slot, length: end - start, packSha256: reading.isWhole ? pack.sha256 : null },
    blocks: blocks.map((block) => ({ ...block, at: block.at - start })),
  };
};

const readOrDamage = async (
  { world, signal }: Reading,
  key: string,
  range: { start: number; end: number } | null,
): Promise<{ bytes: Buffer } | Damage> => {
  try {
    const object = await world.archives.read(key, {
      ...(range === null ? {} : { range }),
      ...(signal === undefined ? {} : { signal }),
    });
    return object ?? { key, what: 'is not in the store' };
  } catch (thrown) {
    if (isOctoError(thrown, 'StoreDamaged')) return { key, what: 'the store says that its bytes are damaged' };
    throw thrown;
  }
};
