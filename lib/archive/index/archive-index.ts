/**
 * The index of an archive in memory: which bytes of which packs make up which file. Columns, so that it stays small.
 *
 * How it is written down is in `index-text.ts`. Rows refer to each other by number; `indexMerger` carries rows from one
 * index into another and renumbers on the way.
 */
import { type Digest, digests, numbers } from './columns.ts';

export type Pack = { sha256: string; sizeBytes: number; runId: string };

export type ArchiveIndex = ReturnType<typeof newIndex>;

/** An empty index; `startedAt` in microseconds: what changed shortly before it is not trusted by the next backup. */
export const newIndex = (startedAt: number) => ({
  startedAt,
  places: [] as { name: string; path: string }[],
  packs: [] as Pack[],
  directories: [] as { mode: number; path: string }[],
  links: [] as { target: string; path: string }[],
  /** `isPacked`: one zstd frame. `sha256` is `''` where the files in the block carry their own. */
  blocks: {
    pack: numbers(),
    offset: numbers(),
    length: numbers(),
    isPacked: numbers(),
    rawLength: numbers(),
    sha256: digests(),
  },
  /** `block` is `IN_PIECES` for a file whose bytes are in `pieces`. */
  files: {
    paths: [] as string[],
    mode: numbers(),
    mtime: numbers(),
    size: numbers(),
    sha256: digests(),
    block: numbers(),
    offset: numbers(),
  },
  /** Sorted by file; `first` and `count` below find those of one file. */
  pieces: { file: numbers(), position: numbers(), block: numbers(), offset: numbers(), length: numbers() },
});

export const IN_PIECES = -1;

export type BlockRow = {
  pack: number;
  offset: number;
  length: number;
  isPacked: boolean;
  rawLength: number;
  sha256: string;
};

export type FileRow = { path: string; mode: number; mtime: number; size: number; sha256: string };
export type BlockSpan = { block: number; offset: number };
export type Piece = BlockSpan & { position: number; length: number };

export const addBlock = ({ blocks }: ArchiveIndex, block: BlockRow): number => {
  blocks.pack.push(block.pack);
  blocks.offset.push(block.offset);
  blocks.length.push(block.length);
  blocks.isPacked.push(block.isPacked ? 1 : 0);
  blocks.rawLength.push(block.rawLength);
  return blocks.sha256.push(block.sha256);
};

/** Adds a file whose bytes lie in one block, or in pieces that are added next. */
export const addFile = (
  { files }: ArchiveIndex,
  file: Omit<FileRow, 'sha256'> & { sha256: Digest },
  at?: BlockSpan,
): number => {
  files.paths.push(file.path);
  files.mode.push(file.mode);
  files.mtime.push(file.mtime);
  files.size.push(file.size);
  files.sha256.push(file.sha256);
  files.offset.push(at?.offset ?? 0);
  return files.block.push(at?.block ?? IN_PIECES);
};

export const addPiece = ({ pieces }: ArchiveIndex, file: number, piece: Piece): void => {
  pieces.file.push(file);
  pieces.position.push(piece.position);
  pieces.block.push(piece.block);
  pieces.offset.push(piece.offset);
  pieces.length.push(piece.length);
};

export const blockAt = ({ blocks }: ArchiveIndex, row: number): BlockRow => ({
  pack: blocks.pack.at(row),
  offset: blocks.offset.at(row),
  length: blocks.length.at(row),
  isPacked: blocks.isPacked.at(row) === 1,
  rawLength: blocks.rawLength.at(row),
  sha256: blocks.sha256.hex(row),
});

export const fileAt = ({ files }: ArchiveIndex, row: number): FileRow => ({
  path: files.paths[row]!,
  mode: files.mode.at(row),
  mtime: files.mtime.at(row),
  size: files.size.at(row),
  sha256: files.sha256.hex(row),
});

export const pieceAt = ({ pieces }: ArchiveIndex, row: number): Piece => ({
  position: pieces.position.at(row),
  block: pieces.block.at(row),
  offset: pieces.offset.at(row),
  length: pieces.length.at(row),
});

/** Rows of `pieces` by file row: the pieces of one file need not stand together. */
export const piecesByFile = (index: ArchiveIndex): Map<number, number[]> => {
  const byFile = new Map<number, number[]>();
  for (let row = 0; row < index.pieces.file.length; row++) {
    const file = index.pieces.file.at(row);
    const rows = byFile.get(file);
    if (rows === undefined) byFile.set(file, [row]);
    else rows.push(row);
  }
  return byFile;
};

/** Rows of `files` by path. */
export const rowsByPath = (index: ArchiveIndex): Map<string, number> =>
  new Map(index.files.paths.map((path, row) => [path, row]));

/** Carries rows of other indexes into `into`, with the blocks and packs they need, each once. */
export const indexMerger = (into: ArchiveIndex) => {
  const packs = new Map(into.packs.map((pack, row) => [pack.sha256, row]));
  const carried = new Map<ArchiveIndex, { blocks: Map<number, number>; pieces: Map<number, number[]> }>();
  const memoryOf = (from: ArchiveIndex) => {
    const memory = carried.get(from) ?? { blocks: new Map<number, number>(), pieces: piecesByFile(from) };
    carried.set(from, memory);
    return memory;
  };

  const pack = (added: Pack): number => {
    const row = packs.get(added.sha256) ?? into.packs.push(added) - 1;
    packs.set(added.sha256, row);
    return row;
  };
  const block = (from: ArchiveIndex, row: number): number => {
    const { blocks } = memoryOf(from);
    const known = blocks.get(row);
    if (known !== undefined) return known;
    const source = blockAt(from, row);
    const added = addBlock(into, { ...source, pack: pack(from.packs[source.pack]!) });
    blocks.set(row, added);
    return added;
  };
  /** `mode` may have changed without the content. */
  const file = (from: ArchiveIndex, row: number, mode = from.files.mode.at(row)): void => {
    const { paths, mtime, size, sha256, block: blocks } = from.files;
    const source = { path: paths[row]!, mode, mtime: mtime.at(row), size: size.at(row), sha256: sha256.raw(row) };
    const inBlock = blocks.at(row);
    if (inBlock !== IN_PIECES) {
      addFile(into, source, { block: block(from, inBlock), offset: from.files.offset.at(row) });
      return;
    }
    const added = addFile(into, source);
    for (const piece of memoryOf(from).pieces.get(row) ?? []) {
      const found = pieceAt(from, piece);
      addPiece(into, added, { ...found, block: block(from, found.block) });
    }
  };
  return { pack, block, file };
};
