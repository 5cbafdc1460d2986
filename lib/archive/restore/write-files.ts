/**
 * Writes files of an index to new paths. Bytes are compared before they are written; what is wrong is named and ends it.
 *
 * Folders, links and owners are left to the caller, as is looking at the paths.
 */
import { chmodSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { OctoError } from '../../domain/errors.ts';
import type { World } from '../../ports/world.ts';
import { openCrew } from '../crew/crew.ts';
import { type ArchiveIndex, type FileRow, IN_PIECES, fileAt } from '../index/archive-index.ts';
import { readPacks, type Wish, wantedPacks } from '../read-packs.ts';

/** An index and the key prefix of its packs. */
export type Part = { index: ArchiveIndex; prefix: string };
export type Reading = { signal?: AbortSignal | undefined; onRead?: (bytes: number) => void };
/** `null` leaves a file out. `isPrivate`: only the owner may open it, until the caller gives it its mode. */
export type FileWriting = Reading & { pathOf: (row: number) => string | Buffer | null; isPrivate?: boolean };

/** So many files are planned at a time: this bounds the memory, and rows that stand together lie in the same packs. */
const ROWS_AT_A_TIME = 100_000;

/** @throws ArchiveDamaged with the key of the damaged object */
export const writeFiles = async (world: Pick<World, 'archives'>, part: Part, writing: FileWriting): Promise<void> => {
  const count = part.index.files.paths.length;
  for (let first = 0; first < count; first += ROWS_AT_A_TIME) {
    const isPlanned = (row: number): boolean => row >= first && row < first + ROWS_AT_A_TIME;
    await writeSlice(world, part, { ...writing, pathOf: (row) => (isPlanned(row) ? writing.pathOf(row) : null) });
  }
};

/** Those in pieces are made empty first and get mode and time at the end. */
const writeSlice = async (
  world: Pick<World, 'archives'>,
  { index, prefix }: Part,
  { pathOf, isPrivate, ...reading }: FileWriting,
): Promise<void> => {
  const attributes = ({ mode, mtime }: FileRow) => ({ mode: isPrivate === true ? 0o600 : modeOf(mode), mtime });
  const inPieces = new Map<number, { path: string | Buffer; file: FileRow }>();
  for (const row of index.files.paths.keys()) {
    const path = index.files.block.at(row) === IN_PIECES ? pathOf(row) : null;
    if (path === null) continue;
    const file = fileAt(index, row);
    inPieces.set(row, { path, file });
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
    truncateSync(path, file.size);
  }
  const wish: Wish = {
    file(row) {
      const path = pathOf(row);
      return path === null ? null : [{ path, position: 0, whole: attributes(fileAt(index, row)) }];
    },
    piece(row, position) {
      const found = inPieces.get(row);
      return found === undefined ? null : [{ path: found.path, position, whole: null }];
    },
  };
  const packs = wantedPacks(index, prefix, wish);
  const [damage] = await readPacks({ world, packs, isWhole: false, ...reading });
  if (damage !== undefined) {
    throw new OctoError('ArchiveDamaged', `${damage.key}: ${damage.what}`, { facts: { key: damage.key } });
  }
  await finishPieces(
    [...inPieces.values()].map(({ path, file }) => ({ path, file, ...attributes(file) })),
    reading.signal,
  );
};

type Pieced = { path: string | Buffer; file: FileRow; mode: number; mtime: number };

/** Its pieces were right; whether they were put together right, only the whole file tells. */
const finishPieces = async (pieced: Pieced[], signal: AbortSignal | undefined): Promise<void> => {
  if (pieced.length === 0) return;
  const crew = openCrew({ slotBytes: 0, mostTasks: pieced.length, signal });
  try {
    await crew.each(pieced, async ({ path, file, mode, mtime }, ask) => {
      if ((await ask('hashFile', { path })) !== file.sha256) {
        throw new OctoError('ArchiveDamaged', `the index puts "${file.path}" together wrong`);
      }
      chmodSync(path, mode);
      utimesSync(path, mtime / 1e6, mtime / 1e6);
    });
  } finally {
    await crew.close();
  }
};

/** No set-user-id bit comes out of an archive. */
export const modeOf = (mode: number): number => mode & 0o777;
