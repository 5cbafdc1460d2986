/**
 * What is stored already: files by path, to skip; contents by digest, to refer to. From the index of the last backup and
 * from what a killed run had finished; only what lies in packs that are still there, and sound, counts.
 */
import { type ArchiveIndex, type Pack, IN_PIECES, piecesByFile, rowsByPath } from '../index/archive-index.ts';
import type { Digests } from '../index/columns.ts';
import { claim, claimMemory, contentKey } from '../crew/claims.ts';

export type KnownFile = { index: ArchiveIndex; row: number };
export type KnownSpan = { index: ArchiveIndex; block: number; offset: number };

/** A file that changed so shortly before the walk may have changed again in the same tick of the file system's clock. */
const SETTLED_MICROSECONDS = 2_000_000;
export const isSettled = (mtime: number, startedAt: number): boolean => mtime < startedAt - SETTLED_MICROSECONDS;

export type KnownContent = ReturnType<typeof knownContent>;

/** `isSound`: is the pack in the store, as it was written? The first index to know a path wins. */
export const knownContent = (indexes: ArchiveIndex[], isSound: (pack: Pack) => boolean) => {
  const sources = indexes.map((index) => ({ ...rowsIn(index, isSound), index }));
  return {
    /** The stored file of that path, when size and time are the same. */
    file(path: string, size: number, mtime: number): KnownFile | null {
      for (const { index, rows, isPresent } of sources) {
        const row = rows.get(path);
        if (row === undefined) continue;
        const isEqual = index.files.size.at(row) === size && index.files.mtime.at(row) === mtime;
        if (isSettled(mtime, index.startedAt) && isEqual && isPresent(row)) return { index, row };
      }
      return null;
    },
    /** Shared memory with a claim on every stored content and room for `more`. */
    claims(more: number): SharedArrayBuffer {
      const count = indexes.reduce((sum, { files, blocks }) => sum + files.paths.length + blocks.pack.length, more);
      const memory = claimMemory(count);
      for (const source of sources) {
        eachContent(source, ({ digests, row, isWhole }) => claim(memory, { prefix: digests.prefix(row), isWhole }));
      }
      return memory;
    },
    /** Where the wanted contents lie, by `contentKey`; also in `more` indexes. */
    spans(wanted: Set<string>, more: ArchiveIndex[]): Map<string, KnownSpan> {
      const found = new Map<string, KnownSpan>();
      for (const source of [...sources, ...more.map((index) => ({ ...rowsIn(index, () => true), index }))]) {
        eachContent(source, ({ digests, row, isWhole, ...span }) => {
          const key = contentKey({ sha256: digests.hex(row), isWhole });
          if (wanted.has(key)) found.set(key, { index: source.index, ...span });
        });
      }
      return found;
    },
  };
};

type Source = {
  index: ArchiveIndex;
  rows: Map<string, number>;
  isPresent(row: number): boolean;
  isBlockPresent: boolean[];
};

const rowsIn = (index: ArchiveIndex, isSound: (pack: Pack) => boolean): Omit<Source, 'index'> => {
  const packs = index.packs.map(isSound);
  const isBlockPresent = Array.from(
    { length: index.blocks.pack.length },
    (_, row) => packs[index.blocks.pack.at(row)]!,
  );
  const pieces = piecesByFile(index);
  return {
    rows: rowsByPath(index),
    isBlockPresent,
    isPresent(row) {
      const block = index.files.block.at(row);
      if (block !== IN_PIECES) return isBlockPresent[block]!;
      return (pieces.get(row) ?? []).every((piece) => isBlockPresent[index.pieces.block.at(piece)]!);
    },
  };
};

type KnownDigest = { digests: Digests; row: number; isWhole: boolean; block: number; offset: number };

/** Small files by their own digest, pieces of large ones by that of their block. */
const eachContent = ({ index, isBlockPresent }: Source, visit: (content: KnownDigest) => void): void => {
  const { blocks, files } = index;
  for (let row = 0; row < files.paths.length; row++) {
    const block = files.block.at(row);
    if (block === IN_PIECES || !isBlockPresent[block]!) continue;
    visit({ digests: files.sha256, row, isWhole: true, block, offset: files.offset.at(row) });
  }
  for (let block = 0; block < blocks.pack.length; block++) {
    if (!blocks.sha256.has(block) || !isBlockPresent[block]!) continue;
    visit({ digests: blocks.sha256, row: block, isWhole: false, block, offset: 0 });
  }
};
