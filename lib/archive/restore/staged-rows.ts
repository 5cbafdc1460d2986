/**
 * What is to be done for each file of a restore: nothing, compare, take over from the target, or fetch. One byte a file.
 */
import { chmodSync, lstatSync, rmSync, type Stats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Crew } from '../crew/crew.ts';
import type { UnsettledFile } from '../crew/settle-files.ts';
import { fileAt, type FileRow } from '../index/archive-index.ts';
import { microseconds } from '../pack/file-status.ts';
import { type Staging, whereIs } from './tree.ts';
import { modeOf } from './write-files.ts';

export const STATE = {
  /** As it should be, or of a place that is not restored. */
  done: 0,
  /** Staged by an attempt that was broken off: to be compared. */
  staged: 1,
  /** The same size, time and mode on the target, in a place whose files are written once. */
  linkable: 2,
  /** The same size on the target. */
  copyable: 3,
  /** To be fetched. */
  absent: 4,
} as const;

export type Rows = { states: Uint8Array; fileCount: number; sizeBytes: number; keptCount: number };

/** Octopus writes packages and artifacts once; logs it goes on with, and through a link that would change both. */
const WRITTEN_ONCE = new Set(['packages', 'artifacts']);

/** Times go through a double of seconds on their way to the disk. */
const SAME_TIME_MICROSECONDS = 2;

const ROWS_PER_TURN = 1000;

type Where = NonNullable<ReturnType<typeof whereIs>>;
type Decide = (file: FileRow, where: Where) => number;

/** Decides on each file of the places that are restored. */
export const classifyRows = async (
  staging: Staging,
  { decide, signal }: { decide: Decide; signal?: AbortSignal | undefined },
): Promise<Rows> => {
  const { paths } = staging.index.files;
  const rows: Rows = { states: new Uint8Array(paths.length), fileCount: 0, sizeBytes: 0, keptCount: 0 };
  for (const [row, path] of paths.entries()) {
    if (row % ROWS_PER_TURN === 0) await setImmediate();
    signal?.throwIfAborted();
    const where = whereIs(staging, path);
    if (where === null) continue;
    const file = fileAt(staging.index, row);
    rows.fileCount += 1;
    rows.sizeBytes += file.size;
    rows.states[row] = decide(file, where);
  }
  return rows;
};

/** By what lies on the target, without opening it. */
export const byTarget: Decide = (file, { place, present }) => {
  const found = look(present);
  if (found === null || !found.isFile() || found.size !== file.size) return STATE.absent;
  const isLinkable = WRITTEN_ONCE.has(place.name) && isSame(found, file) && modeOf(found.mode) === modeOf(file.mode);
  return isLinkable ? STATE.linkable : STATE.copyable;
};

/** Keeps what an earlier attempt has staged, to be compared. A link shares mode and time with the target: it is made anew. */
export const byStaged: Decide = (file, where) => {
  const found = look(where.staged);
  if (found?.isFile() === true && found.nlink === 1 && found.size === file.size) {
    chmodSync(where.staged, 0o600);
    return STATE.staged;
  }
  if (found !== null) rmSync(where.staged);
  return byTarget(file, where);
};

/** Of what is staged only that is taken anew which no longer looks as it was left. */
export const byLastLook: Decide = (file, where) => {
  const found = look(where.staged);
  if (found !== null && isSame(found, file)) return STATE.done;
  if (found !== null) rmSync(where.staged);
  return byTarget(file, where);
};

const look = (path: string | Buffer): Stats | null => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    // What cannot be looked at on the target is fetched; on the staged side the write will say why.
    return null;
  }
};

const isSame = (stats: Stats, { size, mtime }: FileRow): boolean =>
  stats.isFile() && stats.size === size && Math.abs(microseconds(stats) - mtime) <= SAME_TIME_MICROSECONDS;

type Settling = { crew: Crew; state: number; advance: (bytes: number) => void };

/** Makes all files of a state final; those that turn out wrong are to be fetched. */
export const settleRows = async (staging: Staging, rows: Rows, { crew, state, advance }: Settling): Promise<void> => {
  await crew.each(batchesOf(staging, rows, state), async ({ numbers, files, bytes }, ask) => {
    const right = await ask('settleFiles', { files });
    for (const [n, row] of numbers.entries()) {
      rows.states[row] = right[n] === 1 ? STATE.done : STATE.absent;
      if (right[n] === 1 && (state === STATE.linkable || state === STATE.copyable)) rows.keptCount += 1;
    }
    advance(bytes);
  });
};

type Batch = { numbers: number[]; files: UnsettledFile[]; bytes: number };

const FILES_A_BATCH = 256;
const BYTES_A_BATCH = 64 << 20;

const batchesOf = function* (staging: Staging, { states }: Rows, state: number): Generator<Batch> {
  let batch: Batch = { numbers: [], files: [], bytes: 0 };
  for (const [row, each] of states.entries()) {
    if (each !== state) continue;
    const file = fileAt(staging.index, row);
    batch.numbers.push(row);
    batch.files.push(unsettled(staging, file, state));
    batch.bytes += file.size;
    if (batch.numbers.length < FILES_A_BATCH && batch.bytes < BYTES_A_BATCH) continue;
    yield batch;
    batch = { numbers: [], files: [], bytes: 0 };
  }
  if (batch.numbers.length > 0) yield batch;
};

const unsettled = (staging: Staging, file: FileRow, state: number): UnsettledFile => {
  const { place, staged, present } = whereIs(staging, file.path)!;
  const isTaken = state === STATE.linkable || state === STATE.copyable;
  return {
    path: staged,
    from: isTaken ? { path: present, isLinked: state === STATE.linkable } : null,
    // What was fetched has just been compared with what the index says.
    sha256: state === STATE.absent ? '' : file.sha256,
    owner: staging.owners.get(place.name) ?? null,
    mode: modeOf(file.mode),
    mtime: file.mtime,
  };
};
