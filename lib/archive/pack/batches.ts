/**
 * Divides files into batches, one pack's worth each: decided from sizes and times alone, so that a run that is started
 * again divides the same files the same way.
 */
import type { Tree } from './walk.ts';

/** Content of one pack: large enough to keep requests few, small enough to keep memory small. */
export const PACK_BYTES = 8 << 20;
/** Room for a stored pack: one in place of a damaged one is a byte longer for each that was. */
export const STORED_PACK_BYTES = PACK_BYTES + 512;
/** Larger files are cut into pieces of this size; smaller ones are never cut. */
export const PIECE_BYTES = 4 << 20;

/** `raw`: stored as they are. `solid`: compressed together. `large`: one file, cut into pieces. */
export type Batch = { kind: 'raw' | 'solid' | 'large'; files: number[] };

/** Extensions whose content does not get smaller. */
const COMPRESSED = new Set(
  '7z bz2 cab docx ear gif gz jar jpeg jpg lz4 mp4 nupkg png pptx rar snupkg tgz war webp whl woff2 xlsx xz zip zst'.split(
    ' ',
  ),
);

export const isCompressed = (path: string): boolean =>
  COMPRESSED.has(path.slice(path.lastIndexOf('.') + 1).toLowerCase());

/** Large files first, so that the last worker does not end with one; small texts last. */
export const divide = (tree: Tree, rows: number[]): Batch[] => {
  const { paths, place, mtime, size } = tree.files;
  const kinds: Record<Batch['kind'], number[]> = { large: [], raw: [], solid: [] };
  for (const row of rows) {
    const small = isCompressed(paths[row]!) ? 'raw' : 'solid';
    kinds[size.at(row) > PIECE_BYTES ? 'large' : small].push(row);
  }
  const byPlaceAndAge = (a: number, b: number): number =>
    place.at(a) - place.at(b) || mtime.at(a) - mtime.at(b) || (paths[a]! < paths[b]! ? -1 : 1);
  return [
    ...kinds.large.sort((a, b) => size.at(b) - size.at(a)).map((row) => ({ kind: 'large' as const, files: [row] })),
    ...fill('raw', kinds.raw.sort(byPlaceAndAge), tree),
    ...fill('solid', kinds.solid.sort(byPlaceAndAge), tree),
  ];
};

/** Consecutive files, as many as fit. */
const fill = (kind: Batch['kind'], rows: number[], tree: Tree): Batch[] => {
  const batches: Batch[] = [];
  let room = 0;
  for (const row of rows) {
    const size = tree.files.size.at(row);
    if (batches.length === 0 || size > room || batches.at(-1)!.files.length === FILES_PER_BATCH) {
      batches.push({ kind, files: [] });
      room = PACK_BYTES;
    }
    batches.at(-1)!.files.push(row);
    room -= size;
  }
  return batches;
};

/** Bounds the messages between threads where files are tiny. */
const FILES_PER_BATCH = 8192;
