/**
 * Compares a dump, page by page, with the pages of the last one: what is stored already, and which blocks to make of the
 * rest. Pages are found wherever they lie: one new extent shifts all that follow. Where pages stop being found, their
 * alignment is looked for anew, since headers between them are no multiple of a page.
 */
import { numbers } from '../index/columns.ts';
import { PIECE_BYTES } from '../pack/batches.ts';
import type { Ask } from '../crew/crew.ts';
import { GRAIN_BYTES, PAGE_BYTES, PAGE_NAME_BYTES, type Span } from '../crew/pages.ts';
import type { NewPageTable, PageTable, StoredBlock } from './page-table.ts';

/** A block that is there already, or the spans of the dump that a new one is made of. */
export type PlannedBlock = { stored: StoredBlock } | { spans: Span[] };
export type PagePlan = ReturnType<typeof emptyPlan>;

export type Dump = { path: string; sizeBytes: number };
/** `last` is `null` where there is nothing to compare with; `isPresent` asks for the pack. */
export type LastDump = { table: PageTable; isPresent: (block: StoredBlock) => boolean };
type Tables = { last: LastDump | null; next: NewPageTable };

const SEGMENT_BYTES = PIECE_BYTES;
/** So many pages in a row that are not found start a search for another alignment; each failure doubles it. */
const SHORTEST_SEARCH = 4;
const LONGEST_SEARCH = 4096;
/** Pages that are tried at each shift, and how many of them must be found. */
const TRIED_PAGES = 4;
const FOUND_PAGES = 2;

/** Plans the whole dump; `next` gets the spot of every page. */
export const planPages = async (
  dump: Dump,
  tables: Tables,
  { ask, onProgress }: { ask: Ask; onProgress: (bytes: number) => void },
): Promise<PagePlan> => {
  const plan = emptyPlan();
  const spots = spotFinder(plan, tables.last);
  const namesAt = pageNamer(dump, ask);
  const search = { misses: 0, limit: SHORTEST_SEARCH };
  for (let position = 0; position < dump.sizeBytes; onProgress(position)) {
    const { names, end } = await namesAt(position);
    for (let page = 0; position < end; page++) {
      const name = names.subarray(page * PAGE_NAME_BYTES, (page + 1) * PAGE_NAME_BYTES);
      const length = Math.min(PAGE_BYTES, end - position);
      const found = spots.find(name);
      search.misses = found === null ? search.misses + 1 : 0;
      if (found !== null) search.limit = SHORTEST_SEARCH;
      if (tables.last !== null && search.misses === search.limit) {
        const shift = await findShift(dump, { position, find: spots.find }, ask);
        search.misses = 0;
        search.limit = shift === 0 ? Math.min(search.limit * 2, LONGEST_SEARCH) : SHORTEST_SEARCH;
        if (shift > 0) {
          addNew(plan, { position, length: shift });
          position += shift;
          break;
        }
      }
      const spot = found ?? addNew(plan, { position, length });
      if (found !== null) addPiece(plan, { position, length, ...found });
      tables.next.addPage(name, spot);
      position += length;
    }
  }
  return plan;
};

/** Names the pages of a segment; those of the next are named while this one is compared. */
const pageNamer = ({ path, sizeBytes }: Dump, ask: Ask) => {
  const nameFrom = (position: number) => {
    const length = Math.min(SEGMENT_BYTES, sizeBytes - position);
    return { position, end: position + length, names: ask('namePages', { path, span: { position, length } }) };
  };
  let ahead: ReturnType<typeof nameFrom> | null = null;
  return async (position: number): Promise<{ names: Uint8Array; end: number }> => {
    const { end, names } = ahead?.position === position ? ahead : nameFrom(position);
    ahead = end < sizeBytes ? nameFrom(end) : null;
    // Nobody waits for it where another alignment is found.
    ahead?.names.catch(() => undefined);
    return { names: await names, end };
  };
};

const emptyPlan = () => ({
  blocks: [] as PlannedBlock[],
  pieces: { position: numbers(), length: numbers(), block: numbers(), offset: numbers() },
  newBytes: 0,
  /** The new block that is being filled, and how full it is. */
  filling: 0,
  filled: PIECE_BYTES,
});

type Spot = { block: number; offset: number };

/** Finds pages of the last dump; the blocks they lie in become blocks of the plan when first needed. */
const spotFinder = (plan: PagePlan, last: LastDump | null) => {
  const carried = new Map<number, number | null>();
  const carry = (number: number): number | null => {
    const stored = last!.table.block(number);
    return stored === null || !last!.isPresent(stored) ? null : plan.blocks.push({ stored }) - 1;
  };
  return {
    find: (name: Uint8Array): Spot | null => {
      const spot = last?.table.find(name) ?? null;
      if (spot === null) return null;
      const block = carried.has(spot.block) ? carried.get(spot.block)! : carry(spot.block);
      carried.set(spot.block, block);
      return block === null ? null : { block, offset: spot.offset };
    },
  };
};

/** By how many bytes pages are shifted here against the grid so far; 0 when no shift finds any. */
const findShift = async (
  dump: Dump,
  { position, find }: { position: number; find: (name: Uint8Array) => Spot | null },
  ask: Ask,
): Promise<number> => {
  const shifts = await ask('nameShiftedPages', { path: dump.path, position, pages: TRIED_PAGES });
  const hits = shifts.map((names) => {
    const pages = Array.from({ length: names.length / PAGE_NAME_BYTES }, (_, page) => page * PAGE_NAME_BYTES);
    return pages.filter((at) => find(names.subarray(at, at + PAGE_NAME_BYTES)) !== null).length;
  });
  const best = Math.max(0, ...hits);
  return best < FOUND_PAGES ? 0 : (hits.indexOf(best) + 1) * GRAIN_BYTES;
};

/** Puts a span of the dump into the new block that is being filled, or into another one. */
const addNew = (plan: PagePlan, span: Span): Spot => {
  if (plan.filled + span.length > PIECE_BYTES) {
    plan.blocks.push({ spans: [] });
    plan.filled = 0;
    plan.filling = plan.blocks.length - 1;
  }
  const spot = { block: plan.filling, offset: plan.filled };
  const { spans } = plan.blocks[plan.filling] as { spans: Span[] };
  const previous = spans.at(-1);
  if (previous !== undefined && previous.position + previous.length === span.position) previous.length += span.length;
  else spans.push({ ...span });
  plan.filled += span.length;
  plan.newBytes += span.length;
  addPiece(plan, { ...span, ...spot });
  return spot;
};

/** Adds a piece, or makes the last one longer where both lie next to each other. */
const addPiece = ({ pieces }: PagePlan, piece: Span & Spot): void => {
  const last = pieces.position.length - 1;
  if (last >= 0 && pieces.block.at(last) === piece.block) {
    const length = pieces.length.at(last);
    if (pieces.offset.at(last) + length === piece.offset) {
      pieces.length.set(last, length + piece.length);
      return;
    }
  }
  pieces.position.push(piece.position);
  pieces.length.push(piece.length);
  pieces.block.push(piece.block);
  pieces.offset.push(piece.offset);
};
