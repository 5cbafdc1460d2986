/**
 * What is stored already: files by path, to skip; contents by digest, to refer to. From the index of the last backup and
 * from what a killed run had finished; only what lies in packs that are still there, and sound, counts.
 */
import { type ArchiveIndex, type Pack, IN_PIECES, piecesByFile, rowsByPath } from '../index/archive-index.ts';
import type { Place, Tree } from './walk.ts';
import { type Content, claim, claimMemory, contentKey } from '../crew/claims.ts';

export type KnownFile = { index: ArchiveIndex; row: number };
export type KnownSpan = { index: ArchiveIndex; block: number; offset: number };

/** A file that changed so shortly before the walk may have changed again in the same tick of the file system's clock. */
const SETTLED_MICROSECONDS = 2_000_000;

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
        const isSettled = mtime < index.startedAt - SETTLED_MICROSECONDS;
        const isEqual = index.files.size.at(row) === size && index.files.mtime.at(row) === mtime;
        if (isSettled && isEqual && isPresent(row)) return { index, row };
      }
      return null;
    },
    /** Shared memory with a claim on every stored content and room for `more`. */
    claims(more: number): SharedArrayBuffer {
      const count = indexes.reduce((sum, { files, blocks }) => sum + files.paths.length + blocks.pack.length, more);
      const memory = claimMemory(count);
      for (const source of sources) {
        eachContent(source, (content) => claim(memory, content));
      }
      return memory;
    },
    /** Where the wanted contents lie, by `contentKey`; also in `more` indexes. */
    spans(wanted: Set<string>, more: ArchiveIndex[]): Map<string, KnownSpan> {
      const found = new Map<string, KnownSpan>();
      for (const source of [...sources, ...more.map((index) => ({ ...rowsIn(index, () => true), index }))]) {
        eachContent(source, (content, span) => {
          const key = contentKey(content);
          if (wanted.has(key)) found.set(key, { index: source.index, ...span });
        });
      }
      return found;
    },
  };
};

/** Is a walked tree just what `before` holds: nothing new, gone or changed, not even a mode? */
export const isSameTree = (
  { tree, places }: { tree: Tree; places: Place[] },
  found: (KnownFile | null)[],
  before: ArchiveIndex,
): boolean =>
  found.length === before.files.paths.length &&
  found.every((file, row) => file?.index === before && before.files.mode.at(file.row) === tree.files.mode.at(row)) &&
  isSameSet(tree.directories, before.directories) &&
  isSameSet(tree.links, before.links) &&
  isSameSet(places, before.places);

type Beside = { path: string; mode?: number; target?: string; name?: string };

const isSameSet = (now: Beside[], before: Beside[]): boolean => {
  const textOf = ({ path, mode, target, name }: Beside): string => `${path} ${mode ?? target ?? name}`;
  const texts = new Set(before.map(textOf));
  return now.length === before.length && now.every((each) => texts.has(textOf(each)));
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

/** Small files by their own digest, pieces of large ones by that of their block. */
const eachContent = (
  { index, isBlockPresent }: Source,
  visit: (content: Content, span: { block: number; offset: number }) => void,
): void => {
  const { blocks, files } = index;
  for (let row = 0; row < files.paths.length; row++) {
    const block = files.block.at(row);
    if (block !== IN_PIECES && isBlockPresent[block]!) {
      visit({ sha256: files.sha256.hex(row), isWhole: true }, { block, offset: files.offset.at(row) });
    }
  }
  for (let block = 0; block < blocks.pack.length; block++) {
    const sha256 = blocks.sha256.hex(block);
    if (sha256 !== '' && isBlockPresent[block]!) visit({ sha256, isWhole: false }, { block, offset: 0 });
  }
};
