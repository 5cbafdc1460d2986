/**
 * Makes files of a restore final: taken over from where they are right already, compared, given owner, mode and time, and
 * made durable. Runs in a worker thread, many files at a time.
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  futimesSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { codeOf } from '../pack/file-status.ts';
import { scratchBuffer } from './pack-files.ts';

export type Owner = { uid: number; gid: number };
export type UnsettledFile = {
  path: string | Uint8Array;
  /** Where the same file may lie already; it is linked, or copied where it must not be changed with the other. */
  from: { path: string | Uint8Array; isLinked: boolean } | null;
  /** To compare with; `''` when the content was compared as it was written. */
  sha256: string;
  /** `null` leaves it to the worker's account. */
  owner: Owner | null;
  mode: number;
  mtime: number;
};

/** For each file 1 when it is as it should be; else 0, and it is gone. */
export const settleFiles = (input: { files: UnsettledFile[] }): number[] =>
  input.files.map((file) => (settle(file) ? 1 : 0));

const settle = (file: UnsettledFile): boolean => {
  const path = typeof file.path === 'string' ? file.path : Buffer.from(file.path);
  if (file.from !== null) {
    const taken = takeOver(file.from, path);
    if (taken === 'not') return false;
    if (taken === 'linked') {
      const isRight = withFile(path, (opened) => sha256Of(opened) === file.sha256);
      if (!isRight) rmSync(path);
      return isRight;
    }
    chmodSync(path, 0o600);
  }
  const isRight = withFile(path, (opened) => {
    if (file.sha256 !== '' && sha256Of(opened) !== file.sha256) return false;
    if (file.owner !== null) fchownSync(opened, file.owner.uid, file.owner.gid);
    fchmodSync(opened, file.mode);
    futimesSync(opened, file.mtime / 1e6, file.mtime / 1e6);
    fsyncSync(opened);
    return true;
  });
  if (!isRight) rmSync(path);
  return isRight;
};

/** What is locked, gone or forbidden on the target is asked of the store. */
const NOT_TO_BE_HAD = new Set(['EACCES', 'EPERM', 'ENOENT', 'EBUSY', 'ELOOP', 'EIO']);

const takeOver = (from: NonNullable<UnsettledFile['from']>, to: string | Buffer): 'linked' | 'copied' | 'not' => {
  const source = typeof from.path === 'string' ? from.path : Buffer.from(from.path);
  if (from.isLinked && canLink(source, to)) return 'linked';
  try {
    // Where the file system can, the copy shares its blocks with the original until one of them is written to.
    copyFileSync(source, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return 'copied';
  } catch (cause) {
    if (!NOT_TO_BE_HAD.has(codeOf(cause))) throw cause;
    rmSync(to, { force: true });
    return 'not';
  }
};

/** Another disk, too many links, a file system without: all the same a reason to copy. */
const canLink = (from: string | Buffer, to: string | Buffer): boolean => {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
};

/** Windows makes nothing durable through a handle that cannot write. */
const OPENED_FOR = process.platform === 'win32' ? 'r+' : 'r';

const withFile = <T>(path: string | Buffer, use: (opened: number) => T): T => {
  const opened = openSync(path, OPENED_FOR);
  try {
    return use(opened);
  } finally {
    closeSync(opened);
  }
};

const sha256Of = (opened: number): string => {
  const sha256 = createHash('sha256');
  const bytes = scratchBuffer();
  for (let position = 0; ;) {
    const read = readSync(opened, bytes, 0, bytes.length, position);
    if (read === 0) return sha256.digest('hex');
    sha256.update(bytes.subarray(0, read));
    position += read;
  }
};
