/**
 * The index as text: canonical, so that equal content gives equal bytes, and in the order in which a shell can take the
 * archive apart in one pass. @see docs/format.md §4
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { OctoError } from '../../domain/errors.ts';
import { type ArchiveIndex, type Pack, IN_PIECES, addBlock, addFile, addPiece, newIndex } from './archive-index.ts';
import { pathBytes, pathText } from './path-text.ts';

const HEADER = 'octo-index 1';
const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants;

/** The index as it is stored: one zstd frame. */
export const encodeIndex = (index: ArchiveIndex): Buffer => {
  const text = Buffer.from(indexText(index));
  return zstdCompressSync(text, {
    chunkSize: text.length + 1024,
    params: { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_checksumFlag]: 1 },
  });
};

/** The index that `bytes` hold. @throws ArchiveDamaged */
export const decodeIndex = (bytes: Uint8Array): ArchiveIndex => parseIndexText(unpackIndex(bytes).toString());

const unpackIndex = (bytes: Uint8Array): Buffer => {
  try {
    return zstdDecompressSync(bytes, { chunkSize: 1 << 20 });
  } catch (cause) {
    throw new OctoError('ArchiveDamaged', 'an index cannot be unpacked', { cause });
  }
};

export const indexText = (index: ArchiveIndex): string => {
  const { files } = index;
  const order = canonicalOrder(index);
  const lines = [`${HEADER} ${index.startedAt}`];
  for (const { name, path } of index.places) lines.push(`N ${pathText(name)} ${pathText(path)}`);
  for (const row of order.packs) {
    const { sha256, sizeBytes, runId } = index.packs[row]!;
    lines.push(`K ${sha256} ${sizeBytes} ${runId}`);
  }
  for (const { mode, path } of index.directories.toSorted(byPath)) lines.push(`D ${mode.toString(8)} ${path}`);
  for (const { target, path } of index.links.toSorted(byPath)) lines.push(`L ${target} ${path}`);
  for (const row of order.filesInPieces) lines.push(`M ${attributes(index, row)} ${files.paths[row]}`);
  pushBlocks(lines, index, order);
  return `${lines.join('\n')}\nE ${lines.length}\n`;
};

/** Each block, then the files and the pieces that lie in it. */
const pushBlocks = (lines: string[], index: ArchiveIndex, order: ReturnType<typeof canonicalOrder>): void => {
  const { blocks, files, pieces } = index;
  let [file, piece] = [0, 0];
  for (const block of order.blocks) {
    const codec = blocks.isPacked.at(block) === 1 ? 'z' : 'r';
    const place = `${order.newPack[blocks.pack.at(block)]} ${blocks.offset.at(block)} ${blocks.length.at(block)}`;
    lines.push(`B ${place} ${codec} ${blocks.rawLength.at(block)} ${blocks.sha256.hex(block) || '-'}`);
    for (; file < order.filesInBlocks.length; file++) {
      const row = order.filesInBlocks[file]!;
      if (files.block.at(row) !== block) break;
      lines.push(`F ${attributes(index, row)} ${files.offset.at(row)} ${files.paths[row]}`);
    }
    for (; piece < order.pieces.length; piece++) {
      const row = order.pieces[piece]!;
      if (pieces.block.at(row) !== block) break;
      const span = `${pieces.position.at(row)} ${pieces.offset.at(row)} ${pieces.length.at(row)}`;
      lines.push(`C ${order.newFile.get(pieces.file.at(row))} ${span}`);
    }
  }
};

const attributes = ({ files }: ArchiveIndex, row: number): string =>
  `${files.mode.at(row).toString(8)} ${files.mtime.at(row)} ${files.size.at(row)} ${files.sha256.hex(row)}`;

const byPath = (a: { path: string }, b: { path: string }): number => compare(a.path, b.path);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const rowsOf = (length: number): number[] => Array.from({ length }, (_value, row) => row);
const ranksOf = (order: readonly number[]): number[] => {
  const ranks = Array.from<number>({ length: order.length });
  for (const [rank, row] of order.entries()) ranks[row] = rank;
  return ranks;
};

const canonicalOrder = (index: ArchiveIndex) => {
  const { blocks, files, pieces } = index;
  const packs = rowsOf(index.packs.length).sort((a, b) => compare(index.packs[a]!.sha256, index.packs[b]!.sha256));
  const newPack = ranksOf(packs);
  const blockOrder = rowsOf(blocks.pack.length).sort(
    (a, b) => newPack[blocks.pack.at(a)]! - newPack[blocks.pack.at(b)]! || blocks.offset.at(a) - blocks.offset.at(b),
  );
  const newBlock = ranksOf(blockOrder);
  const paths = (a: number, b: number): number => compare(files.paths[a]!, files.paths[b]!);
  const fileRows = rowsOf(files.paths.length);
  const filesInPieces = fileRows.filter((row) => files.block.at(row) === IN_PIECES).sort(paths);
  const newFile = new Map(filesInPieces.map((row, rank) => [row, rank]));
  return {
    packs,
    newPack,
    blocks: blockOrder,
    filesInPieces,
    newFile,
    filesInBlocks: fileRows
      .filter((row) => files.block.at(row) !== IN_PIECES)
      .sort(
        (a, b) =>
          newBlock[files.block.at(a)]! - newBlock[files.block.at(b)]! ||
          files.offset.at(a) - files.offset.at(b) ||
          paths(a, b),
      ),
    pieces: rowsOf(pieces.file.length).sort(
      (a, b) =>
        newBlock[pieces.block.at(a)]! - newBlock[pieces.block.at(b)]! ||
        newFile.get(pieces.file.at(a))! - newFile.get(pieces.file.at(b))! ||
        pieces.position.at(a) - pieces.position.at(b),
    ),
  };
};

/** The index that a text stands for. @throws ArchiveDamaged for a text that is cut short or not of this form */
export const parseIndexText = (text: string): ArchiveIndex => {
  const lines = text.split('\n');
  const header = /^octo-index 1 (\d+)$/.exec(lines[0]!);
  if (header === null) throw new OctoError('ArchiveDamaged', `an index does not begin with "${HEADER}"`);
  if (lines.at(-2) !== `E ${lines.length - 2}`) throw new OctoError('ArchiveDamaged', 'an index is cut short');
  const index = newIndex(Number(header[1]));
  const filesInPieces: number[] = [];
  let block = IN_PIECES;
  for (let n = 1; n < lines.length - 2; n++) {
    const [kind, ...fields] = lines[n]!.split(' ') as [string, ...string[]];
    if (kind === 'B') block = parseBlock(index, fields);
    else if (kind === 'F') parseFile(index, fields, block);
    else if (kind === 'C') parsePiece(index, [filesInPieces[Number(fields[0])]!, block], fields);
    else if (kind === 'M') filesInPieces.push(parseFileInPieces(index, fields));
    else parseHead(index, kind, fields);
  }
  return index;
};

const plain = (text: string): string => pathBytes(text).toString();

const parseHead = (index: ArchiveIndex, kind: string, [first, second, third]: string[]): void => {
  if (kind === 'K') index.packs.push({ sha256: first!, sizeBytes: Number(second), runId: third! });
  else if (kind === 'D') index.directories.push({ mode: Number.parseInt(first!, 8), path: second! });
  else if (kind === 'L') index.links.push({ target: first!, path: second! });
  else if (kind === 'N') index.places.push({ name: plain(first!), path: plain(second!) });
  else throw new OctoError('ArchiveDamaged', `an index holds a line of the unknown kind "${kind}"`);
};

const parseBlock = (index: ArchiveIndex, [pack, offset, length, codec, rawLength, sha256]: string[]): number => {
  if (codec !== 'r' && codec !== 'z') throw new OctoError('ArchiveDamaged', `an index uses the codec "${codec}"`);
  return addBlock(index, {
    pack: Number(pack),
    offset: Number(offset),
    length: Number(length),
    isPacked: codec === 'z',
    rawLength: Number(rawLength),
    sha256: sha256 === '-' ? '' : sha256!,
  });
};

const parseAttributes = ([mode, mtime, size, sha256]: string[], path: string) => ({
  path,
  mode: Number.parseInt(mode!, 8),
  mtime: Number(mtime),
  size: Number(size),
  sha256: sha256!,
});

const parseFile = (index: ArchiveIndex, fields: string[], block: number): number =>
  addFile(index, parseAttributes(fields, fields[5]!), { block, offset: Number(fields[4]) });

const parseFileInPieces = (index: ArchiveIndex, fields: string[]): number =>
  addFile(index, parseAttributes(fields, fields[4]!));

const parsePiece = (index: ArchiveIndex, [file, block]: [number, number], fields: string[]): void => {
  const [, position, offset, length] = fields.map(Number) as [number, number, number, number];
  addPiece(index, file, { position, block, offset, length });
};

/** The packs that an encoded index names, without taking in the rest of it. @throws ArchiveDamaged */
export const packsOfIndex = (bytes: Uint8Array): Pack[] => {
  const text = unpackIndex(bytes);
  const packs: Pack[] = [];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const [kind, sha256, size, runId] = text.toString('latin1', start, end).split(' ');
    if (kind === 'K') packs.push({ sha256: sha256!, sizeBytes: Number(size), runId: runId! });
    else if (kind !== 'octo-index' && kind !== 'N') break;
    start = end + 1;
  }
  return packs;
};
